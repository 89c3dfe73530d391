//! The model card: a template filled with the measured figures.

mod data;

use std::collections::BTreeMap;

use self::data::{data_values, usual};

use super::{
    OUT_OF_FOLD, TEST,
    sets::sets_table,
    summary::Evaluation,
    tables::{
        TextTable, aurc_table, confusion_table, figures_table, misprediction_table, policies_table,
        unlike_table,
    },
};
use crate::{TrainingError, fit::FoldModel, study::Study, trunks::file::TrunkFile};
use bundle::{Bundle, Manifest, Method, Methods};
use uncertainty::{
    Policy,
    risk_control::{UNSEEN_IMAGES, UNSEEN_MISTAKEN},
};

/// Columns of the card's prose.
const WIDTH: usize = 100;

const TEMPLATE: &str = include_str!("model_card.md");

/// Fills the template. `model` comes with whether training left the layer of the
/// out-of-distribution score unchanged, if there is a score.
///
/// # Errors
/// [`TrainingError::Impossible`] if the template has an unknown name.
pub(crate) fn model_card(
    study: &Study,
    (model, untrained): (&FoldModel, Option<bool>),
    bundle: &Bundle,
    evaluation: &Evaluation,
) -> Result<String, TrainingError> {
    let mut values = manifest_values(bundle.manifest());
    values.insert("usual", usual(untrained).to_owned());
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
            "{}, pretrained on ImageNet, {how}; Apache-2.0 (Google's weights; © 2020 ML Illustrated \
             for the package)",
            trunk.name
        ),
    }
}

/// The policy of Monte Carlo dropout that decides by default.
fn default_policy(manifest: &Manifest) -> String {
    match manifest.default_policy(Method::McDropout) {
        Some(policy) => format!(
            "the policy `{}` decides: it accepts only cells called normal",
            policy.name
        ),
        None => {
            "every cell is referred: no policy that accepts only cells called normal is certified"
                .to_owned()
        }
    }
}

/// Remarks on the promises.
fn caveat(manifest: &Manifest) -> String {
    let policies = manifest
        .calibration
        .values()
        .flat_map(|measured| &measured.policies);
    match policies.filter_map(Policy::caveat).next() {
        Some(caveat) => format!("The certificates were {caveat}."),
        None => "A cell is called normal only if a normal class is the most probable one and the \
             abnormal classes together are below one half."
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

fn evaluation_values(evaluation: &Evaluation) -> Result<CardValues, TrainingError> {
    let missing = || {
        TrainingError::Impossible(format!(
            "the report has no part `{OUT_OF_FOLD}`: run `export` again"
        ))
    };
    let folds = evaluation.part(OUT_OF_FOLD).ok_or_else(missing)?;
    let markdown = |table: TextTable| table.markdown();
    let shown = Method::Ensemble.name();
    let method = folds.methods.iter().find(|method| method.name == shown);
    let confusion = method.map(|method| confusion_table(&evaluation.labels, method).markdown());
    Ok(CardValues::from([
        ("fold_cells", folds.cells.to_string()),
        ("fold_images", folds.images.to_string()),
        ("test_note", test_note(evaluation)),
        ("out_of_fold_figures", markdown(figures_table(folds))),
        (
            "out_of_fold_misprediction",
            markdown(misprediction_table(folds)),
        ),
        ("out_of_fold_aurc", markdown(aurc_table(folds))),
        ("confusion_method", shown.to_owned()),
        ("out_of_fold_confusion", confusion.unwrap_or_default()),
        ("test_part", test_part(evaluation)),
        ("unseen_images", UNSEEN_IMAGES.to_string()),
        (
            "unseen_mistaken",
            format!("{:.0}%", 100.0 * UNSEEN_MISTAKEN),
        ),
        ("policies", markdown(policies(evaluation, OUT_OF_FOLD))),
        ("sets", sets(evaluation)),
        ("test_policies", test_policies(evaluation)),
        (
            "unlike",
            markdown(unlike_table(&evaluation.out_of_distribution)),
        ),
    ]))
}

/// The policies that the card shows, those of Monte Carlo dropout.
fn policies(evaluation: &Evaluation, part: &str) -> TextTable {
    policies_table(&evaluation.policies, Method::McDropout, part)
}

/// The prediction sets of Monte Carlo dropout.
fn sets(evaluation: &Evaluation) -> String {
    let method = Method::McDropout;
    let sets = evaluation.prediction_sets.get(&method);
    sets.map(|sets| sets_table(method, sets).markdown())
        .unwrap_or_default()
}

fn test_note(evaluation: &Evaluation) -> String {
    match evaluation.part(TEST) {
        None => {
            "There is no test part: the model in this bundle was trained on all cells.".to_owned()
        }
        Some(test) => format!(
            "*Test part*: {} cells of {} other images, answered by the model in this bundle. They \
             affected no setting, but they are few.",
            test.cells, test.images
        ),
    }
}

/// The figures of the test part with a heading; empty without a test part.
fn test_part(evaluation: &Evaluation) -> String {
    let Some(test) = evaluation.part(TEST) else {
        return String::new();
    };
    let tables = [
        figures_table(test),
        misprediction_table(test),
        aurc_table(test),
    ];
    let tables = tables.map(|table| table.markdown()).join("\n");
    format!("### Test part\n\n{tables}\n")
}

fn test_policies(evaluation: &Evaluation) -> String {
    match evaluation.part(TEST) {
        None => String::new(),
        Some(_) => format!("{}\n", policies(evaluation, TEST).markdown()),
    }
}

fn fill(template: &str, values: &CardValues) -> Result<String, TrainingError> {
    let unknown = || {
        let reason = "the model card's template has a name without a value";
        TrainingError::Impossible(reason.to_owned())
    };
    // In one pass, so that braces in a value are not taken for names.
    let mut parts = template.split('{');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').ok_or_else(unknown)?;
        filled.push_str(values.get(name).ok_or_else(unknown)?);
        filled.push_str(rest);
    }
    Ok(wrapped(&filled))
}

/// The card with its paragraphs and list items wrapped anew, because values change their lengths.
/// Tables and headings stay as they are.
fn wrapped(card: &str) -> String {
    let mut blocks: Vec<String> = Vec::new();
    let mut in_prose = false;
    for line in card.split('\n') {
        let is_prose = !line.is_empty() && !line.starts_with(['|', '#']);
        match blocks.last_mut() {
            Some(block) if in_prose && is_prose && !line.starts_with("- ") => {
                block.push(' ');
                block.push_str(line.trim_start());
            }
            _ => blocks.push(line.to_owned()),
        }
        in_prose = is_prose;
    }
    let blocks: Vec<String> = blocks.iter().map(|block| wrapped_block(block)).collect();
    blocks.join("\n")
}

fn wrapped_block(block: &str) -> String {
    if block.starts_with(['|', '#']) {
        return block.to_owned();
    }
    let indent = if block.starts_with("- ") { "  " } else { "" };
    let (mut lines, mut current) = (Vec::new(), String::new());
    for word in block.split(' ') {
        if current.is_empty() {
            current.push_str(word);
        } else if current.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut current, format!("{indent}{word}")));
        } else {
            current.push(' ');
            current.push_str(word);
        }
    }
    lines.push(current);
    lines.join("\n")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_wrapped_and_tables_are_not() {
        let table = format!("| {} |", "cell ".repeat(40));
        let text = format!("- {}\n  end\n- item\n{table}", "word ".repeat(20).trim());
        let card = wrapped(&text);
        let lines: Vec<&str> = card.split('\n').collect();
        assert_eq!(lines[1..], ["  word end", "- item", &table], "{card}");
        assert!(lines[0].len() <= WIDTH, "{card}");
    }

    #[test]
    fn template_is_filled_or_refused() {
        let values = CardValues::from([("cells", "7".to_owned())]);
        assert_eq!(fill("{cells} cells", &values).unwrap(), "7 cells");
        assert!(fill("{cells} cells of {images} images", &values).is_err());
        let values = CardValues::from([("cells", "{our} 7".to_owned())]);
        assert_eq!(fill("{cells} cells", &values).unwrap(), "{our} 7 cells");
    }
}
