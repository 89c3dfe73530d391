//! `experiment-guarantee`: how often the promises of referral policies are broken.

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

/// A draw chooses its temperature from that of all cells and this many steps below and above it:
/// 26% lower to 35% higher.
const TEMPERATURE_STEPS: i8 = 15;

/// Logarithm of the ratio of neighbouring temperatures.
const TEMPERATURE_STEP: f64 = 0.02;

/// Draws calibration images from the held-out answers to all folds, calibrates on each draw, and
/// prints how often the risk over all cells exceeds the bound of a certified threshold. The test
/// part is not used, because the promises were chosen by these figures.
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
        "\n{} cells of all folds, each answered by the model that has not seen its fold; {} draws of {} images, each with its own \
         temperature; nominal: a promise is broken in at most {:.0}% of the draws",
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
            "default policy of {method}, chosen on each draw: broken {}, refer all {}, coverage {}",
            share(played.default.broken),
            share(played.default.without_promise),
            share(played.default.coverage)
        );
    }
    Ok(())
}

/// Which of the certified policies is the default, as in a bundle.
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
