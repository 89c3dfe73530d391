//! Errors of libraries in this program's words.
//!
//! The parsers of TOML and JSON report in terms of Rust types. A publisher of a bundle needs the
//! place, the key, and what to write there. The functions are for every crate that reads such
//! files.

use std::io;

/// Most characters of a text in a file that an error repeats.
const MOST_REPEATED: usize = 60;

/// Why a file cannot be read or written, such as "there is no such file".
pub fn io_error(error: &io::Error) -> String {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::IsADirectory => "it is a directory",
        io::ErrorKind::NotADirectory => "a part of its path is not a directory",
        io::ErrorKind::AlreadyExists => "it exists already",
        io::ErrorKind::StorageFull => "the disk is full",
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only",
        io::ErrorKind::OutOfMemory => "out of memory",
        io::ErrorKind::AddrInUse => "another program uses this address",
        io::ErrorKind::AddrNotAvailable => "this machine does not have this address",
        io::ErrorKind::ConnectionRefused => "the connection was refused",
        _ => {
            let text = one_line(&error.to_string());
            let words = text.split(" (os error").next().unwrap_or_default();
            return words.to_owned();
        }
    };
    reason.to_owned()
}

/// What is wrong in a TOML file and where, on one line: `line 3, key `size`: expected …`. `text` is
/// the content of the file.
pub fn toml_error(error: &toml::de::Error, text: &str) -> String {
    let what = serde_message(error.message()).unwrap_or_else(|| {
        if error.message().starts_with("duplicate key") {
            "the key is set twice: delete one of the lines".to_owned()
        } else {
            "not valid TOML: write `key = value`, and put texts in double quotes, such as \
             name = \"my-model\""
                .to_owned()
        }
    });
    let Some(span) = error.span() else {
        return what;
    };
    let before = text.get(..span.start).unwrap_or(text);
    let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
    let key = before.lines().last().and_then(key_before);
    match key {
        Some(key) => format!("line {line}, key `{key}`: {what}"),
        None => format!("line {line}: {what}"),
    }
}

/// The key whose value begins where this line ends; `None` where no value begins there.
fn key_before(line: &str) -> Option<&str> {
    let name = line.trim_end().strip_suffix('=')?.trim_end();
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    let key = name.get(name.trim_end_matches(is_part).len()..)?;
    (!key.is_empty()).then_some(key)
}

/// What is wrong in a JSON file and where, on one line: `line 1, column 8: expected …`.
pub fn json_error(error: &serde_json::Error) -> String {
    let place = format!("line {}, column {}", error.line(), error.column());
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    match error.classify() {
        serde_json::error::Category::Data => {
            let what = serde_message(message).unwrap_or_else(|| one_line(message));
            format!("{place}: {what}")
        }
        serde_json::error::Category::Eof if error.column() == 0 => "it is empty".to_owned(),
        serde_json::error::Category::Eof => format!("{place}: the file ends too early"),
        _ if message.starts_with("number out of range") => {
            format!("{place}: the number is too large")
        }
        _ => format!("{place}: not valid JSON"),
    }
}

/// A message of serde in this program's words; `None` for a message of another kind.
pub fn serde_message(message: &str) -> Option<String> {
    if let Some(rest) = message.strip_prefix("missing field `") {
        let (key, _) = rest.split_once('`')?;
        return Some(format!("the key `{}` is missing: add it", one_line(key)));
    }
    if let Some(rest) = message.strip_prefix("duplicate field `") {
        let (key, _) = rest.split_once('`')?;
        return Some(format!(
            "the key `{}` is set twice: delete one of them",
            one_line(key)
        ));
    }
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let (key, known) = rest.split_once("`, ")?;
        return Some(format!(
            "unknown key `{}`: {}",
            one_line(key),
            match choices(known) {
                Some(choices) => format!("write {choices}, or delete it"),
                None => "delete it".to_owned(),
            }
        ));
    }
    if let Some(rest) = message.strip_prefix("unknown variant `") {
        let (value, known) = rest.split_once("`, ")?;
        let choices = choices(known)?;
        return Some(format!("expected {choices}, found `{}`", one_line(value)));
    }
    let wrong = ["invalid type: ", "invalid value: ", "invalid length "];
    let rest = wrong.iter().find_map(|start| message.strip_prefix(start))?;
    let (found, expected) = rest.rsplit_once(", expected ")?;
    Some(format!(
        "expected {}, found {}",
        expected_value(expected),
        found_value(found)
    ))
}

/// `` `a`, `b` or `c` `` of serde's `` expected one of `a`, `b`, `c` ``.
fn choices(expected: &str) -> Option<String> {
    let names: Vec<&str> = expected
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| !name.is_empty())
        .collect();
    let (last, others) = names.split_last()?;
    let others: Vec<String> = others.iter().map(|name| format!("`{name}`")).collect();
    Some(match others.is_empty() {
        true => format!("`{last}`"),
        false => format!("{} or `{last}`", others.join(", ")),
    })
}

fn expected_value(expected: &str) -> String {
    let in_words = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number of 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" | "bool" => "true or false",
        "a string" | "str" | "string" => "a text in double quotes",
        "a sequence" => "a list in square brackets",
        "a map" => "a table of keys and values",
        other if other.starts_with("struct ") => "a table of keys and values",
        other => match other.strip_prefix("an array of length ") {
            Some(length) => return format!("a list of {length} values"),
            None => "another kind of value",
        },
    };
    in_words.to_owned()
}

fn found_value(found: &str) -> String {
    let quoted = || found.split('`').nth(1).map(|value| format!("`{value}`"));
    let text = || {
        let text = found.strip_prefix("string ")?;
        let text: String = text.trim_matches('"').chars().take(MOST_REPEATED).collect();
        Some(format!("the text \"{}\"", one_line(&text)))
    };
    let in_words = match found {
        "sequence" => "a list",
        "map" => "a table",
        "null" | "unit value" => "null",
        _ => {
            let value = text().or_else(quoted);
            let count = || found.parse::<usize>().ok().map(|count| count.to_string());
            return value
                .or_else(count)
                .unwrap_or_else(|| "another kind of value".to_owned());
        }
    };
    in_words.to_owned()
}

/// The text on one line.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Manifest;

    fn toml_says(text: &str) -> String {
        let error = toml::from_str::<Manifest>(text).unwrap_err();
        toml_error(&error, text)
    }

    #[test]
    fn toml_errors_name_line_and_key() {
        for (text, said) in [
            (
                "format = 2\nname = 3\n",
                "line 2, key `name`: expected a text in double quotes, found `3`",
            ),
            (
                "format = \"2\"\n",
                "line 1, key `format`: expected a whole number of 0 or more, found the text \"2\"",
            ),
            (
                "format = -1\n",
                "line 1, key `format`: expected a whole number of 0 or more, found `-1`",
            ),
            ("format = 2\nverzion = 1\n", "line 2: unknown key `verzion`"),
            ("format = 2\n", "line 1: the key `name` is missing: add it"),
            ("name = x\n", "line 1, key `name`: not valid TOML"),
            ("format = 1\nformat = 2\n", "line 2: the key is set twice"),
        ] {
            let found = toml_says(text);
            assert!(found.starts_with(said), "{found}");
            assert!(!found.contains('\n'), "{found}");
        }
    }

    #[test]
    fn json_errors_name_line_and_column() {
        let says = |text: &str| {
            let error = serde_json::from_str::<uncertainty::Range>(text).unwrap_err();
            json_error(&error)
        };
        for (text, said) in [
            ("", "it is empty"),
            (
                "{\"minimum\": 1",
                "line 1, column 13: the file ends too early",
            ),
            ("{]", "line 1, column 2: not valid JSON"),
            (
                "{\"minimum\": 1}",
                "line 1, column 14: the key `maximum` is missing: add it",
            ),
            (
                "{\"minimum\": \"1\"}",
                "line 1, column 15: expected a number, found the text \"1\"",
            ),
            (
                "{\"least\": 1}",
                "line 1, column 8: unknown key `least`: write `minimum` or `maximum`, or delete it",
            ),
        ] {
            assert_eq!(says(text), said);
        }
    }
}
