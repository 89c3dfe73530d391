//! Where the nuclei of a field are: a JSON list, or CSV in CRIC's columns.

use serde::{Deserialize, Serialize};

use crate::api::problem::{Problem, ProblemKind};

/// Ten times CRIC's whole table.
pub(super) const MAX_BYTES: usize = 5_000_000;
const PART: &str = "nuclei";
const HINT: &str = "send [{\"id\": \"1\", \"x\": 200, \"y\": 150}], or CSV with the columns cell_id, nucleus_x and nucleus_y";

/// What a table has to have.
const COLUMNS: [&str; 3] = ["cell_id", "nucleus_x", "nucleus_y"];

/// A nucleus on a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Nucleus {
    /// What the answer calls it.
    #[serde(default)]
    pub(in crate::api) id: Option<String>,
    /// Column in pixels from the left.
    pub(in crate::api) x: f64,
    /// Row in pixels from the top.
    pub(in crate::api) y: f64,
}

/// A row of CRIC's table; its other columns are passed over.
#[derive(Deserialize)]
struct NucleusRow {
    cell_id: String,
    nucleus_x: f64,
    nucleus_y: f64,
    #[serde(default)]
    image_filename: Option<String>,
}

/// Reads at most `most` nuclei. Of a table of several images the rows of `file_name` are taken.
pub(in crate::api) fn read(
    text: &[u8],
    file_name: Option<&str>,
    most: usize,
) -> Result<Vec<Nucleus>, Problem> {
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    let nuclei = match first {
        Some(b'[' | b'{') => read_json(text)?,
        Some(_) => read_csv(text, file_name)?,
        None => return Err(refusal("the part is empty").hint(HINT)),
    };
    if nuclei.len() > most {
        let detail = format!(
            "there are {} nuclei and at most {most} are accepted",
            nuclei.len()
        );
        let problem = Problem::new(ProblemKind::TooManyCells, detail).field(PART);
        return Err(problem.hint(
            "send them in several requests, or ask whoever runs this server to raise limits.max_cells",
        ));
    }
    let is_finite = |nucleus: &Nucleus| nucleus.x.is_finite() && nucleus.y.is_finite();
    match nuclei.iter().position(|nucleus| !is_finite(nucleus)) {
        Some(index) => {
            let detail = format!("the position of nucleus {index} is no number");
            Err(refusal(detail).hint(HINT))
        }
        None => Ok(nuclei),
    }
}

fn read_json(text: &[u8]) -> Result<Vec<Nucleus>, Problem> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let read = serde_path_to_error::deserialize(&mut json);
    let nuclei =
        read.map_err(|error| refusal(format!("the JSON cannot be read: {error}")).hint(HINT))?;
    json.end()
        .map_err(|_| refusal("something follows the JSON list").hint(HINT))?;
    Ok(nuclei)
}

fn read_csv(text: &[u8], file_name: Option<&str>) -> Result<Vec<Nucleus>, Problem> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text);
    let unreadable =
        |error: csv::Error| refusal(format!("the CSV cannot be read: {error}")).hint(HINT);
    let columns = reader.headers().map_err(unreadable)?;
    // A row would say so, but a table may have none.
    if let Some(missing) = COLUMNS
        .iter()
        .find(|name| !columns.iter().any(|column| column == **name))
    {
        return Err(refusal(format!("the CSV has no column `{missing}`")).hint(HINT));
    }
    let rows: Result<Vec<NucleusRow>, csv::Error> = reader.deserialize().collect();
    let rows = rows.map_err(unreadable)?;
    let rows = rows_of_image(rows, file_name)?;
    let nucleus = |row: NucleusRow| Nucleus {
        id: Some(row.cell_id),
        x: row.nucleus_x,
        y: row.nucleus_y,
    };
    Ok(rows.into_iter().map(nucleus).collect())
}

/// CRIC's table holds the nuclei of all its fields; only those of the field that was sent are meant.
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
        let detail =
            "the table is about several images, and none of its rows names the one that was sent";
        return Err(refusal(detail).hint(
            "send the image under its file name in the table, or only the rows of this image",
        ));
    }
    Ok(of_image)
}

fn refusal(detail: impl Into<String>) -> Problem {
    Problem::parameter(PART, detail)
}

/// No nuclei were sent.
pub(in crate::api) fn missing() -> Problem {
    Problem::new(
        ProblemKind::RequestMalformed,
        "the form has no part `nuclei`",
    )
    .field(PART)
    .hint(HINT)
}

/// They have more than [`MAX_BYTES`].
pub(super) fn too_large() -> Problem {
    let detail = format!("the nuclei have more than {MAX_BYTES} bytes");
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
    fn both_forms_say_the_same() {
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
    fn of_crics_table_only_the_rows_of_the_field_are_meant() {
        let read = |name| read(TABLE.as_bytes(), name, 9);
        let expected = [nucleus("11", 5.0, 6.0), nucleus("12", 7.0, 8.0)];
        assert_eq!(read(Some("a.jpg")).unwrap(), expected);
        for name in [None, Some("c.jpg")] {
            assert!(read(name).unwrap_err().detail().contains("several images"));
        }
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        let cases: [(&str, &str); 11] = [
            ("", "empty"),
            ("[{\"x\": 1}]", "`y`"),
            ("[{\"x\": 1, \"y\": \"left\"}]", "[0].y"),
            ("[{\"x\": 1, \"y\": 2, \"z\": 3}]", "`z`"),
            ("[] []", "follows"),
            ("{}", "sequence"),
            ("x,y\n1,2\n", "cell_id"),
            ("some text", "cell_id"),
            ("cell_id,nucleus_x\n", "nucleus_y"),
            ("cell_id,nucleus_x,nucleus_y\n1,2,left\n", "line: 2"),
            ("cell_id,nucleus_x,nucleus_y\n1,NaN,2\n", "no number"),
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
