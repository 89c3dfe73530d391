//! `export` and `evaluate`.

use indicatif::ProgressBar;

use super::learn::{open_study, training};
use crate::{
    Part, Study, TrainingError,
    augmented::policies::policy_named,
    calibration::calibrate_model,
    cli::{BundleArgs, HeadArgs},
    dataset::{part::HeldOutFolds, pictures},
    evaluation::{
        answers::{AnsweredPart, HeldOut, out_of_fold, test_part},
        input::{Evaluated, TEST},
        summary::Evaluation,
        tables::{
            aurc_table, figures_table, layers_table, misprediction_table, policies_table,
            unlike_table,
        },
        unlike::{PictureSet, Unlikeness},
    },
    export::{
        card::model_card,
        verify::verify,
        write::{bundle_name, export},
    },
    models::{
        FoldModel, Training,
        scores::{Views, scores},
    },
    progress,
    workspace::{write_bytes, write_json},
};
use bundle::Bundle;
use engine::Runtime;
use evaluation::report::{SIGNIFICANT, write_report};

/// `export`
///
/// # Errors
/// [`TrainingError::Missing`] before training; what calibration says.
pub(super) fn export_only(args: &BundleArgs) -> Result<(), TrainingError> {
    bundle_name(&args.out)?;
    let (study, runtime) = open_study(&args.heads, args.calibration)?;
    study.check_images_apart()?;
    write_bundle(&study, &runtime, &training(&study, &args.heads)?, args).map(|_| ())
}

/// `evaluate`
///
/// # Errors
/// [`TrainingError::Missing`] before training; a bundle of another training; a policy that is not the bundle's.
pub(super) fn evaluate_only(args: &BundleArgs) -> Result<(), TrainingError> {
    check_pictures(&args.unlike)?;
    let (study, runtime) = open_study(&args.heads, args.calibration)?;
    let training = training(&study, &args.heads)?;
    let bundle = Bundle::open(&args.out)?;
    check_policy(args.heads.tuning.policy.as_deref(), &bundle)?;
    measure(&study, &runtime, &training, &bundle, args)
}

/// Looks for the pictures that the report will show, so that a wrong folder is told before the training and not after it.
///
/// # Errors
/// A folder that cannot be read or has no pictures.
pub(super) fn check_pictures(sets: &[PictureSet]) -> Result<(), TrainingError> {
    sets.iter()
        .try_for_each(|set| pictures::files(&set.folder).map(drop))
}

/// Refuses a policy by name that is not the bundle's, which is the one that is measured.
fn check_policy(named: Option<&str>, bundle: &Bundle) -> Result<(), TrainingError> {
    let Some(name) = named else {
        return Ok(());
    };
    if policy_named(name)? == bundle_views(bundle)?.policy {
        return Ok(());
    }
    Err(TrainingError::Impossible(format!(
        "the bundle's test-time augmentation does not make its views after `{name}`: leave out --policy, or export with it"
    )))
}

/// Views of test-time augmentation as a bundle serves them.
fn bundle_views(bundle: &Bundle) -> Result<Views, TrainingError> {
    let tta = bundle.manifest().methods.tta.as_ref();
    let none = || {
        let reason = "the bundle has no test-time augmentation to measure: export it again";
        TrainingError::Impossible(reason.to_owned())
    };
    tta.map(|tta| Views {
        policy: tta.policy.clone(),
        count: tta.passes,
    })
    .ok_or_else(none)
}

/// Views of test-time augmentation as a bundle that is exported now will serve them.
///
/// # Errors
/// A policy that does not exist.
pub(super) fn served_views(
    args: &HeadArgs,
    training: &Training<'_>,
) -> Result<Views, TrainingError> {
    let fine_tuned = matches!(training, Training::FineTuned(_));
    Ok(Views {
        policy: policy_named(args.tuning.policy(fine_tuned))?,
        count: usize::from(args.recipe.views),
    })
}

/// Scores of some cells.
///
/// # Errors
/// See [`scores`].
pub(super) fn held_out(
    study: &Study,
    runtime: &Runtime,
    model: &FoldModel,
    rows: Vec<usize>,
    views: &Views,
    progress: &ProgressBar,
) -> Result<HeldOut, TrainingError> {
    let scores = scores(study, runtime, model, &rows, views, progress)?;
    Ok(HeldOut { rows, scores })
}

/// Each of some folds, answered by the model that has not seen it.
///
/// # Errors
/// [`TrainingError::Missing`] when a fold was not trained.
pub(super) fn folds_held_out(
    study: &Study,
    runtime: &Runtime,
    training: &Training<'_>,
    folds: &[HeldOutFolds],
    views: &Views,
    progress: &ProgressBar,
) -> Result<Vec<HeldOut>, TrainingError> {
    let of_fold = |fold: &HeldOutFolds| {
        let model = training.model(fold)?;
        let rows = study.held_out_rows(fold);
        held_out(study, runtime, &model, rows, views, progress)
    };
    folds.iter().map(of_fold).collect()
}

/// Calibrates the model of the bundle and writes it.
///
/// # Errors
/// [`TrainingError::Missing`] before training; what calibration says.
pub(super) fn write_bundle(
    study: &Study,
    runtime: &Runtime,
    training: &Training<'_>,
    args: &BundleArgs,
) -> Result<Bundle, TrainingError> {
    let bar = progress::bar("calibration");
    let model = training.model(&study.calibration)?;
    let views = served_views(&args.heads, training)?;
    let rows = study.held_out_rows(&study.calibration);
    let calibration = held_out(study, runtime, &model, rows, &views, &bar)?;
    let calibrated = calibrate_model(study, runtime, &model, &calibration, &bar)?;
    bar.finish_and_clear();
    if let Some(unlike) = &calibrated.unlike {
        println!("{}", layers_table(&unlike.tried).terminal());
        say_flagged(&unlike.flagged_of_folds);
    }
    let bundle = export(study, &model, &calibrated, &views, &args.about, &args.out)?;
    let difference = verify(study, runtime, &model, &bundle)?;
    println!(
        "export: {}, the runtime's probabilities within {difference:.1e} of the trainer's",
        args.out.display()
    );
    Ok(bundle)
}

fn say_flagged(of_folds: &[f64]) {
    if of_folds.is_empty() {
        return;
    }
    let shares: Vec<String> = of_folds
        .iter()
        .map(|share| format!("{:.1}%", 100.0 * share))
        .collect();
    println!(
        "unlike: of each fold's cells, those with p < {SIGNIFICANT} by the other folds: {}",
        shares.join(", ")
    );
}

/// Measures a bundle on the test part and the model of each fold on it; writes the report, the model card and the short form of the report.
///
/// # Errors
/// A bundle of another training; what the report says.
pub(super) fn measure(
    study: &Study,
    runtime: &Runtime,
    training: &Training<'_>,
    bundle: &Bundle,
    args: &BundleArgs,
) -> Result<(), TrainingError> {
    let model = training.model(&study.calibration)?;
    verify(study, runtime, &model, bundle)?;
    let views = bundle_views(bundle)?;
    let bar = progress::bar("evaluation");
    let folds = folds_held_out(study, runtime, training, &study.each_fold(), &views, &bar)?;
    let test = held_out(
        study,
        runtime,
        &model,
        study.rows_in(Part::Test),
        &views,
        &bar,
    )?;
    let (folds, test) = (
        out_of_fold(study, &folds)?,
        test_part(&test, &bundle.manifest().calibration)?,
    );
    let evaluation = report(study, runtime, bundle, (&folds, &test), args, &bar)?;
    bar.finish_and_clear();
    write_json(&args.out.join("evaluation.json"), &evaluation)?;
    let card = model_card(study, &model, bundle, &evaluation)?;
    write_bytes(&args.out.join("MODEL_CARD.md"), card.as_bytes())?;
    print_evaluation(&evaluation);
    println!("report: {}", args.report.join("report.html").display());
    Ok(())
}

fn report(
    study: &Study,
    runtime: &Runtime,
    bundle: &Bundle,
    (folds, test): (&AnsweredPart, &AnsweredPart),
    args: &BundleArgs,
    bar: &ProgressBar,
) -> Result<Evaluation, TrainingError> {
    let unlikeness = Unlikeness::of(study, runtime, bundle)?;
    let (p_values, unlike) = match &unlikeness {
        Some(unlikeness) => (
            unlikeness.p_values(&test.rows, bar)?,
            unlikeness.sets(&args.unlike, bar)?,
        ),
        None => (Vec::new(), Vec::new()),
    };
    let evaluated = Evaluated {
        study,
        bundle,
        out_of_fold: folds,
        test,
        p_values: &p_values,
        unlike,
    };
    let files = write_report(&evaluated.input()?, &args.report)?;
    Ok(Evaluation::of(&files.report))
}

fn print_evaluation(evaluation: &Evaluation) {
    for part in &evaluation.parts {
        println!(
            "\n{}: {} cells of {} images; 95% intervals resampled by image",
            part.name, part.cells, part.images
        );
        let mut tables = vec![
            figures_table(part),
            misprediction_table(part),
            aurc_table(part),
        ];
        if part.name == TEST {
            let of_first = part.methods.first().map(|method| method.name.as_str());
            let policies = evaluation.policies.iter();
            let policies =
                policies.filter(|policy| Some(policy.policy.method.as_str()) == of_first);
            tables.push(policies_table(policies));
            tables.push(unlike_table(&evaluation.out_of_distribution));
        }
        for table in tables.iter().filter(|table| !table.rows.is_empty()) {
            println!("{}", table.terminal());
        }
    }
}
