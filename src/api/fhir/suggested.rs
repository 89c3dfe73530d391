//! The class that an observation suggests, or why it suggests none.

use super::{codes, resources::CodeableConcept};
use crate::api::{
    answer::{DecisionAnswer, PredictionAnswer},
    vocabulary::{AcceptedAsName, ActionName, ReasonName},
};
use bundle::Label;

/// The class that the policy's promise covers; `None` if it covers none.
pub(super) fn suggested(answer: &PredictionAnswer, labels: &[Label]) -> Option<CodeableConcept> {
    match answer.decision.accepted_as? {
        AcceptedAsName::Class => labels.get(answer.prediction.index).map(class),
        AcceptedAsName::Normal => Some(normal(labels)),
        AcceptedAsName::Abnormal => None,
    }
}

fn class(label: &Label) -> CodeableConcept {
    codes::class(&label.name, label.snomed_ct.as_deref())
}

/// The normal class. If there are several, they are named as text, because the promise is only
/// about normal and abnormal.
fn normal(labels: &[Label]) -> CodeableConcept {
    let normal: Vec<&Label> = labels.iter().filter(|label| !label.abnormal).collect();
    if let [only] = normal.as_slice() {
        return class(only);
    }
    let names: Vec<&str> = normal.iter().map(|label| label.name.as_str()).collect();
    codes::words(&format!("Normal: one of {}", names.join(", ")))
}

pub(super) fn no_class(decision: &DecisionAnswer) -> CodeableConcept {
    let reasons: Vec<&str> = decision.reasons.iter().map(|reason| why(*reason)).collect();
    let text = match (decision.action, decision.accepted_as) {
        (ActionName::Refer, _) => reasons.join("; "),
        (ActionName::Accept, Some(AcceptedAsName::Abnormal)) => {
            "the policy accepts the cell as abnormal, and promises nothing about its class"
                .to_owned()
        }
        (ActionName::Accept, _) => {
            "the policy does not say what an accepted answer stands for".to_owned()
        }
    };
    codes::no_class(&format!("No class suggested: {text}"))
}

pub(super) fn why(reason: ReasonName) -> &'static str {
    match reason {
        ReasonName::Uncertain => "the policy does not accept an answer as uncertain as this one",
        ReasonName::OutOfDistribution => "the image is unlike the training images",
        ReasonName::NoPolicy => {
            "the request names no policy, and the model has no default policy for the method"
        }
        ReasonName::Abnormal => "the cell is called abnormal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(name: &str, abnormal: bool) -> Label {
        Label {
            name: name.to_owned(),
            abnormal,
            high_grade: None,
            severity: None,
            snomed_ct: Some("373887005".to_owned()),
            snomed_ct_source: None,
        }
    }

    #[test]
    fn several_normal_classes_are_named_as_text() {
        let one = normal(&[label("HSIL", true), label("NILM", false)]);
        assert_eq!((one.coding.len(), one.text.as_deref()), (2, Some("NILM")));
        let several = [
            label("superficial", false),
            label("HSIL", true),
            label("columnar", false),
        ];
        let several = normal(&several);
        assert!(several.coding.is_empty());
        assert_eq!(
            several.text.as_deref(),
            Some("Normal: one of superficial, columnar")
        );
    }
}
