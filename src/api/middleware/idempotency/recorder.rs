//! A streamed answer that is kept when its end was sent.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::Frame;

use super::store::{Answer, Claim, Head};
use crate::api::many::Unsettled;

/// Passes a body on and gathers it on the way, as long as it is small enough to be kept.
pub(super) struct Recorder {
    body: Body,
    gathered: Vec<u8>,
    /// None once it is clear that the answer is not kept; whoever waits for it then tries for itself.
    pending: Option<(Claim, Head)>,
    /// What the handler notes while it makes the body.
    unsettled: Option<Unsettled>,
}

impl Recorder {
    pub(super) fn new(body: Body, claim: Claim, head: Head, unsettled: Option<Unsettled>) -> Self {
        Self {
            body,
            gathered: Vec::new(),
            pending: Some((claim, head)),
            unsettled,
        }
    }

    fn gather(&mut self, bytes: &[u8]) {
        let Some((claim, _)) = &self.pending else {
            return;
        };
        if self.gathered.len().saturating_add(bytes.len()) > claim.max_bytes() {
            return self.give_up();
        }
        self.gathered.extend_from_slice(bytes);
    }

    fn give_up(&mut self) {
        self.pending = None;
        self.gathered = Vec::new();
    }

    fn keep(&mut self) {
        if self.unsettled.as_ref().is_some_and(Unsettled::is_so) {
            return self.give_up();
        }
        let body = std::mem::take(&mut self.gathered).into();
        if let Some((claim, head)) = self.pending.take() {
            claim.keep(Answer { head, body });
        }
    }
}

impl HttpBody for Recorder {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => self.gather(frame.data_ref().map_or(b"", |bytes| bytes)),
            Some(Err(_)) => self.give_up(),
            None => self.keep(),
        }
        Poll::Ready(frame)
    }
}
