//! The nuclei of a field: a JSON list, or CSV in CRIC's columns.

use csv::StringRecord;
use serde::Deserialize;
use serde_path_to_error::Segment;

use crate::api::problem::{Problem, ProblemKind};

/// Ten times the size of CRIC's whole table.
pub(super) const MAX_BYTES: usize = 5_000_000;
const PART: &str = "nuclei";
const HINT: &str = "send [{\"id\": \"1\", \"x\": 200, \"y\": 150}], or CSV with the columns cell_id, nucleus_x and nucleus_y";

/// The columns that a table needs.
const COLUMNS: [&str; 3] = ["cell_id", "nucleus_x", "nucleus_y"];

/// A nucleus on a field.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::api) struct Nucleus {
    /// The client's name for it.
    pub(in crate::api) id: Option<String>,
    /// Column in pixels from the left.
    pub(in crate::api) x: f64,
    /// Row in pixels from the top.
    pub(in crate::api) y: f64,
}

/// A nucleus in JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonNucleus {
    id: Option<String>,
    x: Option<f64>,
    y: Option<f64>,
}

/// A row of a table. Columns that are not known here are skipped.
struct NucleusRow {
    nucleus: Nucleus,
    image_filename: Option<String>,
}

/// Reads at most `most` nuclei. If a table has several images, only the rows of `file_name` count.
pub(in crate::api) fn read(
    text: &[u8],
    file_name: Option<&str>,
    most: usize,
) -> Result<Vec<Nucleus>, Problem> {
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    let nuclei = match first {
        Some(b'[' | b'{') => read_json(text)?,
        Some(_) => read_csv(text, file_name)?,
        None => return Err(refusal("the part `nuclei` is empty").hint(HINT)),
    };
    if nuclei.len() > most {
        let detail = format!(
            "there are {} nuclei, at most {most} are accepted",
            nuclei.len()
        );
        let problem = Problem::new(ProblemKind::TooManyCells, detail).field(PART);
        return Err(problem.hint(
            "send several smaller requests; the operator of this server can raise limits.max_cells",
        ));
    }
    let is_finite = |nucleus: &Nucleus| nucleus.x.is_finite() && nucleus.y.is_finite();
    match nuclei.iter().position(|nucleus| !is_finite(nucleus)) {
        Some(index) => {
            let detail = format!("nucleus {index}: expected finite numbers for its position");
            Err(refusal(detail).hint(HINT))
        }
        None => Ok(nuclei),
    }
}

fn read_json(text: &[u8]) -> Result<Vec<Nucleus>, Problem> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let read: Result<Vec<JsonNucleus>, _> = serde_path_to_error::deserialize(&mut json);
    let nuclei = read.map_err(|error| refusal(json_problem(&error)).hint(HINT))?;
    json.end()
        .map_err(|_| refusal("something follows the JSON list").hint(HINT))?;
    let nuclei = nuclei.into_iter().enumerate();
    let complete = nuclei.map(|(index, JsonNucleus { id, x, y })| {
        let missing = |name| refusal(format!("nucleus {index} has no `{name}`")).hint(HINT);
        Ok(Nucleus {
            id,
            x: x.ok_or_else(|| missing("x"))?,
            y: y.ok_or_else(|| missing("y"))?,
        })
    });
    complete.collect()
}

/// What is wrong with the JSON, from the place of the error.
fn json_problem(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let inner = error.inner();
    if !inner.is_data() {
        let (line, column) = (inner.line(), inner.column());
        return format!("line {line}, column {column}: this is not valid JSON");
    }
    let mut path = error.path().iter();
    let (first, second) = (path.next(), path.next());
    let Some(Segment::Seq { index }) = first else {
        return "expected a JSON list of nuclei, found something else".to_owned();
    };
    match second {
        Some(Segment::Map { key }) if key == "id" => {
            format!(
                "nucleus {index}: expected a text for `id`, such as \"1\", found something else"
            )
        }
        Some(Segment::Map { key }) if key == "x" || key == "y" => {
            format!(
                "nucleus {index}: expected a number for `{key}`, such as 150, found something else"
            )
        }
        Some(Segment::Map { key }) => {
            format!("nucleus {index}: `{key}` is not known, expected `id`, `x` and `y`")
        }
        _ => format!("nucleus {index}: expected an object with `x` and `y`, found something else"),
    }
}

fn read_csv(text: &[u8], file_name: Option<&str>) -> Result<Vec<Nucleus>, Problem> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text);
    let unreadable = |error: csv::Error| refusal(csv_problem(&error)).hint(HINT);
    let header = reader.headers().map_err(unreadable)?;
    let place = |name: &str| header.iter().position(|column| column == name);
    let column = |name: &str| {
        let missing = || refusal(format!("the CSV has no column `{name}`")).hint(HINT);
        place(name).ok_or_else(missing)
    };
    let [id, x, y] = COLUMNS;
    let (id, x, y) = (column(id)?, column(x)?, column(y)?);
    let image_filename = place("image_filename");
    let read = |record: Result<StringRecord, csv::Error>| {
        let record = record.map_err(unreadable)?;
        let text = |column: usize| record.get(column).unwrap_or_default();
        let file = image_filename.map(text).filter(|name| !name.is_empty());
        Ok(NucleusRow {
            nucleus: Nucleus {
                id: Some(text(id).to_owned()),
                x: number(&record, x, "nucleus_x")?,
                y: number(&record, y, "nucleus_y")?,
            },
            image_filename: file.map(str::to_owned),
        })
    };
    let rows: Result<Vec<NucleusRow>, Problem> = reader.records().map(read).collect();
    let rows = rows_of_image(rows?, file_name)?;
    Ok(rows.into_iter().map(|row| row.nucleus).collect())
}

fn number(record: &StringRecord, column: usize, name: &str) -> Result<f64, Problem> {
    let text = record.get(column).unwrap_or_default();
    text.parse().map_err(|_| {
        let line = record.position().map_or(0, csv::Position::line);
        let detail =
            format!("line {line}: expected a number in `{name}`, such as 150, found `{text}`");
        refusal(detail).hint(HINT)
    })
}

/// What is wrong with the CSV, with the line.
fn csv_problem(error: &csv::Error) -> String {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!(
            "line {line}: expected {expected_len} columns as in the first line, found {len}"
        ),
        csv::ErrorKind::Utf8 { .. } => format!("line {line}: this is not UTF-8 text"),
        _ => "this is not a CSV table".to_owned(),
    }
}

/// CRIC's table has the nuclei of all its fields. Only the rows of the uploaded field count.
fn rows_of_image(
    rows: Vec<NucleusRow>,
    file_name: Option<&str>,
) -> Result<Vec<NucleusRow>, Problem> {
    let first = rows.first().and_then(|row| row.image_filename.clone());
    if rows.iter().all(|row| row.image_filename == first) {
        return Ok(rows);
    }
    let is_meant =
        |row: &NucleusRow| file_name.is_some() && row.image_filename.as_deref() == file_name;
    let of_image: Vec<NucleusRow> = rows.into_iter().filter(is_meant).collect();
    if of_image.is_empty() {
        let detail = "the table names several images, and none of its rows has the file name of the image that was sent";
        return Err(refusal(detail).hint(
            "send the image under the file name that the table has, or send only the rows of this image",
        ));
    }
    Ok(of_image)
}

fn refusal(detail: impl Into<String>) -> Problem {
    Problem::parameter(PART, detail)
}

/// The part is missing.
pub(in crate::api) fn missing() -> Problem {
    Problem::new(
        ProblemKind::RequestMalformed,
        "the form has no part `nuclei`",
    )
    .field(PART)
    .hint(HINT)
}

/// The part has more than [`MAX_BYTES`].
pub(super) fn too_large() -> Problem {
    let detail = format!("the part `nuclei` has more than {MAX_BYTES} bytes");
    Problem::new(ProblemKind::BodyTooLarge, detail)
        .field(PART)
        .hint("send only the nuclei of this field")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TABLE: &str = "image_id,image_filename,image_doi,cell_id,bethesda_system,nucleus_x,nucleus_y\n\
        1,a.jpg,doi,11,LSIL,5,6\n1,a.jpg,doi,12,SCC,7,8\n2,b.jpg,doi,21,HSIL,9,10\n";

    fn nucleus(id: &str, x: f64, y: f64) -> Nucleus {
        Nucleus {
            id: Some(id.to_owned()),
            x,
            y,
        }
    }

    #[test]
    fn json_and_csv_give_the_same_nuclei() {
        let json = br#" [{"id": "11", "x": 5, "y": 6}, {"x": 7.5, "y": -1}]"#;
        let read_json = read(json, None, 9).unwrap();
        assert_eq!(read_json[0], nucleus("11", 5.0, 6.0));
        assert_eq!((read_json[1].id.as_deref(), read_json[1].y), (None, -1.0));
        let table = "nucleus_x, nucleus_y, cell_id\n5, 6, 11\n";
        assert_eq!(read(table.as_bytes(), None, 9).unwrap(), read_json[..1]);
        assert!(read(b"[]", None, 9).unwrap().is_empty());
        let empty = "cell_id,nucleus_x,nucleus_y\n";
        assert!(read(empty.as_bytes(), None, 9).unwrap().is_empty());
    }

    #[test]
    fn rows_of_other_images_are_skipped() {
        let read = |name| read(TABLE.as_bytes(), name, 9);
        let expected = [nucleus("11", 5.0, 6.0), nucleus("12", 7.0, 8.0)];
        assert_eq!(read(Some("a.jpg")).unwrap(), expected);
        for name in [None, Some("c.jpg")] {
            assert!(read(name).unwrap_err().detail().contains("several images"));
        }
    }

    #[test]
    fn unreadable_nuclei_name_the_place() {
        let cases: [(&str, &str); 14] = [
            ("", "empty"),
            ("[{\"x\": 1}]", "nucleus 0 has no `y`"),
            (
                "[{\"x\": 1, \"y\": \"left\"}]",
                "nucleus 0: expected a number for `y`",
            ),
            ("[{\"x\": 1, \"y\": 2, \"z\": 3}]", "`z`"),
            ("[] []", "follows"),
            ("[{", "line 1, column 2: this is not valid JSON"),
            ("[1]", "nucleus 0: expected an object"),
            ("{}", "expected a JSON list"),
            ("x,y\n1,2\n", "cell_id"),
            ("some text", "cell_id"),
            ("cell_id,nucleus_x\n", "nucleus_y"),
            (
                "cell_id,nucleus_x,nucleus_y\n1,2,left\n",
                "line 2: expected a number in `nucleus_y`, such as 150, found `left`",
            ),
            (
                "cell_id,nucleus_x,nucleus_y\n1,2\n",
                "line 2: expected 3 columns",
            ),
            ("cell_id,nucleus_x,nucleus_y\n1,NaN,2\n", "finite numbers"),
        ];
        for (text, reason) in cases {
            let problem = read(text.as_bytes(), None, 9).unwrap_err();
            assert!(problem.detail().contains(reason), "{}", problem.detail());
            assert_eq!(problem.body("id").field.as_deref(), Some("nuclei"));
        }
        let many = read(TABLE.as_bytes(), Some("a.jpg"), 1).unwrap_err();
        assert_eq!(many.status(), 413);
    }
}
