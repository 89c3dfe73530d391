//! The model card: a template filled with what was measured.

use std::collections::BTreeMap;

use super::{
    OUT_OF_FOLD, TEST,
    summary::Evaluation,
    tables::{
        TextTable, aurc_table, confusion_table, figures_table, misprediction_table, policies_table,
        unlike_table,
    },
};
use crate::{
    TrainingError, data::labels::LabelEntry, fit::FoldModel, study::Study, trunks::file::TrunkFile,
};
use bundle::{Bundle, Manifest, Method, Methods};
use uncertainty::{
    Policy,
    risk_control::{UNSEEN_IMAGES, UNSEEN_MISTAKEN},
};

const TEMPLATE: &str = include_str!("model_card.md");

/// A class in fewer images than this is called rare.
const FEW_IMAGES: usize = 20;

/// Fills the template.
///
/// # Errors
/// [`TrainingError::Impossible`] when the template names something that is not there.
pub(crate) fn model_card(
    study: &Study,
    model: &FoldModel,
    bundle: &Bundle,
    evaluation: &Evaluation,
) -> Result<String, TrainingError> {
    let mut values = manifest_values(bundle.manifest());
    values.insert("usual", usual(study, bundle));
    values.insert("trunk", trunk(&study.trunk, model.fine_tuned));
    values.extend(data_values(study));
    values.extend(evaluation_values(evaluation)?);
    fill(TEMPLATE, &values)
}

fn tta_head(methods: &Methods) -> &'static str {
    let own = methods.tta.as_ref().and_then(|tta| tta.head.as_ref());
    match own {
        Some(_) => "a head of its own",
        None => "the baseline's head",
    }
}

fn trunk(trunk: &TrunkFile, fine_tuned: bool) -> String {
    let how = if fine_tuned {
        "fine-tuned together with the heads"
    } else {
        "frozen"
    };
    match &trunk.licence {
        Some(licence) => format!("{}, {how}; licence: {licence}", trunk.name),
        None => format!(
            "{}, pretrained on ImageNet, {how}; Apache-2.0 (Google's weights; © 2020 ML Illustrated for the package)",
            trunk.name
        ),
    }
}

/// Which policy of Monte Carlo dropout decides unasked.
fn default_policy(manifest: &Manifest) -> String {
    match manifest.default_policy(Method::McDropout) {
        Some(policy) => format!(
            "`{}` decides: it accepts only cells called normal",
            policy.name
        ),
        None => {
            "every cell is referred: no policy that accepts only cells called normal is certified"
                .to_owned()
        }
    }
}

/// What a reader of the promises has to know besides them.
fn caveat(manifest: &Manifest) -> String {
    let policies = manifest
        .calibration
        .values()
        .flat_map(|measured| &measured.policies);
    match policies.filter_map(Policy::caveat).next() {
        Some(caveat) => format!("The certificates were {caveat}."),
        None => "A cell is called normal only if a normal class is the most probable one and the abnormal classes together are \
                 below one half."
            .to_owned(),
    }
}

type CardValues = BTreeMap<&'static str, String>;

fn manifest_values(manifest: &Manifest) -> CardValues {
    let (input, methods, training) = (&manifest.input, &manifest.methods, &manifest.training);
    let labels = manifest.labels.iter().map(|label| label.name.as_str());
    let labels: Vec<&str> = labels.collect();
    let width = input.source_width_px.map(|width| width.to_string());
    let features = manifest.trunk.as_ref().map(|trunk| trunk.feature_count);
    let (mc_dropout, ensemble) = (methods.mc_dropout.as_ref(), methods.ensemble.as_ref());
    let tta = methods.tta.as_ref();
    let count = |count: Option<usize>| count.unwrap_or_default().to_string();
    CardValues::from([
        ("name", manifest.name.clone()),
        ("labels", labels.join(", ")),
        ("edge", input.crop_edge_px.to_string()),
        (
            "source_width",
            width.unwrap_or_else(|| "various".to_owned()),
        ),
        ("size", input.size.to_string()),
        ("feature_count", count(features)),
        ("mc_passes", count(mc_dropout.map(|method| method.passes))),
        ("tta_head", tta_head(methods).to_owned()),
        (
            "tta_policy",
            tta.map_or(String::new(), |method| method.policy.name.clone()),
        ),
        ("tta_passes", count(tta.map(|method| method.passes))),
        ("members", count(ensemble.map(|method| method.members))),
        ("default_policy", default_policy(manifest)),
        ("caveat", caveat(manifest)),
        ("licence", manifest.licence.clone()),
        ("seed", training.seed.to_string()),
        ("commit", training.commit.clone()),
        ("data", training.data.clone()),
        ("training_cells", training.cells.to_string()),
        ("training_images", training.images.to_string()),
    ])
}

fn data_values(study: &Study) -> CardValues {
    let all = study.every_row();
    let calibration = study.held_out_rows(&study.calibration);
    CardValues::from([
        ("cells", all.len().to_string()),
        ("images", study.image_count(&all).to_string()),
        ("calibration_cells", calibration.len().to_string()),
        (
            "calibration_images",
            study.image_count(&calibration).to_string(),
        ),
        ("calibration_folds", study.calibration.to_string()),
        ("fold_models", study.folds().len().to_string()),
        ("fold_training", fold_training(study)),
        ("rare_classes", rare_classes(study)),
    ])
}

/// Which cells say what is usual; a bundle's scores are as many as those cells.
fn usual(study: &Study, bundle: &Bundle) -> String {
    let folds: usize = study
        .each_fold()
        .iter()
        .map(|fold| study.held_out_rows(fold).len())
        .sum();
    match bundle.out_of_distribution() {
        None => "there is no out-of-distribution score for this trunk".to_owned(),
        Some(model) if model.calibration_scores.len() == folds => {
            "the out-of-distribution score looks at a layer that training left as it was, so all of these cells say what is \
             usual there, each fold by its distances to the others"
                .to_owned()
        }
        Some(_) => "the out-of-distribution score knows the cells that the model learnt from, and how far the calibration \
                    cells lie from them"
            .to_owned(),
    }
}

/// From how many images the models of the folds learnt: "131", or "130 to 132".
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

fn evaluation_values(evaluation: &Evaluation) -> Result<CardValues, TrainingError> {
    let missing = |name: &str| TrainingError::Impossible(format!("the report has no {name}"));
    let part = |name| evaluation.part(name).ok_or_else(|| missing(name));
    let (folds, test) = (part(OUT_OF_FOLD)?, part(TEST)?);
    let markdown = |table: TextTable| table.markdown();
    let shown = Method::Ensemble.name();
    let method = folds.methods.iter().find(|method| method.name == shown);
    let confusion = method.map(|method| confusion_table(&evaluation.labels, method).markdown());
    let policies = evaluation
        .policies
        .iter()
        .filter(|policy| policy.policy.method == Method::McDropout.name());
    Ok(CardValues::from([
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
        ("confusion_method", shown.to_owned()),
        ("out_of_fold_confusion", confusion.unwrap_or_default()),
        ("test_figures", markdown(figures_table(test))),
        ("test_misprediction", markdown(misprediction_table(test))),
        ("test_aurc", markdown(aurc_table(test))),
        ("unseen_images", UNSEEN_IMAGES.to_string()),
        (
            "unseen_mistaken",
            format!("{:.0}%", 100.0 * UNSEEN_MISTAKEN),
        ),
        ("policies", markdown(policies_table(policies))),
        (
            "unlike",
            markdown(unlike_table(&evaluation.out_of_distribution)),
        ),
    ]))
}

fn fill(template: &str, values: &CardValues) -> Result<String, TrainingError> {
    let unknown = || {
        let reason = "the model card's template names a value that was not measured";
        TrainingError::Impossible(reason.to_owned())
    };
    // In one pass: what a value holds is no name, whatever braces are in it.
    let mut parts = template.split('{');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').ok_or_else(unknown)?;
        filled.push_str(values.get(name).ok_or_else(unknown)?);
        filled.push_str(rest);
    }
    Ok(filled)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_or_refused() {
        let values = CardValues::from([("cells", "7".to_owned())]);
        assert_eq!(fill("{cells} cells", &values).unwrap(), "7 cells");
        assert!(fill("{cells} cells of {images} images", &values).is_err());
        let values = CardValues::from([("cells", "{our} 7".to_owned())]);
        assert_eq!(fill("{cells} cells", &values).unwrap(), "{our} 7 cells");
    }
}
