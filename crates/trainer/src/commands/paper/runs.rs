//! `main`: one of the paper's models, trained and measured.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::{
    PaperTrunkArgs, PaperWorkArgs, report, say_differences,
    views::{PAPERS_VIEWS, joined_views},
};
use crate::{
    CropTable, MultiHeadLoss, TrainingError, Workspace, commands,
    data::part::HeldOutFolds,
    error::ensure,
    fit::frozen::presets::{Preset, RecipeArgs},
    fit::{
        frozen::{FrozenTraining, presets::method},
        shared::weights::HeadWeights,
    },
    session::TrainingSession,
    study::{Study, StudyOptions},
    workspace::{read_json, write_json},
};
use bundle::Method;
use engine::Runtime;

/// `main`
#[derive(Clone, Debug, Args)]
pub struct MainArgs {
    /// Classes: 2 (normal, abnormal), 3 (normal, low grade, high grade) or 6 (each of the Bethesda
    /// system)
    #[arg(
        long = "num_classes",
        alias = "num-classes",
        default_value_t = 2,
        value_name = "2|3|6"
    )]
    num_classes: usize,
    /// Passes over the cells, at most; training stops after 20 without a lower loss
    #[arg(
        long = "num_epochs",
        alias = "num-epochs",
        default_value_t = 100,
        value_name = "N"
    )]
    num_epochs: usize,
    /// Folder of the crops, as given to `cropping --cell_img_dir`; for TTA_model also the folder of
    /// the joined tensors
    #[arg(long = "img_dir", alias = "img-dir", value_name = "DIR")]
    img_dir: Option<PathBuf>,
    /// CustomResNet, MC_Dropout_model, EnsembleModel_ResNet or TTA_model
    #[arg(long, default_value = "CustomResNet", value_parser = method)]
    model: Method,
    /// What the heads minimise together; the heads of CustomResNet have one loss only [default:
    /// individual]
    #[arg(
        long = "multi_head_loss",
        alias = "multi-head-loss",
        value_enum,
        value_name = "LOSS"
    )]
    multi_head_loss: Option<MultiHeadLoss>,
    /// Cells per training step
    #[arg(
        long = "batch_size",
        alias = "batch-size",
        default_value_t = 256,
        value_name = "N"
    )]
    batch_size: usize,
    /// Accepted and not used: features are computed once, on every core
    #[arg(long = "num_workers", alias = "num-workers", value_name = "N")]
    num_workers: Option<usize>,
    /// Learning rate
    #[arg(long, default_value_t = 2e-4)]
    lr: f64,
    /// Heads of EnsembleModel_ResNet
    #[arg(long, default_value_t = 50, value_name = "K")]
    members: usize,
    /// Views of TTA_model [default: as many as the joined tensors have, else 50]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    views: Option<u16>,
    /// Seed of the training
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// On which trunk
    #[command(flatten)]
    trunk: PaperTrunkArgs,
    /// Where
    #[command(flatten)]
    work: PaperWorkArgs,
}

/// What a `main` run trained with. The heads are found again by it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PaperRun {
    /// Which of the four models.
    pub method: Method,
    /// Number of classes.
    pub classes: usize,
    epochs: usize,
    batch: usize,
    rate: f64,
    loss: MultiHeadLoss,
    members: usize,
    views: u16,
    trunk: PathBuf,
    size: Option<u32>,
    /// Seed of the training.
    pub seed: u64,
}

impl PaperRun {
    fn of(args: &MainArgs, workspace: &Workspace) -> Result<Self, TrainingError> {
        let trunk = args.trunk.open()?.path;
        Ok(Self {
            method: args.model,
            classes: args.num_classes,
            epochs: args.num_epochs,
            batch: args.batch_size,
            rate: args.lr,
            loss: args.multi_head_loss.unwrap_or(MultiHeadLoss::Individual),
            members: args.members,
            views: args.views(workspace)?,
            trunk: fs::canonicalize(&trunk).map_err(TrainingError::read(&trunk))?,
            size: args.trunk.size,
            seed: args.seed,
        })
    }

    /// The last run of each model with a number of classes, in the paper's order.
    ///
    /// # Errors
    /// A record that cannot be read.
    pub(super) fn recorded(
        workspace: &Workspace,
        classes: usize,
    ) -> Result<Vec<Self>, TrainingError> {
        let files = Method::ALL.map(|method| record_file(workspace, method, classes));
        let files = files.iter().filter(|file| file.is_file());
        files.map(|file| read_json(file)).collect()
    }

    fn record(&self, workspace: &Workspace) -> Result<(), TrainingError> {
        write_json(&record_file(workspace, self.method, self.classes), self)
    }

    /// The cells as this run sees them.
    ///
    /// # Errors
    /// [`TrainingError::Missing`] before `cropping` and `train_val_test_split`; a trunk that is
    /// gone.
    pub(super) fn session(
        &self,
        work: &Path,
        runtime: &Arc<Runtime>,
        revision: &'static str,
    ) -> Result<TrainingSession, TrainingError> {
        let study = Study::open(&StudyOptions {
            work,
            trunk: &self.trunk,
            size: self.size,
            classes: Some(self.classes),
            seed: self.seed,
        })?;
        Ok(commands::session(study, Arc::clone(runtime), revision))
    }

    /// The paper's recipe with what the run changed of it.
    pub(super) fn recipe(&self) -> RecipeArgs {
        RecipeArgs {
            preset: Preset::Paper,
            multi_head_loss: Some(self.loss),
            num_epochs: Some(self.epochs),
            batch_size: Some(self.batch),
            lr: Some(self.rate),
            members: Some(self.members),
            views: self.views,
        }
    }

    /// The heads that the run trained with some folds held out.
    ///
    /// # Errors
    /// [`TrainingError::Missing`] with the `main` command that trains them.
    pub(super) fn heads(
        &self,
        training: &FrozenTraining<'_>,
        held_out: &HeldOutFolds,
    ) -> Result<HeadWeights, TrainingError> {
        let heads = training.heads(self.method, held_out);
        heads.map_err(|error| match error {
            TrainingError::Missing { what, .. } => TrainingError::Missing {
                what,
                command: format!(
                    "main --model={} --num_classes={}",
                    papers_name(self.method),
                    self.classes
                ),
            },
            other => other,
        })
    }
}

impl PaperRun {
    /// The settings in one line.
    pub(super) fn facts(&self, trunk: &str) -> String {
        let of_method = match self.method {
            Method::Baseline => String::new(),
            Method::McDropout => ", 50 passes".to_owned(),
            Method::Ensemble => format!(", {} heads", self.members),
            Method::Tta => format!(", {} views", self.views),
        };
        format!(
            "trunk {trunk}, {} classes{of_method}, loss {}, at most {} epochs, batch {}, learning rate {}, seed {}",
            self.classes,
            self.loss_name(),
            self.epochs,
            self.batch,
            self.rate,
            self.seed
        )
    }

    fn loss_name(&self) -> String {
        let value = self.loss.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

fn record_file(workspace: &Workspace, method: Method, classes: usize) -> PathBuf {
    let name = format!("{method}_{classes}_classes.json");
    workspace.root().join("runs").join(name)
}

/// The paper's name of a model.
pub(super) fn papers_name(method: Method) -> &'static str {
    match method {
        Method::Baseline => "CustomResNet",
        Method::McDropout => "MC_Dropout_model",
        Method::Ensemble => "EnsembleModel_ResNet",
        Method::Tta => "TTA_model",
    }
}

impl MainArgs {
    /// How many views test-time augmentation has; checks the folder of the crops on the way.
    fn views(&self, workspace: &Workspace) -> Result<u16, TrainingError> {
        CropTable::read(workspace)?;
        let tensors = match (&self.img_dir, self.model) {
            (Some(folder), Method::Tta) => joined_views(folder),
            _ => None,
        };
        if tensors.is_none() {
            check_cells_folder(workspace, self.img_dir.as_deref())?;
        }
        let joined = tensors.unwrap_or(PAPERS_VIEWS);
        Ok(self
            .views
            .or(u16::try_from(joined).ok())
            .unwrap_or(u16::MAX))
    }
}

/// Refuses a folder that does not hold the crops of the work folder.
///
/// # Errors
/// [`TrainingError::Impossible`] with the folder that does.
pub(super) fn check_cells_folder(
    workspace: &Workspace,
    folder: Option<&Path>,
) -> Result<(), TrainingError> {
    let Some(folder) = folder else {
        return Ok(());
    };
    let same = |other: &Path| match (fs::canonicalize(folder), fs::canonicalize(other)) {
        (Ok(folder), Ok(other)) => folder == other,
        _ => false,
    };
    let crops = workspace.crops();
    ensure!(
        same(&crops) || same(workspace.root()),
        "--img_dir={} is not the folder of the crops of the work folder {}: give --img_dir={crops}, or \
         name another work folder with --work; for TTA_model, give {crops} or the folder that \
         `join_tta_tensors` printed",
        folder.display(),
        workspace.root().display(),
        crops = crops.display()
    );
    Ok(())
}

/// Trains a model on every fold, records the run and prints its tables.
///
/// # Errors
/// [`TrainingError::Missing`] before the cells are cut and divided; what training says.
pub(super) fn run(args: &MainArgs, revision: &'static str) -> Result<(), TrainingError> {
    let workspace = args.work.open()?;
    let run = PaperRun::of(args, &workspace)?;
    let runtime = Arc::new(Runtime::load(None)?);
    let session = run.session(&args.work.work, &runtime, revision)?;
    println!("model: {} ({})", papers_name(run.method), run.method);
    println!("work folder: {}", args.work.work.display());
    println!(
        "trunk: {} ({}), {} features at {} px",
        args.trunk.trunk.display(),
        session.study.trunk.name,
        session.study.trunk.dimension,
        session.study.input.size
    );
    let training = FrozenTraining::new(&session, run.recipe());
    commands::train(&session, &training, run.method)?;
    run.record(&workspace)?;
    report::print(&report::measured(
        &args.work.work,
        std::slice::from_ref(&run),
        &runtime,
        revision,
    )?)?;
    say_differences(&differences(args, &run));
    Ok(())
}

fn differences(args: &MainArgs, run: &PaperRun) -> Vec<String> {
    let mut differences = vec![
        "the heads learn on features of the trunk above, which is ImageNet's and stays as it is; the paper's is a ResNet50 \
         (`trunk import` takes one, --trunk names it)"
            .to_owned(),
        "a tenth of the training images says when to stop, in place of the fold that is evaluated".to_owned(),
        "one more model learns from all folds and answers the test part".to_owned(),
        "AUC in the tables is the mean of PPV and NPV, as in the script; AUROC is the area under the ROC curve".to_owned(),
    ];
    if run.method == Method::Tta {
        differences.push(format!(
            "the {} views of each cell are drawn again, with the same pixels as the tensors, and only their features are \
             kept: the tensors are not read",
            run.views
        ));
    }
    if run.method == Method::Baseline && args.multi_head_loss.is_some() {
        differences.push("--multi_head_loss changes nothing: the model has one head".to_owned());
    }
    if args.num_workers.is_some() {
        differences.push("--num_workers is not used: all cores are".to_owned());
    }
    differences
}
