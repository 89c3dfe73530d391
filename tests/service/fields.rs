//! A field and its nuclei.

use std::io::Cursor;

use image::{ImageFormat, RgbImage, imageops};
use imaging::{CellImage, Limits, Padding, crop_at_nucleus, decode};
use reqwest::{
    RequestBuilder,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use super::{
    batches::check_summary,
    predictions::lasting,
    server::{Server, answer, problem},
};

const CLASSES: [&str; 6] = ["nilm", "asc-us", "lsil", "asc-h", "hsil", "scc"];
/// Edge of the example cells and of the default bundle's crops.
const EDGE: u32 = 140;
/// Width of the fields that the default bundle was trained on.
const WIDTH: u32 = 1280;

pub fn png(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// The example cells beside each other on one field.
pub fn field() -> RgbImage {
    let mut field = RgbImage::from_pixel(WIDTH, 200, image::Rgb([225, 220, 230]));
    for (class, x) in CLASSES.iter().zip(centres()) {
        let cell = image::open(format!("examples/cells/{class}.png"))
            .unwrap()
            .to_rgb8();
        imageops::replace(&mut field, &cell, x - 70, 10);
    }
    field
}

fn centres() -> impl Iterator<Item = i64> {
    (0..6).map(|index| 100 + 200 * index)
}

/// The six cells, two nuclei at the border, and one outside the field.
pub fn nuclei() -> Value {
    let cells = CLASSES.iter().zip(centres());
    let mut nuclei: Vec<Value> = cells
        .map(|(class, x)| json!({"id": class, "x": x, "y": 80}))
        .collect();
    nuclei.push(json!({"id": "corner", "x": 0, "y": 0}));
    nuclei.push(json!({"id": "outside", "x": WIDTH, "y": 80}));
    nuclei.push(json!({"x": 1279.5, "y": 199.9}));
    json!(nuclei)
}

pub fn form(image: Vec<u8>, nuclei: &str) -> Form {
    let image = Part::bytes(image).file_name("field.png");
    Form::new()
        .part("image", image)
        .text("nuclei", nuclei.to_owned())
}

pub fn ask(server: &Server, query: &str, nuclei: &Value) -> RequestBuilder {
    let form = form(png(&field()), &nuclei.to_string());
    server.post(&format!("/v1/fields{query}")).multipart(form)
}

/// A cell without the members that differ between requests.
pub fn lasting_cell(mut cell: Value) -> Value {
    if cell["prediction"].is_object() {
        cell["prediction"] = lasting(cell["prediction"].take());
    }
    cell["problem"]["request_id"].take();
    cell.as_object_mut().unwrap().remove("index");
    cell
}

#[tokio::test]
async fn field_cells_equal_trainer_crops() {
    let server = Server::start();
    let field = decode(&png(&field()), &Limits::default()).unwrap();
    for query in [
        "?method=mc_dropout",
        "?method=tta&passes=8",
        "?method=baseline&compare=ensemble&seed=7",
    ] {
        let reply = answer(ask(&server, query, &nuclei())).await;
        let cells = reply["cells"].as_array().unwrap();
        assert_eq!(cells.len(), 9);
        assert_eq!(
            reply["field"],
            json!({"width": WIDTH, "height": 200, "crop_edge_px": EDGE})
        );
        assert_eq!(reply["warnings"], json!([]));
        for (index, (cell, nucleus)) in cells.iter().zip(nuclei().as_array().unwrap()).enumerate() {
            assert_eq!(
                (&cell["index"], &cell["id"]),
                (&json!(index), &nucleus["id"])
            );
            let (x, y) = (
                nucleus["x"].as_f64().unwrap(),
                nucleus["y"].as_f64().unwrap(),
            );
            assert_eq!((cell["x"].as_f64(), cell["y"].as_f64()), (Some(x), Some(y)));
            let Ok(crop) = crop_at_nucleus(&field, x as i64, y as i64, EDGE, Padding::Reflect)
            else {
                let problem = &cell["problem"];
                assert_eq!(
                    problem["type"], "urn:secondlook:problem:nucleus-outside",
                    "{cell}"
                );
                assert_eq!(
                    (&cell["prediction"], &problem["status"]),
                    (&Value::Null, &json!(422))
                );
                assert_eq!(cell["id"], "outside");
                continue;
            };
            let seed = &cell["prediction"]["provenance"]["seed"];
            let without_seed = query.replace("&seed=7", "");
            let request =
                server.predict(&format!("{without_seed}&seed={seed}"), png(crop.as_rgb()));
            let alone = lasting(answer(request).await);
            assert_eq!(
                lasting(cell["prediction"].clone()),
                alone,
                "{query} {nucleus}"
            );
        }
        check_summary(&reply["summary"], cells, "id");
    }
}

#[tokio::test]
async fn cells_do_not_depend_on_neighbours() {
    let server = Server::start();
    let all = answer(ask(&server, "?method=mc_dropout", &nuclei())).await;
    let cells = all["cells"].as_array().unwrap();
    let mut backwards = nuclei().as_array().unwrap().clone();
    backwards.reverse();
    let seed = format!("?method=mc_dropout&seed={}", all["seed"]);
    for nuclei in [json!(backwards), json!([backwards[4]])] {
        let some = answer(ask(&server, &seed, &nuclei)).await;
        for cell in some["cells"].as_array().unwrap() {
            let same = cells
                .iter()
                .find(|other| other["id"] == cell["id"])
                .unwrap();
            assert_eq!(lasting_cell(same.clone()), lasting_cell(cell.clone()));
        }
    }
    let other = answer(ask(&server, "?method=mc_dropout&seed=8", &nuclei())).await;
    assert_ne!(
        other["cells"][0]["prediction"]["probabilities"],
        cells[0]["prediction"]["probabilities"]
    );
    let none = answer(ask(&server, "", &json!([]))).await;
    assert_eq!(
        (&none["cells"], &none["summary"]["cells"]),
        (&json!([]), &json!(0))
    );
}

#[tokio::test]
async fn cric_table_equals_json_nuclei() {
    let server = Server::start();
    let of_json = answer(ask(&server, "", &nuclei())).await;
    let mut table =
        "image_id,image_filename,image_doi,cell_id,bethesda_system,nucleus_x,nucleus_y\n\
        9,another.png,doi,99,SCC,5,5\n"
            .to_owned();
    let rows = CLASSES.iter().zip(centres());
    table.extend(rows.map(|(class, x)| format!("1,field.png,doi,{class},LSIL,{x},80\n")));
    let form = form(png(&field()), &table);
    let of_table = answer(server.post("/v1/fields").multipart(form)).await;
    let cells = of_table["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 6);
    for (of_table, of_json) in cells.iter().zip(of_json["cells"].as_array().unwrap()) {
        assert_eq!(
            lasting_cell(of_table.clone()),
            lasting_cell(of_json.clone())
        );
    }
}

#[tokio::test]
async fn field_scale_sets_crop_size() {
    let server = Server::start();
    let part = imageops::crop_imm(&field(), 800, 0, 240, 200).to_image();
    let twice = imageops::resize(&part, 480, 400, imageops::FilterType::Triangle);
    let nuclei = r#"[{"id": "hsil", "x": 200, "y": 160}]"#;
    let post = |query: &str| {
        let path = format!("/v1/fields?method=baseline{query}");
        server.post(&path).multipart(form(png(&twice), nuclei))
    };
    let scaled = answer(post(&format!("&source_width_px={}", 2 * WIDTH))).await;
    assert_eq!(
        (&scaled["field"]["crop_edge_px"], &scaled["warnings"]),
        (&json!(280), &json!([]))
    );
    assert_eq!(scaled["cells"][0]["prediction"]["warnings"], json!([]));

    let assumed = answer(post("")).await;
    assert_eq!(assumed["field"]["crop_edge_px"], EDGE);
    assert_eq!(assumed["warnings"][0]["code"], "scale_assumed");
    assert_eq!(
        assumed["cells"][0]["prediction"]["warnings"],
        assumed["warnings"]
    );

    let at_its_own = {
        let field = CellImage::new(part);
        let crop = crop_at_nucleus(&field, 100, 80, EDGE, Padding::Reflect).unwrap();
        answer(server.predict("?method=baseline", png(crop.as_rgb()))).await
    };
    let abnormal = |prediction: &Value| {
        prediction["prediction"]["abnormal_probability"]
            .as_f64()
            .unwrap()
    };
    let right = abnormal(&at_its_own);
    let difference = |reply: &Value| (abnormal(&reply["cells"][0]["prediction"]) - right).abs();
    assert!(
        difference(&scaled) < 0.05,
        "{} {}",
        difference(&scaled),
        difference(&assumed)
    );

    for (query, field) in [
        ("&micrometres_per_pixel=0.25", "micrometres_per_pixel"),
        ("&source_width_px=100", "source_width_px"),
        (
            "&source_width_px=1&micrometres_per_pixel=1",
            "micrometres_per_pixel",
        ),
    ] {
        let problem = problem(post(query).send().await.unwrap()).await;
        assert_eq!(
            (&problem["status"], &problem["field"]),
            (&json!(422), &json!(field)),
            "{problem}"
        );
    }
}
