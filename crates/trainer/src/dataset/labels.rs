//! The labels of a data set: their names, which of them are abnormal, and how they are grouped into fewer classes.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::{TrainingError, workspace::read_bytes};
use bundle::{Label, is_snomed_ct};

/// One label and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelEntry {
    /// The name in answers.
    pub name: String,
    /// Whether a cell of this class needs a person's attention.
    pub abnormal: bool,
    /// The coarser class that it belongs to, such as `low_grade`; needed for a grouping by grade only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Other spellings in tables and folder names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// SNOMED CT code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snomed_ct: Option<String>,
    /// Where that code is said to stand for the class; needed with a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snomed_ct_source: Option<String>,
}

/// Every label that a data set may use, in the order of the model's outputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelSet {
    /// The labels; at least two, with different names.
    pub labels: Vec<LabelEntry>,
}

/// The label sets that come with the program, by name.
const BUILT_IN: [(&str, &str); 3] = [
    ("bethesda", include_str!("label_sets/bethesda.toml")),
    ("herlev", include_str!("label_sets/herlev.toml")),
    ("sipakmed", include_str!("label_sets/sipakmed.toml")),
];

impl LabelSet {
    /// A set that comes with the program (`bethesda`, `herlev`, `sipakmed`), or one described in a TOML file.
    ///
    /// # Errors
    /// When there is neither such a set nor such a file, or the file does not describe labels.
    pub fn named(name: &str) -> Result<Self, TrainingError> {
        if let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
            return Self::parse(Path::new(name), text);
        }
        let path = Path::new(name);
        let bytes = read_bytes(path).map_err(|error| {
            TrainingError::Impossible(format!(
                "{error}; label sets that need no file: bethesda, herlev, sipakmed"
            ))
        })?;
        Self::parse(path, &String::from_utf8_lossy(&bytes))
    }

    /// The built-in set that knows most of these labels.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] when no set knows any of them.
    pub fn guess(found: &BTreeSet<&str>) -> Result<Self, TrainingError> {
        let mut best = (0, None);
        for (name, _) in BUILT_IN {
            let set = Self::named(name)?;
            let known = found
                .iter()
                .filter(|label| set.index_of(label).is_some())
                .count();
            if known > best.0 {
                best = (known, Some(set));
            }
        }
        let some: Vec<&str> = found.iter().take(3).copied().collect();
        best.1.ok_or_else(|| {
            TrainingError::Impossible(format!(
                "the labels ({}, …) belong to no known set: describe them in a file and name it with --labels",
                some.join(", ")
            ))
        })
    }

    fn parse(path: &Path, text: &str) -> Result<Self, TrainingError> {
        let set: Self = toml::from_str(text).map_err(|error| {
            TrainingError::malformed(path)(error.to_string().trim_end().replace('\n', " "))
        })?;
        set.check().map_err(TrainingError::malformed(path))?;
        Ok(set)
    }

    fn check(&self) -> Result<(), String> {
        let mut spellings = BTreeSet::new();
        for spelling in self.labels.iter().flat_map(LabelEntry::spellings) {
            if !spellings.insert(spelling.to_owned()) {
                return Err(format!("`{spelling}` names two labels"));
            }
        }
        for label in &self.labels {
            label.check_code()?;
        }
        let mut groups = BTreeMap::new();
        for label in &self.labels {
            let Some(group) = &label.group else {
                continue;
            };
            if *groups.entry(group).or_insert(label.abnormal) != label.abnormal {
                return Err(format!(
                    "the group `{group}` holds normal and abnormal labels: a class is one or the other, so divide the group"
                ));
            }
        }
        let abnormal = self.labels.iter().filter(|label| label.abnormal).count();
        if abnormal == 0 || abnormal == self.labels.len() {
            return Err("it needs at least one normal and one abnormal label".to_owned());
        }
        Ok(())
    }

    /// Position of a label by its name or another spelling.
    pub fn index_of(&self, text: &str) -> Option<usize> {
        let text = text.trim();
        let spelled = |label: &LabelEntry| label.spellings().any(|spelling| spelling == text);
        self.labels.iter().position(spelled)
    }
}

impl LabelEntry {
    fn spellings(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name)
            .chain(&self.aliases)
            .map(String::as_str)
    }

    fn check_code(&self) -> Result<(), String> {
        let Some(code) = &self.snomed_ct else {
            return Ok(());
        };
        if !is_snomed_ct(code) {
            return Err(format!("`{code}` is no SNOMED CT code: a digit is wrong"));
        }
        match &self.snomed_ct_source {
            Some(_) => Ok(()),
            None => Err(format!(
                "`{}` has a SNOMED CT code without its source",
                self.name
            )),
        }
    }

    fn output(&self) -> Label {
        Label {
            name: self.name.clone(),
            abnormal: self.abnormal,
            snomed_ct: self.snomed_ct.clone(),
            snomed_ct_source: self.snomed_ct_source.clone(),
        }
    }
}

/// Which classes the heads tell apart, and which label belongs to which of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// The classes in the order of the outputs.
    pub outputs: Vec<Label>,
    /// The output that stands for each label of the set.
    pub of_label: Vec<usize>,
}

impl Grouping {
    /// Groups a label set into `classes`: all its labels, its groups by grade, or normal against abnormal.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] for another number of classes.
    pub fn with_classes(set: &LabelSet, classes: Option<usize>) -> Result<Self, TrainingError> {
        let choices = [
            Some(Self::every_label(set)),
            Self::by_group(set),
            Some(Self::by_attention(set)),
        ];
        let mut possible = Vec::new();
        for grouping in choices.into_iter().flatten() {
            if classes.is_none_or(|wanted| wanted == grouping.outputs.len()) {
                return Ok(grouping);
            }
            possible.push(grouping.outputs.len().to_string());
        }
        Err(TrainingError::Impossible(format!(
            "these labels cannot be grouped into {} classes: choose {}",
            classes.unwrap_or_default(),
            possible.join(", ")
        )))
    }

    fn every_label(set: &LabelSet) -> Self {
        Self {
            outputs: set.labels.iter().map(LabelEntry::output).collect(),
            of_label: (0..set.labels.len()).collect(),
        }
    }

    fn by_attention(set: &LabelSet) -> Self {
        Self::by(set, |label| {
            Some(if label.abnormal { "abnormal" } else { "normal" })
        })
        .unwrap_or_else(|| Self::every_label(set))
    }

    /// One class per group, in the order in which groups first occur; none when a label has no group.
    pub fn by_group(set: &LabelSet) -> Option<Self> {
        Self::by(set, |label| label.group.as_deref())
    }

    /// One class per name, in the order in which names first occur; none when a label has no name.
    fn by<'a>(set: &'a LabelSet, name: impl Fn(&'a LabelEntry) -> Option<&'a str>) -> Option<Self> {
        let (mut outputs, mut of_label) = (Vec::<Label>::new(), Vec::new());
        for label in &set.labels {
            let name = name(label)?;
            let known = outputs.iter().position(|output| output.name == name);
            of_label.push(known.unwrap_or(outputs.len()));
            if known.is_none() {
                outputs.push(Label {
                    name: name.to_owned(),
                    abnormal: label.abnormal,
                    snomed_ct: None,
                    snomed_ct_source: None,
                });
            }
        }
        Some(Self { outputs, of_label })
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.outputs.len()
    }

    /// Names of the classes in the order of the outputs.
    pub fn names(&self) -> Vec<&str> {
        self.outputs
            .iter()
            .map(|label| label.name.as_str())
            .collect()
    }

    /// Whether each output stands for an abnormal class.
    pub fn abnormal_flags(&self) -> Vec<bool> {
        self.outputs.iter().map(|label| label.abnormal).collect()
    }

    /// The outputs that stand for abnormal classes.
    pub fn abnormal(&self) -> Vec<usize> {
        (0..self.outputs.len())
            .filter(|output| self.outputs[*output].abnormal)
            .collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn bethesda(classes: usize) -> Grouping {
        Grouping::with_classes(&LabelSet::named("bethesda").unwrap(), Some(classes)).unwrap()
    }

    #[test]
    fn the_bethesda_classes_are_grouped_as_in_the_paper() {
        assert_eq!(bethesda(6).of_label, [0, 1, 2, 3, 4, 5]);
        assert_eq!(
            bethesda(6).names(),
            ["NILM", "ASC-US", "LSIL", "ASC-H", "HSIL", "SCC"]
        );
        assert_eq!(bethesda(3).of_label, [0, 1, 1, 2, 2, 2]);
        assert_eq!(bethesda(2).of_label, [0, 1, 1, 1, 1, 1]);
        assert_eq!(bethesda(2).abnormal(), [1]);
    }

    #[test]
    fn another_number_of_classes_is_refused_with_those_that_exist() {
        let set = LabelSet::named("bethesda").unwrap();
        let refusal = Grouping::with_classes(&set, Some(5))
            .unwrap_err()
            .to_string();
        assert!(refusal.contains("5 classes: choose 6, 3, 2"), "{refusal}");
    }

    #[test]
    fn every_spelling_finds_its_label_and_others_none() {
        let set = LabelSet::named("bethesda").unwrap();
        assert_eq!(set.index_of("Negative for intraepithelial lesion"), Some(0));
        assert_eq!(set.index_of(" HSIL "), Some(4));
        assert_eq!(set.index_of("benign"), None);
    }

    #[test]
    fn every_bethesda_class_has_its_snomed_ct_code_and_the_code_its_source() {
        for label in bethesda(6).outputs {
            assert!(
                label.snomed_ct.is_some() && label.snomed_ct_source.is_some(),
                "{label:?}"
            );
        }
        assert!(
            bethesda(2)
                .outputs
                .iter()
                .all(|label| label.snomed_ct.is_none())
        );
    }

    #[test]
    fn the_set_is_guessed_from_the_labels() {
        let found = BTreeSet::from(["im_Koilocytotic", "im_Metaplastic"]);
        let set = LabelSet::guess(&found).unwrap();
        assert!(set.index_of("koilocytotic").is_some());
        assert!(LabelSet::guess(&BTreeSet::from(["cat", "dog"])).is_err());
    }

    #[test]
    fn a_file_of_labels_is_checked() {
        let refusal = |text: &str| {
            LabelSet::parse(Path::new("labels.toml"), text)
                .unwrap_err()
                .to_string()
        };
        let mixed = "[[labels]]\nname = \"a\"\nabnormal = false\ngroup = \"g\"\n[[labels]]\nname = \"b\"\nabnormal = true\ngroup = \"g\"\n";
        assert!(refusal(mixed).contains("the group `g` holds normal and abnormal labels"));
        let twice = "[[labels]]\nname = \"a\"\nabnormal = false\n[[labels]]\nname = \"a\"\nabnormal = true\n";
        assert!(refusal(twice).contains("`a` names two labels"));
        let code = "[[labels]]\nname = \"a\"\nabnormal = false\nsnomed_ct = ";
        assert!(refusal(&format!("{code}\"373887005\"")).contains("without its source"));
        assert!(refusal(&format!("{code}\"373887006\"")).contains("no SNOMED CT code"));
        assert!(refusal("[[labels]]\nname = \"a\"\nabnormal = false\n").contains("one abnormal"));
        assert!(refusal("[[labels]]\nname = \"a\"\ncolour = 1\n").contains("colour"));
    }
}
