//! The model card: a template filled with what was measured.

use std::collections::BTreeMap;

use crate::bundle::{Manifest, Method};
use crate::training::{
    Evaluation, LabelEntry, Part, Study, TrainingError,
    calibration::CALIBRATION_FOLD,
    evaluation::tables::{
        TextTable, aurc_table, confusion_table, figures_table, misprediction_table,
    },
    models::scores::OUT_OF_FOLD_VIEWS,
};

const TEMPLATE: &str = include_str!("model_card.md");

/// Width of the collection's original fields in pixels; the paper's crops of 100 px are measured in them.
const ORIGINAL_WIDTH: u32 = 1376;

/// A class in fewer images than this is called rare.
const FEW_IMAGES: usize = 20;

/// Fills the template.
///
/// # Errors
/// [`TrainingError::Impossible`] when the template names something that is not there.
pub fn model_card(
    study: &Study,
    manifest: &Manifest,
    evaluation: &Evaluation,
) -> Result<String, TrainingError> {
    let mut values = manifest_values(manifest);
    values.extend(data_values(study));
    values.extend(evaluation_values(evaluation));
    fill(TEMPLATE, &values)
}

type Values = BTreeMap<&'static str, String>;

fn manifest_values(manifest: &Manifest) -> Values {
    let (input, methods) = (&manifest.input, &manifest.methods);
    let labels: Vec<&str> = manifest
        .labels
        .iter()
        .map(|label| label.name.as_str())
        .collect();
    let original = input.source_width_px.map(|width| {
        let edge = f64::from(input.crop_edge_px) * f64::from(ORIGINAL_WIDTH) / f64::from(width);
        format!(" (about {edge:.0} px of the originals)")
    });
    Values::from([
        ("name", manifest.name.clone()),
        ("labels", labels.join(", ")),
        ("edge", input.crop_edge_px.to_string()),
        (
            "source_width",
            input
                .source_width_px
                .map_or("various".to_owned(), |width| width.to_string()),
        ),
        ("original_edge", original.unwrap_or_default()),
        ("size", input.size.to_string()),
        (
            "feature_count",
            manifest
                .trunk
                .as_ref()
                .map_or(0, |trunk| trunk.feature_count)
                .to_string(),
        ),
        (
            "mc_passes",
            methods
                .mc_dropout
                .as_ref()
                .map_or(0, |method| method.passes)
                .to_string(),
        ),
        (
            "tta_passes",
            methods
                .tta
                .as_ref()
                .map_or(0, |method| method.passes)
                .to_string(),
        ),
        (
            "members",
            methods
                .ensemble
                .as_ref()
                .map_or(0, |method| method.members)
                .to_string(),
        ),
        ("licence", manifest.licence.clone()),
        ("seed", manifest.training.seed.to_string()),
        ("commit", manifest.training.commit.clone()),
        ("data", manifest.training.data.clone()),
        ("training_cells", manifest.training.cells.to_string()),
        ("training_images", manifest.training.images.to_string()),
    ])
}

fn data_values(study: &Study) -> Values {
    let all: Vec<usize> = (0..study.table.rows.len()).collect();
    let calibration = study.rows_in(Part::Fold(CALIBRATION_FOLD));
    Values::from([
        ("cells", all.len().to_string()),
        ("images", study.image_count(&all).to_string()),
        ("calibration_cells", calibration.len().to_string()),
        (
            "calibration_images",
            study.image_count(&calibration).to_string(),
        ),
        ("rare_classes", rare_classes(study)),
    ])
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

fn evaluation_values(evaluation: &Evaluation) -> Values {
    let (folds, test) = (&evaluation.out_of_fold, &evaluation.test);
    let markdown = |table: TextTable| table.markdown();
    let shown = Method::Ensemble;
    let confusion = folds
        .methods
        .get(&shown)
        .map(|figures| confusion_table(&evaluation.labels, figures).markdown());
    Values::from([
        ("out_of_fold_views", OUT_OF_FOLD_VIEWS.to_string()),
        ("fold_cells", folds.cells.to_string()),
        ("fold_images", folds.images.to_string()),
        ("test_cells", test.cells.to_string()),
        ("test_images", test.images.to_string()),
        ("out_of_fold_figures", markdown(figures_table(folds))),
        (
            "out_of_fold_misprediction",
            markdown(misprediction_table(folds)),
        ),
        ("out_of_fold_aurc", markdown(aurc_table(folds))),
        ("confusion_method", shown.name().to_owned()),
        ("out_of_fold_confusion", confusion.unwrap_or_default()),
        ("test_figures", markdown(figures_table(test))),
        ("test_misprediction", markdown(misprediction_table(test))),
        ("test_aurc", markdown(aurc_table(test))),
    ])
}

fn fill(template: &str, values: &Values) -> Result<String, TrainingError> {
    let mut filled = template.to_owned();
    for (name, value) in values {
        filled = filled.replace(&format!("{{{name}}}"), value);
    }
    if filled.contains('{') {
        let reason = "the model card's template names a value that was not measured";
        return Err(TrainingError::Impossible(reason.to_owned()));
    }
    Ok(filled)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_or_refused() {
        let values = Values::from([("cells", "7".to_owned())]);
        assert_eq!(fill("{cells} cells", &values).unwrap(), "7 cells");
        assert!(fill("{cells} cells of {images} images", &values).is_err());
    }
}
