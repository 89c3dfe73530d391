//! Systems of codes, the few forms in which answers use them, and FHIR's rules for ids, strings and
//! codes.

use serde::Serialize;

use super::resources::{CodeableConcept, Coding, ObservationComponent, ObservedValue, Quantity};
use crate::api::answer::digest_of;

/// Our own codes, for observations and components. A URN for the same reason as the problems'
/// types: no page describes it.
const OURS: &str = "urn:secondlook:fhir:observation";
/// The names of a model's classes.
const CLASSES: &str = "urn:secondlook:fhir:class";
/// The names of the methods.
const METHODS: &str = "urn:secondlook:fhir:method";
/// The names of the problems.
pub(super) const PROBLEMS: &str = "urn:secondlook:problem";
const SNOMED_CT: &str = "http://snomed.info/sct";
const UCUM: &str = "http://unitsofmeasure.org";
const ABSENT: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
const IDENTIFIER_TYPES: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";
const SECURITY: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";

fn coding(system: &'static str, code: &str, display: &str) -> Coding {
    Coding {
        system,
        code: code_text(code),
        display: Some(display.to_owned()),
    }
}

fn coded(coding: Coding) -> CodeableConcept {
    CodeableConcept {
        coding: vec![coding],
        text: None,
    }
}

fn concept(coding: Coding, text: &str) -> CodeableConcept {
    CodeableConcept {
        text: Some(text.to_owned()),
        ..coded(coding)
    }
}

/// A text without a code.
pub(super) fn words(text: &str) -> CodeableConcept {
    CodeableConcept {
        coding: Vec::new(),
        text: Some(text.to_owned()),
    }
}

/// The code of every observation.
pub(super) fn cell_class() -> CodeableConcept {
    let display = "Suggested class of one cervical cell";
    concept(coding(OURS, "cell-class", display), display)
}

/// A class by its name in the model and, if the bundle has one, its SNOMED CT concept.
pub(super) fn class(name: &str, snomed_ct: Option<&str>) -> CodeableConcept {
    let mut class = concept(coding(CLASSES, name, name), name);
    class.coding.extend(snomed_ct.map(|code| Coding {
        system: SNOMED_CT,
        code: code.to_owned(),
        display: None,
    }));
    class
}

/// A method.
pub(super) fn method(name: &str, display: &str, text: &str) -> CodeableConcept {
    concept(coding(METHODS, name, display), text)
}

/// A kind of problem by its name, such as `nucleus-outside`.
pub(super) fn problem(name: &str, title: &str) -> CodeableConcept {
    concept(coding(PROBLEMS, name, title), title)
}

/// Asserted by a machine (`AIAST`).
pub(super) fn by_a_machine() -> Coding {
    coding(SECURITY, "AIAST", "Artificial Intelligence asserted")
}

/// An observation of a laboratory.
pub(super) fn laboratory() -> CodeableConcept {
    coded(coding(CATEGORY, "laboratory", "Laboratory"))
}

/// An identifier that is an accession.
pub(super) fn accession() -> CodeableConcept {
    coded(coding(IDENTIFIER_TYPES, "ACSN", "Accession ID"))
}

/// No class is suggested; `text` says why.
pub(super) fn no_class(text: &str) -> CodeableConcept {
    concept(coding(ABSENT, "unknown", "Unknown"), text)
}

/// A component of an observation.
pub(super) fn component(code: &str, display: &str, value: ObservedValue) -> ObservationComponent {
    ObservationComponent {
        code: concept(coding(OURS, code, display), display),
        value,
    }
}

/// A number, or that it is undefined.
pub(super) fn number(value: Option<f64>, unit: UcumUnit) -> ObservedValue {
    let Some(value) = value.filter(|value| value.is_finite()) else {
        let undefined = coding(ABSENT, "not-applicable", "Not Applicable");
        return ObservedValue::Absent(concept(undefined, "undefined for this answer"));
    };
    let (unit, code) = unit.names();
    ObservedValue::Quantity(Quantity {
        value,
        unit,
        system: UCUM,
        code,
    })
}

/// Units of numbers.
#[derive(Clone, Copy)]
pub(super) enum UcumUnit {
    /// A plain number.
    One,
    /// The natural unit of information.
    Nat,
    /// The binary unit of information.
    Bit,
    /// Pixels.
    Pixel,
}

impl UcumUnit {
    /// The unit for people, and its UCUM code. UCUM has no nat, so its code is that of the number
    /// 1.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::One => ("1", "1"),
            Self::Nat => ("nat", "1"),
            Self::Bit => ("bit", "bit"),
            Self::Pixel => ("pixel", "{pixel}"),
        }
    }
}

/// A FHIR string: not blank, and without control characters except tabs and line ends. Other
/// control characters are replaced. A blank text gives `None`.
pub(super) fn string(text: &str) -> Option<String> {
    let replaced = |character: char| {
        if is_allowed(character) {
            character
        } else {
            char::REPLACEMENT_CHARACTER
        }
    };
    (!text.trim().is_empty()).then(|| text.chars().map(replaced).collect())
}

/// Whether a FHIR string may have a character.
pub(in crate::api) fn is_allowed(character: char) -> bool {
    !character.is_control() || matches!(character, '\t' | '\n' | '\r')
}

/// A FHIR code: words with one space between them.
fn code_text(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// A UUID of version 8 (RFC 9562). `copy` makes the ids of equal resources differ.
pub(super) fn uuid_of(content: &impl Serialize, copy: usize) -> String {
    let mut number = digest_of(content, copy);
    number = (number & !(0xf << 76)) | (0x8 << 76);
    number = (number & !(0x3 << 62)) | (0x2 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        number >> 96,
        (number >> 80) & 0xffff,
        (number >> 64) & 0xffff,
        (number >> 48) & 0xffff,
        number & 0xffff_ffff_ffff
    )
}

/// A UUID as an address.
pub(super) fn urn(uuid: &str) -> String {
    format!("urn:uuid:{uuid}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_characters_are_replaced() {
        assert_eq!(string("S26-1 ü"), Some("S26-1 ü".to_owned()));
        assert_eq!(string("a\u{1}b"), Some("a\u{fffd}b".to_owned()));
        assert_eq!(string(" \t"), None);
        assert_eq!(code_text(" light  dysplasia\n"), "light dysplasia");
    }

    #[test]
    fn equal_content_has_equal_uuid() {
        let id = uuid_of(&"cell", 0);
        assert_eq!(id, uuid_of(&"cell", 0));
        assert!(id != uuid_of(&"sell", 0) && id != uuid_of(&"cell", 1));
        let parts: Vec<&str> = id.split('-').collect();
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert!(parts[2].starts_with('8') && "89ab".contains(&parts[3][..1]));
    }
}
