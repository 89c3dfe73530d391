//! Errors of parsers and of ONNX Runtime in the trainer's own words: what was expected, what was
//! found, and where.

use std::{io, ops::Range};

use serde_json::error::Category;

/// An I/O error without the system's error number.
pub(crate) fn io(error: &io::Error) -> String {
    let known = match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::IsADirectory => "it is a folder, expected a file",
        io::ErrorKind::NotADirectory => "a part of the path is a file, expected a folder",
        io::ErrorKind::StorageFull => "the disk is full",
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only",
        _ => {
            let text = error.to_string();
            let end = text.find(" (os error").unwrap_or(text.len());
            return one_line(&text[..end]);
        }
    };
    known.to_owned()
}

/// A CSV row that cannot be read. `row` is the row, where it could be split into fields.
pub(crate) fn csv(
    header: &csv::StringRecord,
    row: Option<&csv::StringRecord>,
    error: &csv::Error,
) -> String {
    let position = row
        .and_then(csv::StringRecord::position)
        .or(error.position());
    let line = position.map_or(1, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => {
            format!("line {line}: not UTF-8 text; save the table as UTF-8")
        }
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("line {line}: expected {expected_len} fields as in the header, found {len}"),
        csv::ErrorKind::Deserialize { err, .. } => {
            if let csv::DeserializeErrorKind::Message(message) = err.kind() {
                if let Some(column) = quoted(message, "missing field `") {
                    let columns: Vec<&str> = header.iter().collect();
                    return format!(
                        "line 1: expected a column `{column}` in the header, found {}",
                        columns.join(", ")
                    );
                }
                return format!(
                    "line {line}: {}",
                    serde(message).as_deref().unwrap_or(message)
                );
            }
            let field = err.field().and_then(|field| usize::try_from(field).ok());
            let column = field.and_then(|field| header.get(field)).unwrap_or("?");
            let found = field.zip(row).and_then(|(field, row)| row.get(field));
            let found = found.map_or("nothing".to_owned(), |text| format!("\"{text}\""));
            let expected = match err.kind() {
                csv::DeserializeErrorKind::ParseBool(_) => "true or false",
                csv::DeserializeErrorKind::ParseInt(_) => "a whole number such as 512",
                csv::DeserializeErrorKind::ParseFloat(_) => "a number such as 0.5",
                _ => "a value",
            };
            format!("line {line}, column {column}: expected {expected}, found {found}")
        }
        _ => format!("line {line}: not a CSV row"),
    }
}

/// A JSON file that cannot be read.
pub(crate) fn json(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let place = format!(" at line {line} column {column}");
    let message = text.strip_suffix(&place).unwrap_or(&text);
    match error.classify() {
        Category::Data => {
            let reason = serde(message).unwrap_or_else(|| message.to_owned());
            format!("line {line}, column {column}: {reason}")
        }
        Category::Eof => format!("line {line}: the JSON is incomplete"),
        Category::Syntax | Category::Io => {
            format!("line {line}, column {column}: not valid JSON")
        }
    }
}

/// A TOML text that cannot be read.
pub(crate) fn toml(error: &toml::de::Error, text: &str) -> String {
    let place = error.span().map_or(String::new(), |span| place(text, span));
    if text.parse::<toml::Table>().is_err() {
        return format!("{place}not valid TOML; write `key = value`, with texts in quotes");
    }
    let message = one_line(error.message());
    let reason = serde(&message).unwrap_or(message);
    format!("{place}{reason}")
}

/// `line 3: `, or nothing for an error of the whole file.
fn place(text: &str, span: Range<usize>) -> String {
    let whole = span.start == 0 && span.end >= text.trim_end().len();
    let before = text.get(..span.start).filter(|_| !whole);
    before.map_or(String::new(), |before| {
        format!("line {}: ", before.matches('\n').count() + 1)
    })
}

/// The standard messages of serde in plain words; `None` for any other message.
fn serde(message: &str) -> Option<String> {
    if let Some(key) = quoted(message, "missing field `") {
        return Some(format!("the key `{key}` is missing"));
    }
    if let Some(key) = quoted(message, "duplicate field `") {
        return Some(format!("the key `{key}` is given twice"));
    }
    for (start, what, known) in [
        ("unknown field `", "key", "known keys"),
        ("unknown variant `", "value", "known values"),
    ] {
        if let Some(name) = quoted(message, start) {
            let names = message.split_once("expected ").map(|(_, names)| names);
            let names = names.map(|names| names.strip_prefix("one of ").unwrap_or(names));
            let known = names.map_or(String::new(), |names| format!("; {known}: {names}"));
            return Some(format!("unknown {what} `{name}`{known}"));
        }
    }
    let mismatch = ["invalid type: ", "invalid value: ", "invalid length "];
    let mismatch = mismatch
        .iter()
        .find_map(|start| message.strip_prefix(start))?;
    let (found, expected) = mismatch.split_once(", expected ")?;
    Some(format!(
        "expected {}, found {}",
        expectation(expected),
        finding(found)
    ))
}

/// The name in backticks after the start of a message.
fn quoted<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message.strip_prefix(start)?.split('`').next()
}

fn expectation(text: &str) -> &str {
    match text {
        "f32" | "f64" => "a number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number of 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "a string" | "str" => "a text in quotes",
        "a boolean" | "bool" => "true or false",
        "a sequence" => "a list",
        _ if text.starts_with("struct ") || text == "a map" => "a group of keys",
        _ if text.starts_with("enum ") || text.starts_with("variant ") => "a name",
        other => other,
    }
}

fn finding(text: &str) -> String {
    if let Some(text) = text.strip_prefix("string ") {
        return format!("the text {text}");
    }
    for kind in ["integer `", "floating point `", "boolean `"] {
        if let Some(value) = quoted(text, kind) {
            return value.to_owned();
        }
    }
    match text {
        "sequence" => "a list".to_owned(),
        "map" => "a group of keys".to_owned(),
        "null" | "unit value" | "Option value" => "nothing".to_owned(),
        other => other.to_owned(),
    }
}

/// The node that ONNX Runtime names in an error, such as ` at node /layer/Reshape (Reshape)`;
/// empty if it names none.
pub(crate) fn node_of(message: &str) -> String {
    let between = |start: &str, end: &str| {
        let (_, rest) = message.split_once(start)?;
        rest.split_once(end).map(|(text, _)| text)
    };
    let running = between(" running ", " node. Name:'").zip(between("node. Name:'", "'"));
    let loading = || {
        let mut parts = between("In Node, (", ")")?.split(", ");
        let name = parts.next()?.trim_matches('"');
        parts.next().map(|operator| (operator, name))
    };
    let node = running.or_else(loading);
    node.map_or(String::new(), |(operator, name)| {
        format!(" at node `{name}` ({operator})")
    })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use serde::Deserialize;

    use super::*;
    use crate::workspace::{parse_toml, read_csv, read_json};

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Row {
        path: String,
        x: i64,
    }

    fn csv_error(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells.csv");
        std::fs::write(&path, text).unwrap();
        let error = read_csv::<Row>(&path).unwrap_err().to_string();
        error.split_once("cells.csv: ").unwrap().1.to_owned()
    }

    #[test]
    fn csv_errors_name_line_and_column() {
        let error = csv_error("path,x\na.png,1\nb.png,left\n");
        let expected = "line 3, column x: expected a whole number such as 512, found \"left\"";
        assert_eq!(error, expected);
        let error = csv_error("path\na.png\n");
        assert!(
            error.starts_with("line 1: expected a column `x`"),
            "{error}"
        );
        let error = csv_error("path,x\na.png\n");
        assert_eq!(error, "line 2: expected 2 fields as in the header, found 1");
    }

    #[test]
    fn json_errors_name_line_and_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipe.json");
        let error = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let error = read_json::<Row>(&path).unwrap_err().to_string();
            error.split_once("recipe.json: ").unwrap().1.to_owned()
        };
        assert_eq!(
            error("{\"path\": \"a\",\n \"x\": \"1\"}"),
            "line 2, column 9: expected a whole number, found the text \"1\""
        );
        assert!(error("{\"path\": 1}").contains("expected a text in quotes, found 1"));
        assert!(error("{\"x\": 1}").contains("the key `path` is missing"));
        assert!(error("{\"z\": 1}").contains("unknown key `z`; known keys: `path` or `x`"));
        assert_eq!(error("{\"x\": 1"), "line 1: the JSON is incomplete");
    }

    #[test]
    fn toml_errors_name_line_and_key() {
        let error = |text: &str| {
            let error = parse_toml::<Row>(Path::new("labels.toml"), text).unwrap_err();
            error.to_string()
        };
        assert_eq!(
            error("path = \"a\"\nx = 1.5\n"),
            "labels.toml: line 2: expected a whole number, found 1.5"
        );
        assert_eq!(
            error("x = 1\n"),
            "labels.toml: line 1: the key `path` is missing"
        );
        assert!(error("path = a\n").starts_with("labels.toml: line 1: not valid TOML"));
    }

    #[test]
    fn missing_file_error_has_no_system_number() {
        let error = read_csv::<Row>(Path::new("/nowhere/cells.csv")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot read /nowhere/cells.csv: no such file or folder"
        );
    }

    #[test]
    fn runtime_errors_name_the_node() {
        let message = "Non-zero status code returned while running Reshape node. \
                       Name:'/head/Reshape' Status Message: the input cannot be reshaped";
        assert_eq!(node_of(message), " at node `/head/Reshape` (Reshape)");
        let message = "This is an invalid model. In Node, (\"/a\", Conv, \"\", -1) : (\"x\") -> \
                       (\"y\"), Error Unrecognized attribute";
        assert_eq!(node_of(message), " at node `/a` (Conv)");
        assert_eq!(node_of("out of memory"), "");
    }
}
