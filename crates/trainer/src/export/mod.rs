//! Writing a bundle, holding it against the trainer, and its model card.

pub mod about;
pub mod card;
pub mod verify;
pub mod write;
