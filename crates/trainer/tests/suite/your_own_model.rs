//! Every command of `docs/YOUR_OWN_MODEL.md` runs in order, from synthetic cells to an answer of
//! the server.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use bundle::{Bundle, onnx::Axis::Free};
use image::{Rgb, RgbImage};
use prost::Message;
use serde_json::Value;

use super::{
    resnet::{End, ResNet},
    tiny_data::write_data,
};
use testkit::runtime;

const PAGE: &str = include_str!("../../../../docs/YOUR_OWN_MODEL.md");
const TRUNK: &str = "weights/efficientnet_lite0.onnx";

/// The fenced blocks of a language, in their order.
fn blocks(language: &str) -> Vec<&'static str> {
    let blocks = PAGE.split("```").skip(1).step_by(2);
    blocks
        .filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n'))
        .collect()
}

/// The same commands with less training on smaller images.
fn smaller(line: &str) -> String {
    let mut line = line.replace("--edge 140", "--edge 21");
    let Some(command) = line.strip_prefix("secondlook-train ") else {
        return line;
    };
    let command = command
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned();
    if ["split", "model", "cross-validate"].contains(&command.as_str()) {
        line += " --folds 3";
    }
    line += match command.as_str() {
        "crop" | "split" => "",
        "trunk" => " --size 64",
        _ if line.contains("--frozen-trunk") => " --num-epochs 1 --views 4 --members 2",
        _ => " --num-epochs 1 --views 4 --size 32 --frozen-blocks 14",
    };
    if command == "experiment-guarantee" {
        line += " --draws 20";
    }
    line
}

/// A shell in `folder` that finds both programs and the runtime.
fn shell(folder: &Path, line: &str) -> Command {
    let server = testkit::program("secondlook");
    let programs = server.parent().unwrap();
    let path = env::var("PATH").unwrap_or_default();
    let mut command = Command::new("sh");
    command
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("ORT_DYLIB_PATH", runtime().library())
        .args(["-c", line]);
    command
}

fn succeed(folder: &Path, line: &str) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = shell(folder, line).output().unwrap();
    assert!(
        status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&stderr)
    );
    String::from_utf8(stdout).unwrap()
}

/// The page's server, stopped at the end of the test.
struct ServedModel(Child);

impl Drop for ServedModel {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Starts the page's server at a free port and returns its address.
fn serve(folder: &Path, line: &str) -> (ServedModel, String) {
    // Without `exec` only the shell would be killed, not the server.
    let line = format!("exec {line} --listen 127.0.0.1:0");
    let mut command = shell(folder, &line);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let stdout = child.stdout.take().unwrap();
    let server = ServedModel(child);
    let mut ready = String::new();
    BufReader::new(stdout).read_line(&mut ready).unwrap();
    let address = ready.trim().strip_prefix("secondlook is ready at ");
    (server, address.expect("the server is ready").to_owned())
}

/// The answer to the page's curl command from a server at `address`.
fn ask(folder: &Path, line: &str, address: &str) -> Value {
    let word_with = |mark: &str| {
        let mut words = line.split([' ', '\'']);
        words.find_map(|word| word.strip_prefix(mark)).unwrap()
    };
    let image = fs::read(folder.join(word_with("@"))).unwrap();
    let url = format!("{address}{}", word_with("http://127.0.0.1:8080"));
    let answer = async {
        let request = reqwest::Client::new()
            .post(url)
            .header("Content-Type", "image/png");
        let response = request.body(image).send().await.unwrap();
        response.error_for_status().unwrap().json().await.unwrap()
    };
    tokio::runtime::Runtime::new().unwrap().block_on(answer)
}

fn picture(path: &Path, colour: Rgb<u8>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_pixel(24, 24, colour).save(path).unwrap();
}

/// All data sets of the page.
fn draw_data(folder: &Path) {
    write_data(&folder.join("cric"), 10);
    draw_own_cells(&folder.join("my_cells"));
    for class in [
        "normal_superficiel",
        "normal_intermediate",
        "normal_columnar",
        "light_dysplastic",
        "moderate_dysplastic",
        "severe_dysplastic",
        "carcinoma_in_situ",
    ] {
        picture(
            &folder.join("herlev").join(class).join("1.png"),
            Rgb([90, 120, 150]),
        );
    }
    for class in ["im_Superficial-Intermediate", "im_Koilocytotic"] {
        let pictures = folder.join("sipakmed").join(class);
        picture(&pictures.join("007.bmp"), Rgb([90, 120, 150]));
        picture(&pictures.join("CROPPED/007_01.bmp"), Rgb([90, 120, 150]));
    }
    for shade in 0..4 {
        let name = format!("photographs/{shade}.png");
        picture(&folder.join(name), Rgb([250, 60 * shade, 0]));
    }
}

/// The page's table, continued: slides with a cell of each class, distinguished by colour.
fn draw_own_cells(folder: &Path) {
    let classes = [
        ("NILM", [200, 60, 60]),
        ("LSIL", [60, 200, 60]),
        ("HSIL", [60, 60, 200]),
        ("SCC", [200, 200, 60]),
    ];
    let [example] = blocks("csv")[..] else {
        panic!("the page shows one table");
    };
    let header = example.lines().next().unwrap();
    assert_eq!(header, "path,label,image_id,cell_id,nucleus_x,nucleus_y");
    let mut table = format!("{header}\n");
    fs::create_dir_all(folder.join("slides")).unwrap();
    for slide in 0..12 {
        let mut field = RgbImage::from_pixel(180, 60, Rgb([230, 225, 235]));
        for (class, (label, colour)) in classes.into_iter().enumerate() {
            let (x, y) = (20 + 40 * class as u32, 30);
            let colour = Rgb(colour.map(|value| value + slide as u8));
            for pixel in 0..24 * 24 {
                field.put_pixel(x - 12 + pixel % 24, y - 12 + pixel / 24, colour);
            }
            let cell = slide * classes.len() + class;
            table += &format!("slides/{slide}.png,{label},{slide},c{cell},{x},{y}\n");
        }
        field
            .save(folder.join(format!("slides/{slide}.png")))
            .unwrap();
    }
    for row in example.lines() {
        assert!(
            table.lines().any(|line| line == row),
            "the page's row {row}"
        );
    }
    fs::write(folder.join("cells.csv"), table).unwrap();
    let [labels] = blocks("toml")[..] else {
        panic!("the page shows one file of labels");
    };
    fs::write(folder.join("labels.toml"), labels).unwrap();
}

#[test]
fn page_commands_run_to_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    draw_data(folder);
    fs::create_dir(folder.join("weights")).unwrap();
    fs::copy(testkit::path(TRUNK), folder.join(TRUNK)).unwrap();
    let classifier = ResNet::small(End::Gemm, [Free("N"), Free("H"), Free("W")]).model();
    fs::write(folder.join("classifier.onnx"), classifier.encode_to_vec()).unwrap();

    let (mut said, mut server, mut answer) = (String::new(), None, Value::Null);
    for line in blocks("sh").into_iter().flat_map(str::lines) {
        if line.starts_with("secondlook serve") {
            server = Some(serve(folder, line));
        } else if line.starts_with("curl") {
            let (_, address) = server.as_ref().expect("the page serves before it asks");
            answer = ask(folder, line, address);
        } else {
            assert!(line.starts_with("secondlook"), "no command of ours: {line}");
            said += &succeed(folder, &smaller(line));
        }
    }

    assert_eq!(answer["model"]["name"], "my-cells");
    // So few images certify nothing, so that there is no default policy.
    assert_eq!(answer["decision"]["policy"], Value::Null);
    let reasons = answer["decision"]["reasons"].as_array().unwrap();
    assert_eq!(reasons.last(), Some(&"no_policy".into()), "{answer}");
    for part in [
        "my-cells 1 is sound: 4 classes",
        "seed 3",
        "auto_clear_10",
        "out of fold",
    ] {
        assert!(said.contains(part), "`{part}` is missing in {said}");
    }
    let bundle = Bundle::open(&folder.join("my_models/my-cells")).unwrap();
    let labels = &bundle.manifest().labels;
    let names: Vec<&str> = labels.iter().map(|label| label.name.as_str()).collect();
    assert_eq!(names, ["normal", "LSIL", "HSIL", "SCC"]);
    let report = fs::read_to_string(folder.join("work/my-cells/report/report.html")).unwrap();
    assert!(report.contains("photographs"));
}
