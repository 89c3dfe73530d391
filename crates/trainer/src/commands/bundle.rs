//! `export` and `evaluate`.

use super::{open_session, way};
use crate::{
    TrainingError,
    calibrate::{calibrate_model, unlike::fit_unlike},
    cli::{BundleArgs, HeadArgs},
    data::{layouts::picture_files, part::HeldOutFolds, views::policy_named},
    export::{bundle_name, export, verify::verify},
    fit::{FitWay, FoldModel},
    report::{
        Evaluated,
        answers::{AnsweredPart, out_of_fold, test_part},
        card::model_card,
        policies, sets,
        summary::Evaluation,
        tables::{
            aurc_table, figures_table, layers_table, misprediction_table, policies_table,
            unlike_table,
        },
        unlike::{PictureSet, Unlikeness},
    },
    score::{HeldOut, ServedViews},
    session::TrainingSession,
    workspace::{write_bytes, write_json},
};
use bundle::{Bundle, Method};
use evaluation::report::{SIGNIFICANT, write_report};

/// `export`
///
/// # Errors
/// [`TrainingError::Missing`] before training; what calibration says.
pub(super) fn export_only(args: &BundleArgs, revision: &'static str) -> Result<(), TrainingError> {
    bundle_name(&args.out)?;
    let session = open_session(&args.heads, revision)?;
    session.study.check_images_apart()?;
    write_bundle(&session, &way(&session, &args.heads)?, args).map(drop)
}

/// `evaluate`
///
/// # Errors
/// [`TrainingError::Missing`] before training; a bundle of another training; a policy that is not
/// the bundle's.
pub(super) fn evaluate_only(
    args: &BundleArgs,
    revision: &'static str,
) -> Result<(), TrainingError> {
    check_pictures(&args.unlike)?;
    let session = open_session(&args.heads, revision)?;
    let way = way(&session, &args.heads)?;
    let bundle = Bundle::open(&args.out)?;
    check_policy(args.heads.tuning.policy.as_deref(), &bundle)?;
    measure(&session, &way, &bundle, args)
}

/// Checks the folders of pictures before the training, so that a wrong one is reported at once.
///
/// # Errors
/// A folder that cannot be read or has no pictures.
pub(super) fn check_pictures(sets: &[PictureSet]) -> Result<(), TrainingError> {
    sets.iter()
        .try_for_each(|set| picture_files(&set.folder).map(drop))
}

/// Refuses a named policy that differs from the bundle's: the bundle's is measured.
fn check_policy(named: Option<&str>, bundle: &Bundle) -> Result<(), TrainingError> {
    let Some(name) = named else {
        return Ok(());
    };
    if policy_named(name)? == bundle_views(bundle)?.policy {
        return Ok(());
    }
    Err(TrainingError::Impossible(format!(
        "--policy {name} is not the policy of this bundle, which `evaluate` measures: leave out --policy, or run `export` with it"
    )))
}

/// Views of test-time augmentation as a bundle serves them.
fn bundle_views(bundle: &Bundle) -> Result<ServedViews, TrainingError> {
    let tta = bundle.manifest().methods.tta.as_ref();
    let none = || {
        let reason = "the bundle has no test-time augmentation to measure: run `export` again";
        TrainingError::Impossible(reason.to_owned())
    };
    tta.map(|tta| ServedViews {
        policy: tta.policy.clone(),
        count: tta.passes,
    })
    .ok_or_else(none)
}

/// Views of test-time augmentation as a newly exported bundle serves them.
///
/// # Errors
/// A policy that does not exist.
pub(super) fn served_views(
    args: &HeadArgs,
    way: &FitWay<'_>,
) -> Result<ServedViews, TrainingError> {
    let fine_tuned = matches!(way, FitWay::FineTuned(_));
    Ok(ServedViews {
        policy: policy_named(args.tuning.policy(fine_tuned))?,
        count: usize::from(args.recipe.views),
    })
}

/// The models trained without each of some folds.
///
/// # Errors
/// [`TrainingError::Missing`] when a fold was not trained.
pub(super) fn fold_models(
    way: &FitWay<'_>,
    folds: &[HeldOutFolds],
) -> Result<Vec<FoldModel>, TrainingError> {
    folds.iter().map(|fold| way.model(fold)).collect()
}

/// Answers of each model to the fold that it was trained without.
///
/// # Errors
/// See [`HeldOut::score`].
pub(super) fn folds_held_out(
    session: &TrainingSession,
    models: &[FoldModel],
    views: &ServedViews,
) -> Result<Vec<HeldOut>, TrainingError> {
    let of_fold = |model: &FoldModel| {
        let rows = session.study.held_out_rows(&model.held_out);
        HeldOut::score(session, model, rows, views)
    };
    models.iter().map(of_fold).collect()
}

/// Calibrates on the answers of the fold models and writes the bundle.
///
/// # Errors
/// [`TrainingError::Missing`] before training; what calibration says.
pub(super) fn write_bundle(
    session: &TrainingSession,
    way: &FitWay<'_>,
    args: &BundleArgs,
) -> Result<Bundle, TrainingError> {
    let bar = session.begin("calibration");
    let model = way.model(&session.study.no_fold())?;
    let siblings = fold_models(way, &session.study.each_fold())?;
    let views = served_views(&args.heads, way)?;
    let folds = folds_held_out(session, &siblings, &views)?;
    let calibrated = calibrate_model(session, &model, &siblings, &folds)?;
    bar.finish_and_clear();
    if let Some(unlike) = &calibrated.unlike {
        println!("{}", layers_table(&unlike.tried).terminal());
        say_flagged(&unlike.flagged_of_folds());
    }
    let bundle = export(session, &model, &calibrated, &views, &args.about, &args.out)?;
    let difference = verify(session, &model, &bundle)?;
    println!(
        "export: {}; its probabilities in ONNX Runtime differ from the trainer's by at most {difference:.1e}",
        args.out.display()
    );
    Ok(bundle)
}

fn say_flagged(of_folds: &[f64]) {
    let shares: Vec<String> = of_folds
        .iter()
        .map(|share| format!("{:.1}%", 100.0 * share))
        .collect();
    println!(
        "out of distribution: cells of each fold with p < {SIGNIFICANT} by the other folds: {}",
        shares.join(", ")
    );
}

/// Measures the fold models on their folds and the bundle on the test part, if there is one. Writes
/// the report, its short form and the model card.
///
/// # Errors
/// A bundle of another training; what the report says.
pub(super) fn measure(
    session: &TrainingSession,
    way: &FitWay<'_>,
    bundle: &Bundle,
    args: &BundleArgs,
) -> Result<(), TrainingError> {
    let study = &session.study;
    let model = way.model(&study.no_fold())?;
    verify(session, &model, bundle)?;
    let views = bundle_views(bundle)?;
    let bar = session.begin("evaluation");
    let siblings = fold_models(way, &study.each_fold())?;
    let folds = folds_held_out(session, &siblings, &views)?;
    let scorer = Unlikeness::of(session, bundle)?;
    let unlike = match &scorer {
        Some(_) => fit_unlike(session, &model, &siblings)?,
        None => None,
    };
    let out_of_fold = out_of_fold(study, &folds)?;
    let answered = (folds.as_slice(), &out_of_fold);
    let mut policies = policies::out_of_fold(study, bundle, answered, unlike.as_ref())?;
    let test = test_answers(session, &model, bundle, &views)?;
    if let Some(test) = &test {
        let p_values = scorer.as_ref().map(|scorer| scorer.p_values(&test.rows));
        let p_values = p_values.transpose()?.unwrap_or_default();
        policies.extend(policies::on_test_part(study, bundle, test, &p_values));
    }
    let sets = match scorer.as_ref().zip(unlike.as_ref()) {
        Some((scorer, unlike)) => scorer.sets(unlike, &args.unlike)?,
        None => Vec::new(),
    };
    let evaluated = Evaluated {
        study,
        bundle,
        out_of_fold: &out_of_fold,
        test: test.as_ref(),
        policies,
        unlike: sets,
    };
    let files = write_report(&evaluated.input()?, &args.report)?;
    bar.finish_and_clear();
    let evaluation = Evaluation {
        prediction_sets: sets::out_of_fold(study, &folds, &out_of_fold)?,
        ..Evaluation::of(&files.report)
    };
    write_json(&args.out.join("evaluation.json"), &evaluation)?;
    let untrained = unlike.map(|unlike| unlike.untrained);
    let card = model_card(study, (&model, untrained), bundle, &evaluation)?;
    write_bytes(&args.out.join("MODEL_CARD.md"), card.as_bytes())?;
    print_evaluation(&evaluation);
    println!("report: {}", args.report.join("report.html").display());
    Ok(())
}

/// The test part, if there is one, answered by the bundle's model.
fn test_answers(
    session: &TrainingSession,
    model: &FoldModel,
    bundle: &Bundle,
    views: &ServedViews,
) -> Result<Option<AnsweredPart>, TrainingError> {
    let rows = session.study.test_rows();
    if rows.is_empty() {
        return Ok(None);
    }
    let scores = HeldOut::score(session, model, rows, views)?;
    test_part(&scores, &bundle.manifest().calibration).map(Some)
}

fn print_evaluation(evaluation: &Evaluation) {
    for part in &evaluation.parts {
        println!(
            "\n{}: {} cells of {} images; 95% intervals resampled by image",
            part.name, part.cells, part.images
        );
        let tables = [
            figures_table(part),
            misprediction_table(part),
            aurc_table(part),
            policies_table(&evaluation.policies, Method::Baseline, &part.name),
        ];
        for table in tables.iter().filter(|table| !table.rows.is_empty()) {
            println!("{}", table.terminal());
        }
    }
    let unlike = unlike_table(&evaluation.out_of_distribution);
    if !unlike.rows.is_empty() {
        println!("\n{}", unlike.terminal());
    }
}
