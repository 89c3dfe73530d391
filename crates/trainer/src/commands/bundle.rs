//! `export` and `evaluate`.

use super::{open_session, way};
use crate::{
    TrainingError,
    calibrate::calibrate_model,
    cli::{BundleArgs, HeadArgs},
    data::{
        layouts::picture_files,
        part::{CellPart, HeldOutFolds},
        views::policy_named,
    },
    export::{bundle_name, export, verify::verify},
    fit::FitWay,
    report::{
        Evaluated, TEST,
        answers::{AnsweredPart, out_of_fold, test_part},
        card::model_card,
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
use bundle::Bundle;
use evaluation::report::{SIGNIFICANT, write_report};

/// `export`
///
/// # Errors
/// [`TrainingError::Missing`] before training; what calibration says.
pub(super) fn export_only(args: &BundleArgs, revision: &'static str) -> Result<(), TrainingError> {
    bundle_name(&args.out)?;
    let session = open_session(&args.heads, args.calibration, revision)?;
    session.study.check_images_apart()?;
    write_bundle(&session, &way(&session, &args.heads)?, args).map(drop)
}

/// `evaluate`
///
/// # Errors
/// [`TrainingError::Missing`] before training; a bundle of another training; a policy that is not the bundle's.
pub(super) fn evaluate_only(
    args: &BundleArgs,
    revision: &'static str,
) -> Result<(), TrainingError> {
    check_pictures(&args.unlike)?;
    let session = open_session(&args.heads, args.calibration, revision)?;
    let way = way(&session, &args.heads)?;
    let bundle = Bundle::open(&args.out)?;
    check_policy(args.heads.tuning.policy.as_deref(), &bundle)?;
    measure(&session, &way, &bundle, args)
}

/// Looks for the pictures that the report will show, so that a wrong folder is told before the training and not after it.
///
/// # Errors
/// A folder that cannot be read or has no pictures.
pub(super) fn check_pictures(sets: &[PictureSet]) -> Result<(), TrainingError> {
    sets.iter()
        .try_for_each(|set| picture_files(&set.folder).map(drop))
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
fn bundle_views(bundle: &Bundle) -> Result<ServedViews, TrainingError> {
    let tta = bundle.manifest().methods.tta.as_ref();
    let none = || {
        let reason = "the bundle has no test-time augmentation to measure: export it again";
        TrainingError::Impossible(reason.to_owned())
    };
    tta.map(|tta| ServedViews {
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
    way: &FitWay<'_>,
) -> Result<ServedViews, TrainingError> {
    let fine_tuned = matches!(way, FitWay::FineTuned(_));
    Ok(ServedViews {
        policy: policy_named(args.tuning.policy(fine_tuned))?,
        count: usize::from(args.recipe.views),
    })
}

/// Each of some folds, answered by the model that has not seen it.
///
/// # Errors
/// [`TrainingError::Missing`] when a fold was not trained.
pub(super) fn folds_held_out(
    session: &TrainingSession,
    way: &FitWay<'_>,
    folds: &[HeldOutFolds],
    views: &ServedViews,
) -> Result<Vec<HeldOut>, TrainingError> {
    let of_fold = |fold: &HeldOutFolds| {
        let rows = session.study.held_out_rows(fold);
        HeldOut::score(session, &way.model(fold)?, rows, views)
    };
    folds.iter().map(of_fold).collect()
}

/// Calibrates the model of the bundle and writes it.
///
/// # Errors
/// [`TrainingError::Missing`] before training; what calibration says.
pub(super) fn write_bundle(
    session: &TrainingSession,
    way: &FitWay<'_>,
    args: &BundleArgs,
) -> Result<Bundle, TrainingError> {
    let study = &session.study;
    let bar = session.begin("calibration");
    let model = way.model(&study.calibration)?;
    let views = served_views(&args.heads, way)?;
    let rows = study.held_out_rows(&study.calibration);
    let calibration = HeldOut::score(session, &model, rows, &views)?;
    let calibrated = calibrate_model(session, &model, &calibration)?;
    bar.finish_and_clear();
    if let Some(unlike) = &calibrated.unlike {
        println!("{}", layers_table(&unlike.tried).terminal());
        say_flagged(&unlike.flagged_of_folds);
    }
    let bundle = export(session, &model, &calibrated, &views, &args.about, &args.out)?;
    let difference = verify(session, &model, &bundle)?;
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
    session: &TrainingSession,
    way: &FitWay<'_>,
    bundle: &Bundle,
    args: &BundleArgs,
) -> Result<(), TrainingError> {
    let study = &session.study;
    let model = way.model(&study.calibration)?;
    verify(session, &model, bundle)?;
    let views = bundle_views(bundle)?;
    let bar = session.begin("evaluation");
    let folds = folds_held_out(session, way, &study.each_fold(), &views)?;
    let test = HeldOut::score(session, &model, study.rows_in(CellPart::Test), &views)?;
    let folds = out_of_fold(study, &folds)?;
    let test = test_part(&test, &bundle.manifest().calibration)?;
    let evaluation = report(session, bundle, (&folds, &test), args)?;
    bar.finish_and_clear();
    write_json(&args.out.join("evaluation.json"), &evaluation)?;
    let card = model_card(study, &model, bundle, &evaluation)?;
    write_bytes(&args.out.join("MODEL_CARD.md"), card.as_bytes())?;
    print_evaluation(&evaluation);
    println!("report: {}", args.report.join("report.html").display());
    Ok(())
}

fn report(
    session: &TrainingSession,
    bundle: &Bundle,
    (folds, test): (&AnsweredPart, &AnsweredPart),
    args: &BundleArgs,
) -> Result<Evaluation, TrainingError> {
    let (p_values, unlike) = match Unlikeness::of(session, bundle)? {
        Some(unlikeness) => (
            unlikeness.p_values(&test.rows)?,
            unlikeness.sets(&args.unlike)?,
        ),
        None => (Vec::new(), Vec::new()),
    };
    let evaluated = Evaluated {
        study: &session.study,
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
