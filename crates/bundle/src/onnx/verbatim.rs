//! Messages that are passed on as they came.

use prost::{
    DecodeError, Message,
    bytes::{Buf, BufMut},
    encoding::{DecodeContext, WireType, bytes, fixed32, fixed64, skip_field, uint64},
};

/// A message whose fields are kept as they were written: those of a later version of the format, zeros that need not be said,
/// lists in either encoding. A model that others made is written again with the same bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verbatim(Vec<u8>);

impl Verbatim {
    /// A message of our own.
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
    fn zeros_that_need_not_be_said_and_fields_that_nobody_knows_are_kept() {
        // 1: the number 0; 2: two bytes; 3: 32 bits; 900: 64 bits.
        let mut bytes = vec![8, 0, 18, 2, 97, 98, 29, 1, 2, 3, 4, 0xa1, 0x38];
        bytes.extend([7; 8]);
        let message = Verbatim::decode(bytes.as_slice());
        assert_eq!(message.map(|message| message.encode_to_vec()), Ok(bytes));
    }
}
