//! A synthetic study: cells of six classes in differing images, and four methods with realistic
//! errors.

use std::{collections::BTreeMap, fs};

use evaluation::{
    bootstrap::BootstrapPlan,
    report::{
        CellRef, CertificateFigures, MethodInput, OodSet, PartInput, PolicyCell, PolicyOutcome,
        ReportGrouping, ReportInput, ReportLabel, ReportPolicy,
    },
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use uncertainty::{Measure, Range, Samples, Summary, summarise};

pub const CLASSES: [&str; 6] = ["NILM", "ASC-US", "LSIL", "ASC-H", "HSIL", "SCC"];
/// Of a hundred cells, about as many of each class as in the collection.
const FREQUENCIES: [u32; 6] = [62, 6, 12, 8, 10, 2];
/// Name, T, and how far apart the passes are.
const METHODS: [(&str, usize, f64); 4] = [
    ("baseline", 1, 0.0),
    ("mc_dropout", 50, 0.7),
    ("ensemble", 50, 0.9),
    ("tta", 50, 1.1),
];

pub struct SyntheticStudy {
    random: ChaCha8Rng,
}

impl SyntheticStudy {
    pub fn new(seed: u64) -> SyntheticStudy {
        SyntheticStudy {
            random: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// A report's input of one part, with everything that a report can show.
    pub fn input(&mut self, cells: usize, images: usize) -> ReportInput {
        let part = self.part("out of fold", cells, images);
        let policies = policies(&part);
        ReportInput {
            title: "cric-synthetic 1".to_owned(),
            facts: vec![
                (
                    "bundle".to_owned(),
                    "cric-synthetic 1 (drawn by a test)".to_owned(),
                ),
                ("trunk.onnx sha256".to_owned(), "0123456789abcdef".repeat(4)),
                ("seed".to_owned(), "1".to_owned()),
            ],
            labels: labels(),
            groupings: vec![three_groups()],
            ood: self.ood(cells, images),
            parts: vec![part],
            policies,
            plan: BootstrapPlan {
                resamples: 200,
                ..BootstrapPlan::default()
            },
        }
    }

    pub fn part(&mut self, name: &str, cells: usize, images: usize) -> PartInput {
        let difficulty: Vec<f64> = (0..images).map(|_| 1.0 + 0.35 * self.normal()).collect();
        let cells: Vec<CellRef> = (0..cells)
            .map(|cell| self.cell(cell, cell * images / cells))
            .collect();
        let logits: Vec<Vec<f64>> = cells
            .iter()
            .enumerate()
            .map(|(cell, of)| self.logits(of.label, difficulty[cell * images / cells.len()]))
            .collect();
        let methods = METHODS
            .iter()
            .map(|method| self.method(*method, &logits))
            .collect();
        PartInput {
            name: name.to_owned(),
            note: "Drawn at random: no cell was looked at.".to_owned(),
            cells,
            methods,
        }
    }

    fn cell(&mut self, cell: usize, image: usize) -> CellRef {
        let label = self.label();
        CellRef {
            cell_id: format!("{cell}"),
            image_id: format!("field-{image:03}.png"),
            label,
            thumbnail: Some(thumbnail(label)),
        }
    }

    fn label(&mut self) -> usize {
        let mut draw = self.random.next_u32() % FREQUENCIES.iter().sum::<u32>();
        for (label, frequency) in FREQUENCIES.iter().enumerate() {
            if draw < *frequency {
                return label;
            }
            draw -= frequency;
        }
        0
    }

    /// The true class is favoured, its neighbours in severity a little, and NILM because it is
    /// frequent.
    fn logits(&mut self, label: usize, difficulty: f64) -> Vec<f64> {
        let favour = |class: usize| match class.abs_diff(label) {
            0 => 2.6,
            1 => 0.9,
            _ => -0.6,
        };
        let frequent = |class: usize| if class == 0 { 1.1 } else { 0.0 };
        (0..CLASSES.len())
            .map(|class| favour(class) + frequent(class) + 1.1 * difficulty * self.normal())
            .collect()
    }

    fn method(
        &mut self,
        (name, passes, spread): (&str, usize, f64),
        logits: &[Vec<f64>],
    ) -> MethodInput {
        let samples: Vec<Samples> = logits
            .iter()
            .map(|logits| self.samples(logits, passes, spread))
            .collect();
        let calibrated = samples.iter().map(summarise).collect::<Vec<Summary>>();
        let range = |measure: Measure| {
            let values: Option<Vec<f64>> = calibrated
                .iter()
                .step_by(2)
                .map(|summary| measure.of(summary))
                .collect();
            Some((measure, Range::over(&values?).unwrap()))
        };
        MethodInput {
            name: name.to_owned(),
            temperatures: vec![1.0],
            samples,
            ranges: [Measure::PaperEntropy, Measure::PaperVariance]
                .into_iter()
                .filter_map(range)
                .collect(),
        }
    }

    fn samples(&mut self, logits: &[f64], passes: usize, spread: f64) -> Samples {
        let noisy: Vec<f64> = (0..passes)
            .flat_map(|_| logits)
            .map(|logit| logit + spread * self.normal())
            .collect();
        Samples::from_logits(&noisy, logits.len()).unwrap()
    }

    fn ood(&mut self, cells: usize, images: usize) -> Vec<OodSet> {
        let mut calibration: Vec<f64> = (0..400).map(|_| self.distance(12.0, 0.18)).collect();
        calibration.sort_by(f64::total_cmp);
        let mut set = |name: &str, count: usize, centre: f64, spread: f64, images: Vec<String>| {
            let scores: Vec<f64> = (0..count).map(|_| self.distance(centre, spread)).collect();
            let p_value = |score: &f64| {
                let above = calibration
                    .iter()
                    .filter(|calibrated| *calibrated >= score)
                    .count();
                (1.0 + above as f64) / (1.0 + calibration.len() as f64)
            };
            OodSet {
                name: name.to_owned(),
                p_values: scores.iter().map(p_value).collect(),
                scores,
                images,
            }
        };
        let fields = (0..cells)
            .map(|cell| format!("field-{:03}", cell * images / cells))
            .collect();
        vec![
            set("CRIC test cells", cells, 12.0, 0.18, fields),
            set("photographs", 300, 60.0, 0.35, Vec::new()),
            set("Herlev cells", 200, 24.0, 0.22, Vec::new()),
        ]
    }

    fn distance(&mut self, centre: f64, spread: f64) -> f64 {
        centre * (spread * self.normal()).exp()
    }

    /// Box and Muller, 1958.
    fn normal(&mut self) -> f64 {
        let mut uniform = || (f64::from(self.random.next_u32()) + 0.5) / 4_294_967_296.0;
        let (radius, angle) = (
            (-2.0 * uniform().ln()).sqrt(),
            std::f64::consts::TAU * uniform(),
        );
        radius * angle.cos()
    }
}

pub fn labels() -> Vec<ReportLabel> {
    let label = |name: &str| ReportLabel {
        name: name.to_owned(),
        abnormal: name != "NILM",
    };
    CLASSES.into_iter().map(label).collect()
}

fn three_groups() -> ReportGrouping {
    ReportGrouping {
        key: "three_groups".to_owned(),
        title: "normal, low grade, high grade".to_owned(),
        groups: ["normal", "low grade", "high grade"]
            .map(str::to_owned)
            .to_vec(),
        group_of_label: vec![0, 1, 1, 2, 2, 2],
    }
}

fn thumbnail(label: usize) -> Vec<u8> {
    let cell = format!("examples/cells/{}.png", CLASSES[label].to_lowercase());
    fs::read(testkit::path(cell)).unwrap()
}

/// Policies as the trainer would fit them, and one that is not certified.
fn policies(part: &PartInput) -> Vec<PolicyOutcome> {
    let mut outcomes = Vec::new();
    for method in part.methods.iter().filter(|method| method.name != "tta") {
        let summaries: Vec<Summary> = method.samples.iter().map(summarise).collect();
        for (percent, threshold) in [(1, None), (2, Some(0.25)), (5, Some(0.55)), (10, Some(0.9))] {
            outcomes.push(accept_error(
                part,
                &method.name,
                &summaries,
                percent,
                threshold,
            ));
        }
    }
    outcomes
}

fn accept_error(
    part: &PartInput,
    method: &str,
    summaries: &[Summary],
    percent: usize,
    threshold: Option<f64>,
) -> PolicyOutcome {
    let cells = part.cells.iter().zip(summaries).map(|(cell, summary)| {
        let accepted = threshold.is_some_and(|threshold| summary.predictive_entropy <= threshold);
        let wrong = (summary.predicted == 0) != (cell.label == 0);
        PolicyCell {
            accepted,
            counted: accepted,
            harmed: accepted && wrong,
        }
    });
    let certificate = CertificateFigures {
        images: 40,
        cells: 900,
        coverage: 0.61,
        p_value: 0.031,
    };
    let policy = ReportPolicy {
        part: part.name.clone(),
        method: method.to_owned(),
        name: format!("accept_error_{percent}"),
        promise: format!(
            "of the cells accepted, at most {percent}% are wrong about normal or abnormal"
        ),
        threshold,
        alpha: percent as f64 / 100.0,
        delta: 0.05,
        certificate: threshold.map(|_| certificate),
        further_images: threshold.is_none().then_some(120),
    };
    PolicyOutcome {
        policy,
        cells: cells.collect(),
    }
}

/// One method with answers `rows` for cells of `labels`, each in the image of its name.
pub fn small_input(labels: &[usize], images: &[&str], rows: &[Vec<f64>]) -> ReportInput {
    let cell = |(index, (label, image)): (usize, (&usize, &&str))| CellRef {
        cell_id: format!("c{index}"),
        image_id: (*image).to_owned(),
        label: *label,
        thumbnail: None,
    };
    let samples = rows
        .iter()
        .map(|row| Samples::from_rows(std::slice::from_ref(row)).unwrap())
        .collect();
    ReportInput {
        title: "small".to_owned(),
        facts: Vec::new(),
        labels: ["normal", "abnormal"]
            .map(|name| ReportLabel {
                name: name.to_owned(),
                abnormal: name == "abnormal",
            })
            .to_vec(),
        groupings: Vec::new(),
        parts: vec![PartInput {
            name: "test".to_owned(),
            note: String::new(),
            cells: labels.iter().zip(images).enumerate().map(cell).collect(),
            methods: vec![MethodInput {
                name: "baseline".to_owned(),
                temperatures: vec![1.0],
                samples,
                ranges: BTreeMap::new(),
            }],
        }],
        ood: Vec::new(),
        policies: Vec::new(),
        plan: BootstrapPlan {
            resamples: 50,
            ..BootstrapPlan::default()
        },
    }
}
