//! The answers that are kept, within bounds of time, number and bytes.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode},
};
use tokio::sync::watch;

use super::fingerprint::Fingerprint;
use crate::config::IdempotencyConfig;

/// What an answer takes beside its body: headers, fingerprint, entries of the maps.
const OVERHEAD_BYTES: usize = 1024;

/// A key, which is the client's own: two clients may use the same one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) client: Option<Arc<str>>,
    pub(super) key: String,
}

/// An answer without its body, and which request it was for.
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) fingerprint: Fingerprint,
}

/// A whole answer.
pub(super) struct Answer {
    pub(super) head: Head,
    pub(super) body: Bytes,
}

impl Answer {
    fn size(&self) -> usize {
        self.body.len().saturating_add(OVERHEAD_BYTES)
    }
}

enum Entry {
    /// Somebody is at work; the receiver hears of the end when its sender is dropped.
    Running(watch::Receiver<()>),
    Kept(Arc<Answer>),
}

/// What a request with a key finds.
pub(super) enum Begun {
    /// Nothing: it is the first.
    First(Claim),
    /// The first is at work.
    Running(watch::Receiver<()>),
    /// The first one's answer.
    Kept(Arc<Answer>),
}

/// All answers that are kept.
pub(in crate::api::middleware) struct Store {
    keep: Duration,
    max_entries: usize,
    max_bytes: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: BTreeMap<Name, Entry>,
    /// Every kept answer, the oldest first.
    by_age: VecDeque<(Instant, Name)>,
    bytes: usize,
}

impl Store {
    pub(in crate::api::middleware) fn new(config: &IdempotencyConfig) -> Self {
        Self {
            keep: config.keep_seconds.duration(),
            max_entries: config.max_entries,
            max_bytes: config.max_bytes,
            state: Mutex::default(),
        }
    }

    /// Finds what there is under a name; when it is nothing, the caller is at work from now on.
    pub(super) fn begin(self: &Arc<Self>, name: &Name) -> Begun {
        let mut state = self.lock();
        self.forget_oldest(&mut state);
        match state.entries.get(name) {
            Some(Entry::Running(end)) => return Begun::Running(end.clone()),
            Some(Entry::Kept(answer)) => return Begun::Kept(answer.clone()),
            None => {}
        }
        let (running, end) = watch::channel(());
        state.entries.insert(name.clone(), Entry::Running(end));
        Begun::First(Claim {
            store: self.clone(),
            name: name.clone(),
            is_kept: false,
            _running: running,
        })
    }

    fn keep(&self, name: &Name, answer: Answer) -> bool {
        if answer.size() > self.max_bytes {
            return false;
        }
        let mut state = self.lock();
        state.bytes = state.bytes.saturating_add(answer.size());
        state.by_age.push_back((Instant::now(), name.clone()));
        state
            .entries
            .insert(name.clone(), Entry::Kept(Arc::new(answer)));
        self.forget_oldest(&mut state);
        true
    }

    fn forget_oldest(&self, state: &mut State) {
        while let Some((since, _)) = state.by_age.front() {
            let has_room = state.by_age.len() <= self.max_entries && state.bytes <= self.max_bytes;
            if has_room && since.elapsed() < self.keep {
                return;
            }
            let oldest = state.by_age.pop_front();
            let entry = oldest.and_then(|(_, name)| state.entries.remove(&name));
            if let Some(Entry::Kept(answer)) = entry {
                state.bytes = state.bytes.saturating_sub(answer.size());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to answer under a name. Dropped without an answer, it lets the next one try.
pub(super) struct Claim {
    store: Arc<Store>,
    name: Name,
    is_kept: bool,
    /// Dropped last, when the entry says what became of it.
    _running: watch::Sender<()>,
}

impl Claim {
    /// Keeps the answer, if there is room for one of its size.
    pub(super) fn keep(mut self, answer: Answer) {
        self.is_kept = self.store.keep(&self.name, answer);
    }

    /// Largest answer that is kept.
    pub(super) fn max_bytes(&self) -> usize {
        self.store.max_bytes
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.is_kept {
            self.store.lock().entries.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests;
