//! Messages whose bytes are kept.

use prost::{
    DecodeError, Message,
    bytes::{Buf, BufMut},
    encoding::{DecodeContext, WireType, bytes, fixed32, fixed64, skip_field, uint64},
};

/// A message that is written again with the bytes that were read. This keeps fields of later format
/// versions, explicit zeros, and lists in either encoding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verbatim(Vec<u8>);

impl Verbatim {
    /// Encodes a message.
    pub fn of(message: &impl Message) -> Verbatim {
        Verbatim(message.encode_to_vec())
    }
}

impl Message for Verbatim {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        buf.put_slice(&self.0);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        let Verbatim(kept) = self;
        match wire_type {
            WireType::Varint => {
                let mut value = 0;
                uint64::merge(wire_type, &mut value, buf, context)?;
                uint64::encode(tag, &value, kept);
            }
            WireType::SixtyFourBit => {
                let mut value = 0;
                fixed64::merge(wire_type, &mut value, buf, context)?;
                fixed64::encode(tag, &value, kept);
            }
            WireType::ThirtyTwoBit => {
                let mut value = 0;
                fixed32::merge(wire_type, &mut value, buf, context)?;
                fixed32::encode(tag, &value, kept);
            }
            WireType::LengthDelimited => {
                let mut value = Vec::new();
                bytes::merge(wire_type, &mut value, buf, context)?;
                bytes::encode(tag, &value, kept);
            }
            // The format has no groups.
            WireType::StartGroup | WireType::EndGroup => {
                skip_field(wire_type, tag, buf, context)?;
            }
        }
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        self.0.len()
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explicit_zeros_and_unknown_fields_are_kept() {
        // 1: the number 0; 2: two bytes; 3: 32 bits; 900: 64 bits.
        let mut bytes = vec![8, 0, 18, 2, 97, 98, 29, 1, 2, 3, 4, 0xa1, 0x38];
        bytes.extend([7; 8]);
        let message = Verbatim::decode(bytes.as_slice());
        assert_eq!(message.map(|message| message.encode_to_vec()), Ok(bytes));
    }
}
