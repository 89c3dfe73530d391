//! The Bethesda classes, and how they are grouped for 2 and 3 classes.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::bundle::Label;
use crate::training::TrainingError;

/// A class of the Bethesda system, as the CRIC collection uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Bethesda {
    /// Negative for intraepithelial lesion or malignancy.
    #[serde(rename = "NILM")]
    Nilm,
    /// Atypical squamous cells of undetermined significance.
    #[serde(rename = "ASC-US")]
    AscUs,
    /// Low-grade squamous intraepithelial lesion.
    #[serde(rename = "LSIL")]
    Lsil,
    /// Atypical squamous cells, a high-grade lesion not excluded.
    #[serde(rename = "ASC-H")]
    AscH,
    /// High-grade squamous intraepithelial lesion.
    #[serde(rename = "HSIL")]
    Hsil,
    /// Squamous-cell carcinoma.
    #[serde(rename = "SCC")]
    Scc,
}

impl Bethesda {
    /// Every class, in the order of the default bundle's outputs.
    pub const ALL: [Self; 6] = [
        Self::Nilm,
        Self::AscUs,
        Self::Lsil,
        Self::AscH,
        Self::Hsil,
        Self::Scc,
    ];

    /// The usual abbreviation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nilm => "NILM",
            Self::AscUs => "ASC-US",
            Self::Lsil => "LSIL",
            Self::AscH => "ASC-H",
            Self::Hsil => "HSIL",
            Self::Scc => "SCC",
        }
    }
}

impl fmt::Display for Bethesda {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A label that is no Bethesda class.
#[derive(Debug, thiserror::Error)]
#[error("unknown label `{0}`")]
pub struct UnknownLabel(pub String);

impl FromStr for Bethesda {
    type Err = UnknownLabel;

    /// Reads the abbreviation, or CRIC's long name of the normal class.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text == "Negative for intraepithelial lesion" {
            return Ok(Self::Nilm);
        }
        let known = Self::ALL.into_iter().find(|class| class.name() == text);
        known.ok_or_else(|| UnknownLabel(text.to_owned()))
    }
}

/// How many classes the heads tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grouping {
    /// Normal or abnormal.
    Two,
    /// Normal, low grade (ASC-US, LSIL) or high grade (ASC-H, HSIL, SCC).
    Three,
    /// The six Bethesda classes.
    Six,
}

impl Grouping {
    /// The grouping with this many classes.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] for anything but 2, 3 and 6.
    pub fn with_classes(classes: usize) -> Result<Self, TrainingError> {
        match classes {
            2 => Ok(Self::Two),
            3 => Ok(Self::Three),
            6 => Ok(Self::Six),
            other => Err(TrainingError::Impossible(format!(
                "there is no grouping into {other} classes: choose 2, 3 or 6"
            ))),
        }
    }

    /// Names of the classes in the order of the outputs.
    pub fn names(self) -> Vec<&'static str> {
        match self {
            Self::Two => vec!["normal", "abnormal"],
            Self::Three => vec!["normal", "low_grade", "high_grade"],
            Self::Six => Bethesda::ALL.into_iter().map(Bethesda::name).collect(),
        }
    }

    /// The number of classes.
    pub fn classes(self) -> usize {
        self.names().len()
    }

    /// The output that stands for a Bethesda class. Output 0 is the normal one in every grouping.
    pub fn class_of(self, class: Bethesda) -> usize {
        match (self, class) {
            (_, Bethesda::Nilm) => 0,
            (Self::Two, _) | (Self::Three, Bethesda::AscUs | Bethesda::Lsil) => 1,
            (Self::Three, _) => 2,
            (Self::Six, Bethesda::AscUs) => 1,
            (Self::Six, Bethesda::Lsil) => 2,
            (Self::Six, Bethesda::AscH) => 3,
            (Self::Six, Bethesda::Hsil) => 4,
            (Self::Six, Bethesda::Scc) => 5,
        }
    }

    /// The labels for a bundle's manifest.
    pub fn labels(self) -> Vec<Label> {
        let label = |(index, name): (usize, &str)| Label {
            name: name.to_owned(),
            abnormal: index != 0,
            snomed_ct: None,
        };
        self.names().into_iter().enumerate().map(label).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_its_own_output_among_six() {
        let outputs: Vec<usize> = Bethesda::ALL
            .into_iter()
            .map(|class| Grouping::Six.class_of(class))
            .collect();
        assert_eq!(outputs, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn three_classes_are_normal_low_and_high_grade() {
        let outputs: Vec<usize> = Bethesda::ALL
            .into_iter()
            .map(|class| Grouping::Three.class_of(class))
            .collect();
        assert_eq!(outputs, [0, 1, 1, 2, 2, 2]);
    }

    #[test]
    fn names_are_read_back_and_others_refused() {
        for class in Bethesda::ALL {
            assert_eq!(class.name().parse::<Bethesda>().unwrap(), class);
        }
        assert_eq!(
            "Negative for intraepithelial lesion"
                .parse::<Bethesda>()
                .unwrap(),
            Bethesda::Nilm
        );
        assert_eq!(
            "benign".parse::<Bethesda>().unwrap_err().to_string(),
            "unknown label `benign`"
        );
    }
}
