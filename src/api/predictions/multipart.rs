//! A form with the parts `image` and `accession`.

use axum::{body::Bytes, extract::Request};

use super::{
    accession,
    upload::{missing, too_large},
};
use crate::api::{
    form::{self, OVERHEAD_BYTES},
    problem::Problem,
};

const ONE_CELL: &str = "send one cell per request, or several to /v1/predictions:batch";

pub(super) struct Form {
    pub(super) image: Bytes,
    pub(super) accession: Option<String>,
}

/// Reads a form to its end. Parts that are unknown, repeated or missing are refused, and `count` may refuse what comes for its
/// bytes.
pub(super) async fn read(
    request: Request,
    max_image_bytes: usize,
    count: impl FnMut(usize) -> Result<(), Problem> + Send + 'static,
) -> Result<Form, Problem> {
    let max_bytes = max_image_bytes.saturating_add(OVERHEAD_BYTES);
    let too_many = too_large(max_image_bytes);
    let mut form = form::Form::open(request, max_bytes, too_many, count).await?;
    let (mut image, mut found_accession) = (None, None);
    while let Some(mut part) = form.next_part().await? {
        let name = part.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "image" => {
                let bytes = form::read_part(&mut part, max_image_bytes).await?;
                let bytes = bytes.ok_or_else(|| too_large(max_image_bytes))?;
                form::store(&mut image, bytes, &name, ONE_CELL)?;
            }
            "accession" => {
                let accession = accession::of_part(&mut part).await?;
                form::store(&mut found_accession, accession, &name, ONE_CELL)?;
            }
            _ => return Err(form::unknown_part(&name, "`image` and `accession`")),
        }
    }
    let image = image.filter(|bytes: &Bytes| !bytes.is_empty());
    Ok(Form {
        image: image.ok_or_else(|| missing("the form has no part `image`, or it is empty"))?,
        accession: found_accession,
    })
}
