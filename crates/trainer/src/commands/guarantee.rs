//! `experiment-guarantee`: whether the promises of referral policies are kept.

use std::collections::BTreeMap;

use crate::{
    TrainingError,
    calibrate::{
        fit_mean_temperature, losses,
        policies::{
            ALPHAS, CountedPolicy, DELTA, KnownCells, delta_of, promises, strictest_default, tally,
        },
        summarised,
    },
    cli::GuaranteeArgs,
    commands::{
        bundle::{fold_models, folds_held_out, served_views},
        open_session, way,
    },
    parallel,
    report::tables::{TextTable, line},
    score::{CellScores, HeldOut},
    study::Study,
};
use bundle::Method;
use evaluation::guarantee::{
    AtTemperature, CertifiedStep, Experiment, Guarantee, ImageLoss, PromiseKept, guarantees,
};
use uncertainty::ClassGroups;

/// The temperatures that a draw may choose: that of the whole world, and up to so many steps lower or higher, 26% to 35%.
const TEMPERATURE_STEPS: i8 = 15;

/// The logarithm of the ratio of two temperatures beside each other.
const TEMPERATURE_STEP: f64 = 0.02;

/// Takes the cells of every fold, each answered by the model that has not seen it, as the whole world, draws calibration images
/// from it again and again, calibrates on each draw, and prints how often a certified threshold has a true risk above its bound.
/// A test part has no say: the shares and bounds that are promised are chosen by these figures.
///
/// # Errors
/// [`TrainingError::Missing`] before training.
pub(super) fn run(args: &GuaranteeArgs, revision: &'static str) -> Result<(), TrainingError> {
    let session = open_session(&args.heads, revision)?;
    let study = &session.study;
    let way = way(&session, &args.heads)?;
    let views = served_views(&args.heads, &way)?;
    let bar = session.begin("held-out cells");
    let models = fold_models(&way, &study.each_fold())?;
    let cells = HeldOut::pooled(&folds_held_out(&session, &models, &views)?)?;
    bar.finish_and_clear();
    let experiment = Experiment {
        draws: args.draws,
        images: study.image_count(&cells.rows),
        alphas: ALPHAS.to_vec(),
        delta_of,
        unseen_mistaken: args.unseen_mistaken,
        seed: study.seed,
    };
    println!(
        "\ncells of every fold, by the model that has not seen it: {} cells; {} draws of {} images, each with a temperature of its \
         own; nominal: at most {:.0}% of the draws broken",
        cells.rows.len(),
        experiment.draws,
        experiment.images,
        100.0 * DELTA
    );
    for (method, scores) in &cells.scores {
        let world = world(study, &cells.rows, scores)?;
        let played = guarantees(&world, &experiment, default_policy)?;
        println!("{}", table(*method, &played.promises).terminal());
        println!(
            "the default of {method}, chosen on each draw: broken {}, refer all {}, coverage {}",
            share(played.default.broken),
            share(played.default.without_promise),
            share(played.default.coverage)
        );
    }
    Ok(())
}

/// Which of the certified policies decides unasked, as in a bundle.
fn default_policy(certified: &[CertifiedStep]) -> Option<usize> {
    let counted = certified.iter().map(|step| CountedPolicy {
        promise: step.promise,
        alpha: step.alpha,
        cells: step.cells,
        accepted: step.drawn.accepted,
        trials: step.drawn.trials,
        errors: step.drawn.errors,
    });
    strictest_default(counted)
}

/// The cells at every temperature that a draw may choose.
fn world(
    study: &Study,
    rows: &[usize],
    scores: &CellScores,
) -> Result<Vec<AtTemperature>, TrainingError> {
    let labels = study.labels(rows);
    let of_all = fit_mean_temperature(scores, &labels)?;
    let steps = -TEMPERATURE_STEPS..=TEMPERATURE_STEPS;
    let temperatures = steps.map(|step| of_all * (TEMPERATURE_STEP * f64::from(step)).exp());
    let flags = study.grouping.abnormal_flags();
    let known = KnownCells {
        labels: &labels,
        images: &study.image_numbers(rows),
        eligible: &vec![true; rows.len()],
        groups: ClassGroups {
            abnormal: &flags,
            high_grade: &study.grouping.high_grade_flags(),
        },
    };
    parallel::map(&temperatures.collect::<Vec<f64>>(), |temperature| {
        at_temperature(scores, *temperature, &known)
    })
}

fn at_temperature(
    scores: &CellScores,
    temperature: f64,
    known: &KnownCells<'_>,
) -> Result<AtTemperature, TrainingError> {
    let samples = scores.samples(temperature)?;
    let mut images: BTreeMap<usize, ImageLoss> = BTreeMap::new();
    for (image, loss) in known.images.iter().zip(losses(&samples, known.labels)) {
        let of_image = images.entry(*image).or_default();
        of_image.cells += 1;
        of_image.loss += loss;
    }
    let answers = summarised(&samples, known.groups.abnormal);
    let tallies = promises(known.groups).map(|promise| tally(promise, &answers, known));
    Ok(AtTemperature {
        tallies: tallies.collect::<Result<_, _>>()?,
        images: images.into_values().collect(),
    })
}

fn share(value: f64) -> String {
    format!("{:.1}%", 100.0 * value)
}

fn table(method: Method, rows: &[Guarantee]) -> TextTable {
    let kept = |kept: &PromiseKept| {
        [
            share(kept.broken),
            share(kept.without_promise),
            share(kept.coverage),
        ]
    };
    let row = |row: &Guarantee| {
        let name = row.promise.policy_name(row.alpha);
        let guarded = kept(&row.guarded);
        let both = kept(&row.by_cells_and_images);
        let cells = kept(&row.by_cells_alone);
        let columns = guarded.into_iter().chain(both).chain(cells);
        line(name, columns)
    };
    let titles = [
        "broken",
        "refer all",
        "coverage",
        "broken, without guard",
        "refer all, without guard",
        "coverage, without guard",
        "broken, cells alone",
        "refer all, cells alone",
        "coverage, cells alone",
    ];
    TextTable {
        header: line(method.name(), titles.map(str::to_owned)),
        rows: rows.iter().map(row).collect(),
    }
}
