//! Writing a bundle, holding it against the trainer, and its model card.

pub(crate) mod about;
pub(crate) mod card;
pub(crate) mod verify;
pub(crate) mod write;
