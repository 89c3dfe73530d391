//! `nested`: training and calibration repeated without each fold and measured on that fold.

use std::sync::Arc;

use crate::{
    TrainingError,
    calibrate::{calibrate_model, unlike::fit_unlike},
    cli::NestedArgs,
    commands::{
        bundle::{fold_models, folds_held_out, served_views},
        learn, open_session, session, way,
    },
    export::export,
    report::{
        nested::{NestedReport, OuterFold, flagged_of_divisions, tables},
        tables::TextTable,
    },
    score::HeldOut,
    session::TrainingSession,
    workspace::{write_bytes, write_json},
};

/// Does for each fold what `model` does, with the other folds alone: models without one more fold
/// calibrate, the model of all other folds answers the fold. Prints the figures of policies,
/// prediction sets and the out-of-distribution score and writes them as JSON. Earlier results are
/// kept.
///
/// # Errors
/// [`TrainingError::Impossible`] with fewer than three folds; what training or calibration says.
pub(super) fn run(args: &NestedArgs, revision: &'static str) -> Result<(), TrainingError> {
    let whole = open_session(&args.heads, revision)?;
    whole.study.check_images_apart()?;
    let folds = whole.study.folds();
    if folds.len() < 3 {
        let reason = format!(
            "{} folds are too few: nested needs at least 3, so run `secondlook-train split --folds 3`",
            folds.len()
        );
        return Err(TrainingError::Impossible(reason));
    }
    let mut outer_folds = Vec::new();
    for outer in folds {
        let study = whole.study.nested(outer);
        let session = session(study, Arc::clone(&whole.runtime), revision);
        outer_folds.push(outer_fold(&session, args)?);
        println!("nested: fold {outer} done");
    }
    let way = way(&whole, &args.heads)?;
    learn(&whole, &way, &whole.study.held_out())?;
    let model = way.model(&whole.study.no_fold())?;
    let siblings = fold_models(&way, &whole.study.each_fold())?;
    let unlike = fit_unlike(&whole, &model, &siblings)?;
    let flagged = flagged_of_divisions(&whole, unlike.as_ref())?;
    let report = NestedReport::of(&whole.study, &outer_folds, flagged)?;
    let tables = tables(&report);
    for table in &tables {
        println!("\n{}", table.terminal());
    }
    write_json(&args.out, &report)?;
    let page: Vec<String> = tables.iter().map(TextTable::markdown).collect();
    write_bytes(&args.out.with_extension("md"), page.join("\n").as_bytes())?;
    println!("\nfigures: {}", args.out.display());
    Ok(())
}

/// Answers to the cells of a fold, the test part of the nested study, by a model and a calibration
/// made without it.
fn outer_fold(session: &TrainingSession, args: &NestedArgs) -> Result<OuterFold, TrainingError> {
    let study = &session.study;
    let way = way(session, &args.heads)?;
    learn(session, &way, &study.held_out())?;
    let bar = session.begin("held-out cells");
    let views = served_views(&args.heads, &way)?;
    let model = way.model(&study.no_fold())?;
    let siblings = fold_models(&way, &study.each_fold())?;
    let folds = folds_held_out(session, &siblings, &views)?;
    let answers = HeldOut::score(session, &model, study.test_rows(), &views)?;
    let calibrated = calibrate_model(session, &model, &siblings, &folds)?;
    let outer = OuterFold::of(session, &calibrated, (&folds, &answers))?;
    if let Some(folder) = &args.bundles {
        let folder = folder.join(study.no_fold().file_name().replace('_', "-"));
        export(session, &model, &calibrated, &views, &args.about, &folder)?;
    }
    bar.finish_and_clear();
    Ok(outer)
}
