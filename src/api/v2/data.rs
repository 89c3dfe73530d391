//! The `data` of a tensor in JSON: numbers or texts, flat or nested.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, SeqAccess, Visitor},
};

/// Most texts of a tensor, each an image. An empty one takes three bytes of JSON and eight times as many here.
const MOST_TEXTS: usize = 1 << 16;

/// The elements of a tensor in row-major order, however they were nested. Read straight into numbers: as JSON values they
/// would take eight times the memory.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Data {
    pub(super) numbers: Vec<f32>,
    pub(super) texts: Vec<String>,
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut data = Self::default();
        deserializer.deserialize_seq(Into(&mut data))?;
        Ok(data)
    }
}

/// Appends what it reads.
struct Into<'data>(&'data mut Data);

impl<'de> DeserializeSeed<'de> for Into<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Into<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of numbers or texts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Into(&mut *self.0))?.is_some() {}
        Ok(())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.0.numbers.push(number as f32);
        Ok(())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if self.0.texts.len() == MOST_TEXTS {
            return Err(Error::custom(format!(
                "there are more than {MOST_TEXTS} texts"
            )));
        }
        self.0.texts.push(text.to_owned());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn nesting_does_not_matter() {
        let read = |text| serde_json::from_str::<Data>(text);
        assert_eq!(
            read("[[1, 2.5], [[-3]]]").unwrap().numbers,
            [1.0, 2.5, -3.0]
        );
        assert_eq!(read(r#"["a", ["b"]]"#).unwrap().texts, ["a", "b"]);
        for wrong in ["1", "\"a\"", "[null]", "[{}]", "[true]"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
    #[test]
    fn a_list_with_no_end_of_empty_texts_is_refused() {
        let texts = |count| format!("[{}\"\"]", "\"\",".repeat(count - 1));
        let read = serde_json::from_str::<Data>(&texts(MOST_TEXTS)).unwrap();
        assert_eq!(read.texts.len(), MOST_TEXTS);
        assert!(serde_json::from_str::<Data>(&texts(MOST_TEXTS + 1)).is_err());
    }
}
