//! Trains heads on cached features.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{cells::TrainingCells, head_fit::HeadFit, recipe::Recipe};
use crate::{
    TrainingError,
    fit::shared::{
        FitContext,
        weights::{HeadWeights, Standardisation},
    },
    parallel,
};

/// Trains K heads and returns them for raw (not standardised) features.
///
/// All randomness comes from the seed and the purpose. The same cells, recipe, seed and machine
/// give the same bits with any number of threads. Heads whose loss does not couple them are trained
/// in parallel, see [`Recipe::heads_together`].
///
/// The checkpoint is a file (for several banks of heads: the start of their file names) with an
/// unfinished training, removed at the end. Its name must depend on the features, because the
/// checkpoint does not check their values.
///
/// # Errors
/// [`TrainingError::Impossible`] for a recipe or cells that cannot be trained with, and if the loss
/// becomes infinite or NaN; [`TrainingError::Write`] for the checkpoint.
pub fn fit(
    cells: &TrainingCells<'_>,
    recipe: &Recipe,
    context: &FitContext<'_>,
) -> Result<HeadWeights, TrainingError> {
    recipe.check()?;
    cells.check()?;
    let measure = || Standardisation::measure(cells.views, cells.rows);
    let standardisation = recipe.standardised.then(measure);
    let banks = banks(recipe, context);
    let steps = recipe.epochs * cells.rows.len().div_ceil(recipe.batch);
    context.progress.inc_length((banks.len() * steps) as u64);
    let trained = parallel::map(&banks, |bank| {
        let context = FitContext {
            purpose: &bank.purpose,
            checkpoint: bank.checkpoint.as_deref(),
            ..*context
        };
        HeadFit::new(cells, &bank.recipe, standardisation.as_ref(), context)?.complete()
    })?;
    for path in banks.iter().filter_map(|bank| bank.checkpoint.as_deref()) {
        remove(path)?;
    }
    let shape = recipe.shape(cells.dimension(), cells.class_count());
    let heads = HeadWeights::side_by_side(shape, &trained);
    Ok(match &standardisation {
        Some(standardisation) => heads.absorb(standardisation),
        None => heads,
    })
}

/// Heads that are trained as one product.
struct Bank {
    recipe: Recipe,
    purpose: String,
    checkpoint: Option<PathBuf>,
}

fn banks(recipe: &Recipe, context: &FitContext<'_>) -> Vec<Bank> {
    let FitContext {
        purpose,
        checkpoint,
        ..
    } = *context;
    let together = if recipe.loss.trains_heads_apart() {
        recipe.heads_together
    } else {
        recipe.members
    };
    if together >= recipe.members {
        return vec![Bank {
            recipe: recipe.clone(),
            purpose: purpose.to_owned(),
            checkpoint: checkpoint.map(Path::to_owned),
        }];
    }
    let bank = |first: usize| Bank {
        recipe: Recipe {
            members: together.min(recipe.members - first),
            ..recipe.clone()
        },
        purpose: format!("{purpose}/heads from {first}"),
        checkpoint: checkpoint.map(|path| numbered(path, first)),
    };
    (0..recipe.members).step_by(together).map(bank).collect()
}

fn numbered(path: &Path, number: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

fn remove(path: &Path) -> Result<(), TrainingError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(TrainingError::write(path)(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use indicatif::ProgressBar;

    use super::*;
    use crate::{FeatureMatrix, fit::shared::losses::MultiHeadLoss, random};
    use bundle::Method;

    fn recipe() -> Recipe {
        Recipe {
            members: 7,
            heads_together: 2,
            hidden: vec![5],
            epochs: 3,
            ..Recipe::paper(Method::Ensemble, MultiHeadLoss::Individual)
        }
    }

    fn with_cells<R>(work: impl FnOnce(&TrainingCells<'_>) -> R) -> R {
        let views = [FeatureMatrix {
            dimension: 4,
            values: random::uniform(&mut random::stream(1, "features"), 120, 1.0),
        }];
        let rows: Vec<usize> = (0..30).collect();
        let classes: Vec<usize> = rows.iter().map(|row| row % 3).collect();
        work(&TrainingCells {
            views: &views,
            rows: &rows,
            validation: &[],
            classes: &classes,
            abnormal: &[false, true, true],
        })
    }

    fn fitted(cells: &TrainingCells<'_>, checkpoint: Option<&Path>) -> HeadWeights {
        let context = FitContext {
            seed: 1,
            purpose: "test",
            checkpoint,
            progress: &ProgressBar::hidden(),
        };
        fit(cells, &recipe(), &context).unwrap()
    }

    #[test]
    fn heads_do_not_depend_on_threads() {
        with_cells(|cells| {
            let on = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
                pool.build().unwrap().install(|| fitted(cells, None))
            };
            let heads = on(1);
            assert_eq!(heads.shape.members, 7);
            assert_eq!(heads, on(4));
        });
    }

    #[test]
    fn finished_heads_survive_an_interruption() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        with_cells(|cells| {
            let uninterrupted = fitted(cells, None);
            let progress = ProgressBar::hidden();
            let context = FitContext {
                seed: 1,
                purpose: "test",
                checkpoint: Some(&path),
                progress: &progress,
            };
            let banks = banks(&recipe(), &context);
            let second = &banks[1];
            let context = FitContext {
                purpose: &second.purpose,
                checkpoint: second.checkpoint.as_deref(),
                ..context
            };
            let second = HeadFit::new(cells, &second.recipe, None, context).unwrap();
            second.complete().unwrap();
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
            assert_eq!(fitted(cells, Some(&path)), uninterrupted);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        });
    }
}
