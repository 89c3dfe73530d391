//! Lists of a request that are refused while they are read: a small upload must not become a large one in memory.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

use super::request::RequestOutput;

/// Longest id of a request in bytes: the answer repeats it.
const ID_BYTES: usize = 256;

/// A list of at most `MOST` entries.
#[derive(Default)]
pub(super) struct Few<Entry, const MOST: usize>(pub(super) Vec<Entry>);

impl<'de, Entry: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Few<Entry, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_seq(Read::<Entry, MOST>(PhantomData))
            .map(Self)
    }
}

struct Read<Entry, const MOST: usize>(PhantomData<Entry>);

impl<'de, Entry: Deserialize<'de>, const MOST: usize> Visitor<'de> for Read<Entry, MOST> {
    type Value = Vec<Entry>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a list of at most {MOST}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut read = Vec::new();
        while let Some(entry) = entries.next_element()? {
            if read.len() == MOST {
                return Err(Error::custom(format!("the list has more than {MOST}")));
            }
            read.push(entry);
        }
        Ok(read)
    }
}

/// The outputs that are asked for, each once.
#[derive(Default)]
pub(super) struct Outputs(pub(super) Vec<RequestOutput>);

impl<'de> Deserialize<'de> for Outputs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ReadOutputs).map(Self)
    }
}

struct ReadOutputs;

impl<'de> Visitor<'de> for ReadOutputs {
    type Value = Vec<RequestOutput>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of outputs")
    }

    /// There are as many outputs as names, so that a list without repetitions is short.
    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut read: Vec<RequestOutput> = Vec::new();
        while let Some(entry) = entries.next_element::<RequestOutput>()? {
            if read.iter().any(|earlier| earlier.output == entry.output) {
                let name = entry.output.name();
                return Err(Error::custom(format!(
                    "the output `{name}` is asked for twice"
                )));
            }
            read.push(entry);
        }
        Ok(read)
    }
}

/// An id that is short enough to be repeated.
pub(super) fn short_id<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let id = Option::<String>::deserialize(deserializer)?;
    match id {
        Some(id) if id.len() > ID_BYTES => Err(Error::custom(format!(
            "the id has more than {ID_BYTES} bytes"
        ))),
        id => Ok(id),
    }
}
