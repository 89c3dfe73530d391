//! From the tensor `image` of a request to subjects for the engine.

use std::fmt;

use axum::body::Bytes;
use base64::{Engine as _, prelude::BASE64_STANDARD};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, SeqAccess, Visitor},
};

use super::request::{Few, RequestInput, malformed, refused as too_many};
use crate::api::problem::{Problem, ProblemKind};
use engine::Subject;

const NAME: &str = "image";
const COLOURS: usize = 3;
/// Bytes of an FP32.
const FLOAT_BYTES: usize = 4;
/// Bytes of the length before each element of a BYTES tensor, little-endian.
const LENGTH_BYTES: usize = 4;
/// Largest number of texts in a tensor, each an image. An empty text has three bytes in JSON and
/// eight times as many in memory.
const MOST_TEXTS: usize = 1 << 16;

/// The images of a request, at most `most`, for a model with this input size.
pub(super) fn subjects(
    inputs: Few<RequestInput, 1>,
    tensors: &Bytes,
    size: u32,
    most: usize,
) -> Result<Vec<Subject>, Problem> {
    let input = inputs.0.into_iter().next();
    let input = input.ok_or_else(|| refused("`inputs` is empty: expected the input `image`"))?;
    if input.name != NAME {
        return Err(refused(format!(
            "expected the input `{NAME}`, found `{}`",
            input.name
        )));
    }
    let count = input.shape.0.first().copied().unwrap_or_default();
    if count == 0 {
        return Err(refused(
            "the tensor `image` has no image: its `shape` starts with 0",
        ));
    }
    if count > most {
        let detail = format!("the tensor `image` has {count} images, at most {most} are accepted");
        return Err(Problem::new(ProblemKind::TooManyCells, detail)
            .field(NAME)
            .hint("send several smaller requests; the operator of this server can raise limits.max_cells"));
    }
    let binary = binary_of(&input, tensors)?;
    match input.datatype.as_str() {
        "BYTES" => encoded(&input, binary, count),
        "FP32" => normalised(input, binary, count, size),
        other => Err(refused(format!(
            "`datatype`: expected BYTES or FP32, found `{other}`"
        ))
        .hint(
            "send image files as BYTES [n], or normalised pixels as FP32 [n, 3, height, width]; \
             GET /v2/models/{name} has the size",
        )),
    }
}

/// The bytes of the tensor behind the JSON; `None` if it is in the JSON.
fn binary_of(input: &RequestInput, tensors: &Bytes) -> Result<Option<Bytes>, Problem> {
    let Some(size) = input.parameters.binary_data_size else {
        return match (&input.data, tensors.is_empty()) {
            (Some(_), true) => Ok(None),
            (Some(_), false) => Err(malformed(
                "bytes follow the JSON, but no tensor has `binary_data_size`",
            )),
            (None, _) => Err(malformed(
                "the tensor `image` has neither `data` nor `binary_data_size`",
            )),
        };
    };
    if size != tensors.len() {
        let detail = format!(
            "`binary_data_size` is {size}, but {} bytes follow the JSON",
            tensors.len()
        );
        return Err(malformed(detail).hint("check Inference-Header-Content-Length"));
    }
    Ok(Some(tensors.clone()))
}

/// Images as files.
fn encoded(
    input: &RequestInput,
    binary: Option<Bytes>,
    count: usize,
) -> Result<Vec<Subject>, Problem> {
    if input.shape.0.iter().skip(1).any(|side| *side != 1) {
        return Err(refused(format!(
            "`shape`: expected [n] for BYTES, found {:?}",
            input.shape.0
        )));
    }
    let images = match binary {
        Some(binary) => elements(binary, count)?,
        None => from_base64(input, count)?,
    };
    Ok(images.into_iter().map(Subject::from).collect())
}

fn from_base64(input: &RequestInput, count: usize) -> Result<Vec<Bytes>, Problem> {
    let texts = input.data.as_ref().map_or(&[][..], |data| &data.texts);
    if texts.len() != count {
        return Err(miscounted(count, texts.len()));
    }
    let decode = |(index, text): (usize, &String)| {
        BASE64_STANDARD.decode(text).map(Bytes::from).map_err(|_| {
            refused(format!(
                "image {index}: expected base64, found something else"
            ))
            .hint("encode the file's bytes as base64 with padding, or send a binary tensor")
        })
    };
    texts.iter().enumerate().map(decode).collect()
}

/// The elements of a BYTES tensor: each is its length and its bytes.
fn elements(mut rest: Bytes, count: usize) -> Result<Vec<Bytes>, Problem> {
    let cut_short = || malformed("the BYTES tensor ends within an element");
    let mut elements = Vec::new();
    while !rest.is_empty() {
        if elements.len() == count {
            let detail = format!("`shape` says {count} images, but the tensor has more");
            return Err(refused(detail));
        }
        let (length, _) = rest
            .split_first_chunk::<LENGTH_BYTES>()
            .ok_or_else(cut_short)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let end = length.saturating_add(LENGTH_BYTES);
        if end > rest.len() {
            return Err(cut_short());
        }
        elements.push(rest.split_to(end).slice(LENGTH_BYTES..));
    }
    if elements.len() < count {
        return Err(miscounted(count, elements.len()));
    }
    Ok(elements)
}

fn miscounted(said: usize, found: usize) -> Problem {
    refused(format!(
        "`shape` starts with {said}, but the tensor has {found} base64 texts or binary elements: \
         send one for each image"
    ))
}

/// Images as normalised tensors.
fn normalised(
    input: RequestInput,
    binary: Option<Bytes>,
    count: usize,
    size: u32,
) -> Result<Vec<Subject>, Problem> {
    let edge = usize::try_from(size).unwrap_or(usize::MAX);
    if input.shape.0 != [count, COLOURS, edge, edge] {
        let detail = format!(
            "`shape`: expected [n, 3, {edge}, {edge}] for FP32, found {:?}",
            input.shape.0
        );
        return Err(refused(detail)
            .hint("resize and normalise as GET /v2/models/{name} says, or send BYTES"));
    }
    let values = match (binary, input.data) {
        (Some(binary), _) => floats(&binary)?,
        (None, Some(data)) => data.numbers,
        (None, None) => Vec::new(),
    };
    let of_one = COLOURS.saturating_mul(edge).saturating_mul(edge);
    if values.len() != of_one.saturating_mul(count) {
        let detail = format!(
            "`shape` is {:?}, but the tensor has {} values",
            input.shape.0,
            values.len()
        );
        return Err(refused(detail));
    }
    let images = values.chunks_exact(of_one.max(1));
    Ok(images.map(|image| Subject::Tensor(image.into())).collect())
}

fn floats(bytes: &[u8]) -> Result<Vec<f32>, Problem> {
    let (values, rest) = bytes.as_chunks::<FLOAT_BYTES>();
    if !rest.is_empty() {
        return Err(malformed(format!(
            "the FP32 tensor has {} bytes, which is no multiple of 4: send 4 bytes for each number",
            bytes.len()
        )));
    }
    Ok(values
        .iter()
        .map(|value| f32::from_le_bytes(*value))
        .collect())
}

fn refused(detail: impl Into<String>) -> Problem {
    malformed(detail).hint("GET /v2/models/{name} describes the input `image`")
}

/// The elements of a tensor in row-major order, with any nesting. They are read straight into
/// numbers, because JSON values would take eight times the memory.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Data {
    pub(super) numbers: Vec<f32>,
    pub(super) texts: Vec<String>,
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut data = Self::default();
        deserializer.deserialize_seq(Appending(&mut data))?;
        Ok(data)
    }
}

/// Appends the elements that it reads.
struct Appending<'data>(&'data mut Data);

impl<'de> DeserializeSeed<'de> for Appending<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Appending<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of numbers or texts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Appending(&mut *self.0))?.is_some() {}
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
            return Err(too_many(format!(
                "`data` has more than {MOST_TEXTS} texts, each an image"
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
    fn nested_lists_are_flattened() {
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
    fn too_many_empty_texts_are_refused() {
        let texts = |count| format!("[{}\"\"]", "\"\",".repeat(count - 1));
        let read = serde_json::from_str::<Data>(&texts(MOST_TEXTS)).unwrap();
        assert_eq!(read.texts.len(), MOST_TEXTS);
        assert!(serde_json::from_str::<Data>(&texts(MOST_TEXTS + 1)).is_err());
    }
}
