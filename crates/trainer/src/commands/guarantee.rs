//! `experiment-guarantee`: whether the promises of referral policies are kept.

use std::collections::BTreeSet;

use crate::{
    TrainingError,
    calibrate::{
        fit_mean_temperature,
        policies::{ALPHAS, DELTA, KnownCells, promises, tally},
        summaries,
    },
    cli::GuaranteeArgs,
    commands::{
        bundle::{folds_held_out, served_views},
        open_session, way,
    },
    data::part::CellPart,
    report::tables::{TextTable, line},
    score::HeldOut,
    study::Study,
};
use bundle::Method;
use evaluation::guarantee::{Experiment, Guarantee, PromiseKept, guarantees};

/// Takes cells that training has not seen as the whole world, draws calibration images from it again and again, and prints
/// how often a certified threshold has a true risk above its bound. Two worlds: the calibration and test cells of the bundle's
/// model, and every cell of the folds, each scored by the model of its fold.
///
/// # Errors
/// [`TrainingError::Missing`] before training.
pub(super) fn run(args: &GuaranteeArgs, revision: &'static str) -> Result<(), TrainingError> {
    let session = open_session(&args.heads, args.calibration, revision)?;
    let study = &session.study;
    let way = way(&session, &args.heads)?;
    let views = served_views(&args.heads, &way)?;
    let bar = session.begin("held-out cells");
    let folds = folds_held_out(&session, &way, &study.each_fold(), &views)?;
    let model = way.model(&study.calibration)?;
    let calibration = study.held_out_rows(&study.calibration);
    let images = study.image_count(&calibration);
    let unseen: Vec<HeldOut> = [calibration, study.rows_in(CellPart::Test)]
        .into_iter()
        .map(|rows| HeldOut::score(&session, &model, rows, &views))
        .collect::<Result<_, _>>()?;
    bar.finish_and_clear();
    let experiment = Experiment {
        draws: args.draws,
        images,
        alphas: ALPHAS.to_vec(),
        delta: DELTA,
        unseen_mistaken: args.unseen_mistaken,
        seed: study.seed,
    };
    for (name, world) in [
        ("calibration and test cells of the bundle's model", &unseen),
        ("cells of every fold, by the model of each", &folds),
    ] {
        play(study, name, world, &experiment)?;
    }
    Ok(())
}

fn play(
    study: &Study,
    name: &str,
    world: &[HeldOut],
    experiment: &Experiment,
) -> Result<(), TrainingError> {
    let methods: BTreeSet<Method> = world
        .iter()
        .flat_map(|part| part.scores.keys().copied())
        .collect();
    let rows: Vec<usize> = world.iter().flat_map(|part| part.rows.clone()).collect();
    println!(
        "\n{name}: {} cells of {} images; {} draws of {} images; nominal: at most {:.0}% of the draws broken",
        rows.len(),
        study.image_count(&rows),
        experiment.draws,
        experiment.images,
        100.0 * experiment.delta
    );
    for method in methods {
        let rows = guarantees(&tallies(study, world, method)?, experiment)?;
        println!("{}", table(method, &rows).terminal());
    }
    Ok(())
}

/// The cells of the world over the grid of every promise.
fn tallies(
    study: &Study,
    world: &[HeldOut],
    method: Method,
) -> Result<Vec<uncertainty::risk_control::Tally>, TrainingError> {
    let flags = study.grouping.abnormal_flags();
    let (mut answers, mut rows) = (Vec::new(), Vec::new());
    for part in world {
        let missing = || TrainingError::Impossible(format!("{method} was not scored"));
        let scores = part.scores.get(&method).ok_or_else(missing)?;
        // Fitted once on all of a part, never on a draw: what it costs the promise that entropies may change their order with
        // a temperature fitted on the labels that certify is not played through here.
        let temperature = fit_mean_temperature(scores, &study.labels(&part.rows))?;
        answers.extend(summaries(scores, temperature, &flags)?);
        rows.extend(part.rows.iter().copied());
    }
    let known = KnownCells {
        labels: &study.labels(&rows),
        images: &study.image_numbers(&rows),
        eligible: &vec![true; rows.len()],
        abnormal: &flags,
    };
    promises(flags.len())
        .map(|promise| tally(promise, &answers, &known))
        .collect()
}

fn table(method: Method, rows: &[Guarantee]) -> TextTable {
    let share = |value: f64| format!("{:.1}%", 100.0 * value);
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
