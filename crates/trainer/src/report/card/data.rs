//! The model card's values about the training cells.

use super::CardValues;
use crate::{data::labels::LabelEntry, study::Study};

/// A class in fewer images than this is called rare.
const FEW_IMAGES: usize = 20;

pub(super) fn data_values(study: &Study) -> CardValues {
    let all = study.every_row();
    CardValues::from([
        ("cells", all.len().to_string()),
        ("images", study.image_count(&all).to_string()),
        ("fold_models", study.folds().len().to_string()),
        ("fold_training", fold_training(study)),
        ("rare_classes", rare_classes(study)),
    ])
}

/// How the out-of-distribution score was fitted.
pub(super) fn usual(untrained: Option<bool>) -> &'static str {
    match untrained {
        None => "This trunk has no out-of-distribution score",
        Some(true) => {
            "The out-of-distribution score measures a layer that training did not change: its \
             distribution is fitted on all of these cells, and the distances of usual cells are \
             those of each fold from the others"
        }
        Some(false) => {
            "The out-of-distribution score measures a layer that training changed: its \
             distribution is fitted on all of these cells, and the distances of usual cells are \
             those of each fold by the model that has not seen it"
        }
    }
}

/// The number of images that the models of the folds were trained on: "131", or "130 to 132".
fn fold_training(study: &Study) -> String {
    let folds = study.each_fold();
    let images = folds
        .iter()
        .map(|fold| study.image_count(&study.training_rows(fold)));
    let images: Vec<usize> = images.collect();
    match (images.iter().min(), images.iter().max()) {
        (Some(fewest), Some(most)) if fewest < most => format!("{fewest} to {most}"),
        (fewest, _) => fewest.copied().unwrap_or_default().to_string(),
    }
}

fn rare_classes(study: &Study) -> String {
    let count = |class: &LabelEntry| {
        let of_class = |row: &usize| study.table.rows[*row].label == class.name;
        let rows: Vec<usize> = (0..study.table.rows.len()).filter(of_class).collect();
        (class.name.clone(), study.image_count(&rows))
    };
    let rare = study
        .table
        .labels
        .labels
        .iter()
        .map(count)
        .filter(|(_, images)| *images < FEW_IMAGES);
    let named: Vec<String> = rare
        .map(|(class, images)| format!("{class} from {images}"))
        .collect();
    if named.is_empty() {
        "none from fewer than 20".to_owned()
    } else {
        named.join(", ")
    }
}
