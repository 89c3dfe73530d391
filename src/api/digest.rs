//! Ids made of what they name: the same content has the same id, on every server.

use serde::Serialize;
use sha2::{Digest, Sha256};
use ulid::Ulid;

/// An id in the 26 letters and digits of a ULID.
pub(super) fn short_id(content: &impl Serialize) -> String {
    Ulid(digest_of(content, 0)).to_string()
}

/// A UUID of version 8 (RFC 9562). `copy` tells resources with the same content apart.
pub(super) fn uuid_of(content: &impl Serialize, copy: usize) -> String {
    let mut number = digest_of(content, copy);
    number = (number & !(0xf << 76)) | (0x8 << 76);
    number = (number & !(0x3 << 62)) | (0x2 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        number >> 96,
        (number >> 80) & 0xffff,
        (number >> 64) & 0xffff,
        (number >> 48) & 0xffff,
        number & 0xffff_ffff_ffff
    )
}

/// A UUID as an address.
pub(super) fn urn(uuid: &str) -> String {
    format!("urn:uuid:{uuid}")
}

/// The first 128 bits of the SHA-256 of a value's JSON.
fn digest_of(content: &impl Serialize, copy: usize) -> u128 {
    // Our own types: strings, numbers and lists of them.
    let json = serde_json::to_vec(content).unwrap_or_default();
    let mut hash = Sha256::new();
    hash.update(&json);
    if copy > 0 {
        hash.update(copy.to_be_bytes());
    }
    let bytes = hash.finalize();
    let bytes = bytes.first_chunk().copied().unwrap_or_default();
    u128::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_of_version_8_and_that_of_its_content() {
        let id = uuid_of(&"cell", 0);
        assert_eq!(id, uuid_of(&"cell", 0));
        assert!(id != uuid_of(&"sell", 0) && id != uuid_of(&"cell", 1));
        let parts: Vec<&str> = id.split('-').collect();
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert!(parts[2].starts_with('8') && "89ab".contains(&parts[3][..1]));
    }
}
