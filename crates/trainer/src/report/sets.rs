//! Prediction sets of answered cells: their coverage and size.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    answers::AnsweredPart,
    cell_figures::CellFigures,
    tables::{TextTable, estimate, line},
};
use crate::{
    TrainingError,
    calibrate::{
        policies::{KnownCells, prediction_sets},
        summaries,
    },
    score::HeldOut,
    study::Study,
};
use bundle::{Label, Method, PredictionSets, abnormality, grades, prediction_sets::CellSets};
use evaluation::bootstrap::Estimate;
use uncertainty::{ClassGroups, PredictionSet, Summary};

/// Prediction sets at one confidence and level, over some groups of classes.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SetFigures {
    /// The confidence.
    pub confidence: f64,
    /// `by_cell` or `by_image`.
    pub level: &'static str,
    /// `classes`, `grades` or `abnormality`.
    pub among: &'static str,
    /// Mean number of classes in a set.
    pub mean_size: Estimate,
    /// For each class, the share of its cells whose set contains it.
    pub coverage: Vec<ClassCoverage>,
}

/// Coverage of one class.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ClassCoverage {
    /// The class, or the group of classes.
    pub name: String,
    /// Number of its cells.
    pub cells: usize,
    /// Number of images with the class.
    pub images: usize,
    /// The share of its cells whose set contains it.
    pub covered: Estimate,
}

/// The sets of some cells, by confidence.
pub(crate) type SetsByConfidence = Vec<(f64, Vec<CellSets>)>;

/// A grouping of the classes.
struct SetGrouping {
    key: &'static str,
    names: Vec<String>,
    group_of_class: Vec<usize>,
}

/// The sets of cells with these answers.
pub(crate) fn sets_of(
    thresholds: &[PredictionSets],
    outputs: &[Label],
    said: &[Summary],
) -> SetsByConfidence {
    let of = |thresholds: &PredictionSets| {
        let sets = said
            .iter()
            .map(|summary| thresholds.sets(outputs, &summary.mean));
        (thresholds.classes.confidence, sets.collect())
    };
    thresholds.iter().map(of).collect()
}

/// The sets of every fold's cells, with thresholds set on the other folds.
///
/// # Errors
/// [`TrainingError::Impossible`] if a method was not scored in every fold.
pub(crate) fn out_of_fold(
    study: &Study,
    folds: &[HeldOut],
    answered: &AnsweredPart,
) -> Result<BTreeMap<Method, Vec<SetFigures>>, TrainingError> {
    let (abnormal, high_grade) = (
        study.grouping.abnormal_flags(),
        study.grouping.high_grade_flags(),
    );
    let outputs = &study.grouping.outputs;
    let mut of_methods: BTreeMap<Method, SetsByConfidence> = BTreeMap::new();
    for (number, fold) in folds.iter().enumerate() {
        let others = HeldOut::without(folds, number)?;
        let known = KnownCells {
            labels: &study.labels(&others.rows),
            images: &study.image_numbers(&others.rows),
            eligible: &vec![true; others.rows.len()],
            groups: ClassGroups {
                abnormal: &abnormal,
                high_grade: &high_grade,
            },
        };
        for (method, answers) in &answered.methods {
            let temperature = answers.temperatures.get(number).copied().unwrap_or(1.0);
            let said = summaries(others.scores_of(*method)?, temperature, &abnormal)?;
            let thresholds = prediction_sets(&said, &known, outputs)?;
            let own = summaries(fold.scores_of(*method)?, temperature, &abnormal)?;
            extend(
                of_methods.entry(*method).or_default(),
                sets_of(&thresholds, outputs, &own),
            );
        }
    }
    let cells = CellFigures::of(study, &answered.rows);
    let figures = of_methods.into_iter();
    figures
        .map(|(method, sets)| Ok((method, cells.sets(&sets)?)))
        .collect()
}

/// Appends the sets of more cells, confidence by confidence.
pub(crate) fn extend(sets: &mut SetsByConfidence, more: SetsByConfidence) {
    for (confidence, more) in more {
        match sets.iter_mut().find(|(known, _)| *known == confidence) {
            Some((_, known)) => known.extend(more),
            None => sets.push((confidence, more)),
        }
    }
}

impl CellFigures<'_> {
    /// Coverage and size at every confidence and level, in every grouping.
    ///
    /// # Errors
    /// As [`CellFigures::mean`].
    pub(crate) fn sets(&self, sets: &SetsByConfidence) -> Result<Vec<SetFigures>, TrainingError> {
        let mut figures = Vec::new();
        for (confidence, sets) in sets {
            for grouping in groupings(self.outputs) {
                let Some(sets) = among(sets, grouping.key) else {
                    continue;
                };
                let by_cell = sets.iter().map(|set| set.by_cell.as_slice());
                let by_image = sets.iter().map(|set| set.by_image.as_slice());
                let levels: [(&str, Vec<&[usize]>); 2] = [
                    ("by_cell", by_cell.collect()),
                    ("by_image", by_image.collect()),
                ];
                for (level, sets) in levels {
                    let sizes = sets.iter().map(|set| Some(set.len() as f64));
                    figures.push(SetFigures {
                        confidence: *confidence,
                        level,
                        among: grouping.key,
                        mean_size: self.mean(&sizes.collect::<Vec<_>>())?,
                        coverage: self.coverage(&grouping, &sets)?,
                    });
                }
            }
        }
        Ok(figures)
    }

    fn coverage(
        &self,
        grouping: &SetGrouping,
        sets: &[&[usize]],
    ) -> Result<Vec<ClassCoverage>, TrainingError> {
        let groups = self
            .labels
            .iter()
            .map(|label| grouping.group_of_class.get(*label).copied());
        let groups: Vec<Option<usize>> = groups.collect();
        let mut of_classes = Vec::new();
        for (group, name) in grouping.names.iter().enumerate() {
            let belongs: Vec<bool> = groups.iter().map(|of| *of == Some(group)).collect();
            let images = self
                .images
                .iter()
                .zip(&belongs)
                .filter(|(_, belongs)| **belongs);
            let images: BTreeSet<&str> = images.map(|(image, _)| *image).collect();
            let covered = sets.iter().zip(&belongs).map(|(set, belongs)| {
                let holds = f64::from(u8::from(set.contains(&group)));
                belongs.then_some(holds)
            });
            of_classes.push(ClassCoverage {
                name: name.clone(),
                cells: belongs.iter().filter(|belongs| **belongs).count(),
                images: images.len(),
                covered: self.mean(&covered.collect::<Vec<_>>())?,
            });
        }
        Ok(of_classes)
    }
}

/// The sets over the classes or over groups of them; `None` for a grouping that a set lacks.
fn among(sets: &[CellSets], key: &str) -> Option<Vec<PredictionSet>> {
    let of_cell = |sets: &CellSets| match key {
        "classes" => Some(sets.classes.clone()),
        "grades" => sets.grades.clone(),
        _ => sets.abnormality.clone(),
    };
    sets.iter().map(of_cell).collect()
}

fn groupings(outputs: &[Label]) -> Vec<SetGrouping> {
    let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let classes = SetGrouping {
        key: "classes",
        names: outputs.iter().map(|label| label.name.clone()).collect(),
        group_of_class: (0..outputs.len()).collect(),
    };
    let grades = grades(outputs).map(|group_of_class| SetGrouping {
        key: "grades",
        names: texts(&["normal", "low grade", "high grade"]),
        group_of_class,
    });
    let abnormality = abnormality(outputs).map(|group_of_class| SetGrouping {
        key: "abnormality",
        names: texts(&["normal", "abnormal"]),
        group_of_class,
    });
    [Some(classes), grades, abnormality]
        .into_iter()
        .flatten()
        .collect()
}

/// The confidence and the level of the sets in tables; files have all of them.
const SHOWN: (f64, &str) = (0.9, "by_cell");

/// Coverage and size of one method's sets at 90%, by cell.
pub(crate) fn sets_table(method: Method, sets: &[SetFigures]) -> TextTable {
    let shown = sets
        .iter()
        .filter(|sets| (sets.confidence, sets.level) == SHOWN);
    let mut rows = Vec::new();
    for sets in shown {
        let none = String::new;
        rows.push(line(
            format!("{}: mean size", sets.among),
            [none(), none(), estimate(Some(&sets.mean_size))],
        ));
        for class in &sets.coverage {
            let counts = [class.cells.to_string(), class.images.to_string()];
            let covered = estimate(Some(&class.covered));
            rows.push(line(
                format!("{}: share of {} covered", sets.among, class.name),
                counts.into_iter().chain([covered]),
            ));
        }
    }
    let title = format!("{method}: prediction sets at 90%, by cell");
    TextTable {
        header: line(title, ["cells", "images", "estimate"].map(str::to_owned)),
        rows,
    }
}
