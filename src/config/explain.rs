//! Why a configuration cannot be read, in one line: where, what was found, what was expected.

use figment::{
    Error, Source,
    error::{Actual, Kind},
};

use super::{listen, load::PREFIX};

/// The path of the entries for API keys.
const KEYS: [&str; 2] = ["access", "keys"];
/// The start of what the TOML parser says of a file that is not TOML.
const NO_TOML: &str = "TOML parse error";

/// The first of figment's errors on one line.
pub(super) fn one_line(error: Error) -> String {
    error
        .into_iter()
        .next()
        .map(|first| explained(&first))
        .unwrap_or_default()
}

fn explained(error: &Error) -> String {
    let said = match &error.kind {
        // The parser repeats the line that is wrong, which may hold an API key.
        Kind::Message(text) if text.contains(NO_TOML) => no_toml(text),
        _ if error.path.starts_with(&KEYS.map(str::to_owned)) => wrong_entry(&error.kind),
        _ => wrong_value(error),
    };
    match place(error) {
        Some(place) => format!("{place}: {said}"),
        None => said,
    }
}

/// The file or the environment variable that an error is about.
fn place(error: &Error) -> Option<String> {
    let metadata = error.metadata.as_ref()?;
    if let Some(Source::File(path)) = &metadata.source {
        return Some(path.display().to_string());
    }
    let path: Vec<&str> = error.path.iter().take(2).map(String::as_str).collect();
    let name = path.join("__").to_ascii_uppercase();
    (metadata.name.contains(PREFIX) && !name.is_empty()).then(|| format!("{PREFIX}{name}"))
}

fn no_toml(text: &str) -> String {
    let position = text.split_once(" at ").map_or("", |(_, rest)| rest);
    let position = position.lines().next().unwrap_or_default();
    format!("{position} is not valid TOML: check quotes, brackets and keys that are there twice")
}

/// What stands in `access.keys` by mistake may be an API key itself. It is not repeated.
fn wrong_entry(kind: &Kind) -> String {
    let expected = match kind {
        Kind::InvalidType(_, expected)
        | Kind::InvalidValue(_, expected)
        | Kind::InvalidLength(_, expected) => in_plain_words(expected),
        Kind::UnknownVariant(_, known) => one_of(known),
        Kind::UnknownField(_, known) => format!("no other keys than {}", known.join(", ")),
        Kind::MissingField(name) => format!("a key `{name}` in each entry"),
        _ => "another value".to_owned(),
    };
    format!(
        "`{}`: expected {expected}; write entries as `secondlook keys new NAME` prints them, in brackets",
        KEYS.join(".")
    )
}

fn wrong_value(error: &Error) -> String {
    let key = key(&error.path);
    if key == "listen" && !matches!(error.kind, Kind::Message(_)) {
        let found = found(&error.kind);
        return format!("`{key}`: expected {}, found {found}", listen::EXPECTED);
    }
    match &error.kind {
        Kind::Message(text) => format!("`{key}`: {text}"),
        Kind::InvalidType(_, expected)
        | Kind::InvalidValue(_, expected)
        | Kind::InvalidLength(_, expected) => format!(
            "`{key}`: expected {}, found {}",
            in_plain_words(expected),
            found(&error.kind)
        ),
        Kind::UnknownVariant(found, known) => {
            format!("`{key}`: expected {}, found `{found}`", one_of(known))
        }
        Kind::UnknownField(_, known) => {
            format!("`{key}` is not a known key, expected {}", one_of(known))
        }
        Kind::MissingField(name) => format!("`{key}`: expected a key `{name}`"),
        Kind::DuplicateField(name) => format!("`{name}` is there twice"),
        Kind::ISizeOutOfRange(number) => format!("`{key}`: {number} is out of range"),
        Kind::USizeOutOfRange(number) => format!("`{key}`: {number} is out of range"),
        Kind::Unsupported(_) | Kind::UnsupportedKey(..) => {
            format!("`{key}`: a value of this kind is not supported")
        }
    }
}

/// The path of a key, such as `engine.execution_providers[0]`.
fn key(path: &[String]) -> String {
    let mut key = String::new();
    for part in path {
        let is_place = part.bytes().all(|byte| byte.is_ascii_digit());
        match (is_place, key.is_empty()) {
            (true, _) => key.push_str(&format!("[{part}]")),
            (false, true) => key.push_str(part),
            (false, false) => key.push_str(&format!(".{part}")),
        }
    }
    key
}

fn found(kind: &Kind) -> String {
    let (Kind::InvalidType(actual, _) | Kind::InvalidValue(actual, _)) = kind else {
        return "another number of items".to_owned();
    };
    match actual {
        Actual::Bool(value) => format!("`{value}`"),
        Actual::Unsigned(value) => format!("`{value}`"),
        Actual::Signed(value) => format!("`{value}`"),
        Actual::Float(value) => format!("`{value}`"),
        Actual::Str(value) => format!("the text `{value}`"),
        Actual::Seq => "a list".to_owned(),
        Actual::Map => "a section".to_owned(),
        _ => "something else".to_owned(),
    }
}

/// The name of a type, as a person calls it.
fn in_plain_words(expected: &str) -> String {
    let known = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative",
        "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "bool" | "a boolean" => "true or false",
        "string" | "str" | "a string" | "path string" => "a text in quotes",
        "sequence" | "a sequence" => "a list in brackets",
        struct_or_map if struct_or_map.starts_with("struct ") || struct_or_map == "map" => {
            "a section with keys"
        }
        name if name.starts_with("enum ") => "one of its names, in quotes",
        other => other,
    };
    known.to_owned()
}

fn one_of(known: &[&str]) -> String {
    match known {
        [only] => (*only).to_owned(),
        _ => format!("one of {}", known.join(", ")),
    }
}
