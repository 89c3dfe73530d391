//! Compares an epoch of training on cached features with the paper's way, which runs the trunk in
//! every epoch: `make bench`.
//!
//! Both ways train the same heads on the same cells; only the second first runs the trunk on each
//! cell, once for all heads. Rounds are interleaved, so that a drifting machine speed affects both
//! alike. A figure is the median over the rounds of the ratio within a round. The weights and cells
//! are real, repeated to a few hundred rows.

use std::{error::Error, fs, path::Path, time::Instant};

use bundle::{Method, sha256_hex};
use engine::Runtime;
use imaging::Padding;
use indicatif::ProgressBar;
use trainer::{
    CropRow, CropSettings, FeatureMatrix, FeatureRequest, FitContext, Recipe, TrainingCells,
    TrunkFile, ViewPlan, Workspace, features, fit,
};

const ROUNDS: usize = 7;
const TRUNK: &str = "weights/efficientnet_lite0.onnx";
const CELLS: &str = "examples/cells";
const CLASSES: [&str; 6] = ["nilm", "asc-us", "lsil", "asc-h", "hsil", "scc"];
const COPIES: usize = 64;
/// Cells of the run that measures the trunk's start, which is not part of an epoch.
const FEW: usize = CLASSES.len();
/// The smallest ratio that is accepted.
const LIMIT: f64 = 50.0;
const SETTINGS: CropSettings = CropSettings {
    edge: 93,
    padding: Padding::Reflect,
    source_width_px: Some(1280),
};

/// Heads to train, and the ratio of each round.
struct Heads {
    method: Method,
    recipe: Recipe,
    rounds: Vec<f64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    testkit::enter_repository();
    let runtime = Runtime::load(None)?;
    let trunk = TrunkFile::open(Path::new(TRUNK))?;
    let cells = cells()?;
    let mut heads = [
        Heads::compact(Method::Baseline)?,
        Heads::compact(Method::Ensemble)?,
    ];
    // The first round warms up caches and clocks and is not counted.
    for round in 0..=ROUNDS {
        let (start, _) = run_trunk(&runtime, &trunk, cells.get(..FEW).unwrap_or_default())?;
        let (whole, matrix) = run_trunk(&runtime, &trunk, &cells)?;
        let trunk_of_an_epoch =
            (whole - start).max(0.0) * cells.len() as f64 / (cells.len() - FEW) as f64;
        for heads in &mut heads {
            let cached = heads.epoch(&matrix)?;
            if round > 0 {
                heads.rounds.push((trunk_of_an_epoch + cached) / cached);
            }
        }
    }
    println!(
        "{ROUNDS} rounds, {} cells, {} at {} px",
        cells.len(),
        trunk.name,
        trunk.size
    );
    heads.iter_mut().for_each(Heads::print);
    Ok(())
}

/// The real cells, each several times under different names.
fn cells() -> Result<Vec<CropRow>, Box<dyn Error>> {
    let mut rows = Vec::new();
    for copy in 0..COPIES {
        for class in CLASSES {
            let file = format!("{class}.png");
            let path = Path::new(CELLS).join(&file);
            rows.push(CropRow {
                cell_id: format!("{class}-{copy}"),
                image_id: class.to_owned(),
                label: class.to_owned(),
                file,
                sha256: sha256_hex(&fs::read(&path)?),
                source: path,
                nucleus_x: None,
                nucleus_y: None,
            });
        }
    }
    Ok(rows)
}

/// Seconds of the trunk for one view of each cell, as in the trainer, and the features.
fn run_trunk(
    runtime: &Runtime,
    trunk: &TrunkFile,
    cells: &[CropRow],
) -> Result<(f64, FeatureMatrix), Box<dyn Error>> {
    // A new folder, so that no features are cached.
    let folder = tempfile::tempdir()?;
    let workspace = Workspace::open(folder.path())?;
    let request = FeatureRequest {
        crops: Path::new(CELLS),
        cells,
        input: &trunk.input(&SETTINGS, None),
        views: &ViewPlan::Dihedral { count: 1 },
    };
    let started = Instant::now();
    let set = features(runtime, trunk, &request, &workspace, &ProgressBar::hidden())?;
    let seconds = started.elapsed().as_secs_f64();
    let matrix = set
        .views
        .into_iter()
        .next()
        .ok_or("there are no features")?;
    Ok((seconds, matrix))
}

impl Heads {
    /// The heads of the default bundle.
    fn compact(method: Method) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            method,
            recipe: Recipe::compact(method)?,
            rounds: Vec::new(),
        })
    }

    /// Seconds of an epoch on cached features: a whole training divided by its epochs, so that
    /// one-time work is not counted in each.
    fn epoch(&self, matrix: &FeatureMatrix) -> Result<f64, Box<dyn Error>> {
        let rows: Vec<usize> = (0..matrix.rows()).collect();
        let classes: Vec<usize> = rows.iter().map(|row| row % CLASSES.len()).collect();
        let cells = TrainingCells {
            views: std::slice::from_ref(matrix),
            rows: &rows,
            validation: &[],
            classes: &classes,
            abnormal: &CLASSES.map(|class| class != "nilm"),
        };
        let hidden = ProgressBar::hidden();
        let started = Instant::now();
        let context = FitContext {
            seed: 1,
            purpose: "bench",
            checkpoint: None,
            progress: &hidden,
        };
        fit(&cells, &self.recipe, &context)?;
        Ok(started.elapsed().as_secs_f64() / self.recipe.epochs as f64)
    }

    fn print(&mut self) {
        self.rounds.sort_by(f64::total_cmp);
        let at = |place: usize| self.rounds.get(place).copied().unwrap_or(f64::NAN);
        let median = at(ROUNDS / 2);
        let verdict = if median >= LIMIT {
            "reaching"
        } else {
            "MISSING"
        };
        println!(
            "{median:.0} [{:.0}, {:.0}] times less, {verdict} the limit of {LIMIT:.0}: an epoch of \
             {} ({} head(s)) on cached features / with the trunk run again",
            at(0),
            at(ROUNDS - 1),
            self.method,
            self.recipe.members
        );
    }
}
