//! The labels of a data set: names, which are abnormal, and how they are grouped into fewer
//! classes.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::{
    TrainingError,
    error::impossible,
    workspace::{parse_toml, read_toml},
};
use bundle::{Label, abnormal_flags, high_grade_flags, is_snomed_ct};

/// One label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelEntry {
    /// The name in answers.
    pub name: String,
    /// Whether a cell of this class needs a person's attention.
    pub abnormal: bool,
    /// Whether the class counts as high grade, such as ASC-H, HSIL and SCC. A high-grade class is
    /// abnormal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_grade: Option<bool>,
    /// Severity of the class; 0 is the least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<u32>,
    /// The coarser class that it belongs to, such as `low_grade`. Needed only to group labels by
    /// grade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Other spellings in tables and folder names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// SNOMED CT code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snomed_ct: Option<String>,
    /// The source that maps the code to the class; required with a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snomed_ct_source: Option<String>,
}

/// All labels that a data set may use, in the order of the model's outputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelSet {
    /// The labels; at least two, with different names.
    pub labels: Vec<LabelEntry>,
}

/// The built-in label sets, by name.
const BUILT_IN: [(&str, &str); 3] = [
    ("bethesda", include_str!("label_sets/bethesda.toml")),
    ("herlev", include_str!("label_sets/herlev.toml")),
    ("sipakmed", include_str!("label_sets/sipakmed.toml")),
];

impl LabelSet {
    /// A built-in set (`bethesda`, `herlev`, `sipakmed`), or the set in a TOML file.
    ///
    /// # Errors
    /// If `name` is neither a built-in set nor a readable file, or the file does not describe
    /// labels.
    pub fn named(name: &str) -> Result<Self, TrainingError> {
        if let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
            let path = Path::new(name);
            return Self::checked(path, parse_toml(path, text)?);
        }
        let path = Path::new(name);
        let hint = "built-in label sets: bethesda, herlev, sipakmed";
        Self::checked(path, read_toml(path, hint)?)
    }

    /// The built-in set that knows most of these labels.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] if no set knows any of them.
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
            impossible!(
                "no built-in label set has the labels {}, …: describe them in a TOML file and name \
                 it with --labels",
                some.join(", ")
            )
        })
    }

    fn checked(path: &Path, set: Self) -> Result<Self, TrainingError> {
        set.check().map_err(TrainingError::malformed(path))?;
        Ok(set)
    }

    fn check(&self) -> Result<(), String> {
        let mut spellings = BTreeSet::new();
        for spelling in self.labels.iter().flat_map(LabelEntry::spellings) {
            if !spellings.insert(spelling.to_owned()) {
                return Err(format!(
                    "two labels are called `{spelling}`: give each its own names and aliases"
                ));
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
                    "the group `{group}` has normal and abnormal labels: divide it, since a class \
                     is either normal or abnormal"
                ));
            }
        }
        for label in &self.labels {
            if label.high_grade == Some(true) && !label.abnormal {
                return Err(format!(
                    "`{}` has high_grade = true and abnormal = false: a high-grade class is \
                     abnormal, so set abnormal = true",
                    label.name
                ));
            }
        }
        let abnormal = self.labels.iter().filter(|label| label.abnormal).count();
        if abnormal == 0 || abnormal == self.labels.len() {
            return Err("at least one normal and one abnormal label are needed".to_owned());
        }
        Ok(())
    }

    /// Position of a label, by its name or an alias.
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
            return Err(format!(
                "`{code}` is not a SNOMED CT code: its check digit is wrong"
            ));
        }
        match &self.snomed_ct_source {
            Some(_) => Ok(()),
            None => Err(format!(
                "`{}` has snomed_ct without snomed_ct_source: name the source of the code",
                self.name
            )),
        }
    }

    fn output(&self) -> Label {
        Label {
            name: self.name.clone(),
            abnormal: self.abnormal,
            high_grade: self.high_grade,
            severity: self.severity,
            snomed_ct: self.snomed_ct.clone(),
            snomed_ct_source: self.snomed_ct_source.clone(),
        }
    }
}

/// The classes that the heads predict, and the class of each label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassGrouping {
    /// The classes in the order of the outputs.
    pub outputs: Vec<Label>,
    /// The output of each label of the set.
    pub of_label: Vec<usize>,
}

impl ClassGrouping {
    /// Groups a label set into `classes`: all labels, its groups by grade, or normal and abnormal.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] for another number of classes.
    pub fn with_classes(set: &LabelSet, classes: Option<usize>) -> Result<Self, TrainingError> {
        let choices = [
            Some(Self::every_label(set)),
            Self::by_group(set),
            Self::by_attention(set),
        ];
        let mut possible = Vec::new();
        for grouping in choices.into_iter().flatten() {
            if classes.is_none_or(|wanted| wanted == grouping.outputs.len()) {
                return Ok(grouping);
            }
            possible.push(grouping.outputs.len().to_string());
        }
        Err(impossible!(
            "cannot group these labels into {} classes: choose {}",
            classes.unwrap_or_default(),
            possible.join(", ")
        ))
    }

    fn every_label(set: &LabelSet) -> Self {
        Self {
            outputs: set.labels.iter().map(LabelEntry::output).collect(),
            of_label: (0..set.labels.len()).collect(),
        }
    }

    fn by_attention(set: &LabelSet) -> Option<Self> {
        let name = |abnormal| if abnormal { "abnormal" } else { "normal" };
        Self::by(set, |label| Some(name(label.abnormal)))
    }

    /// One class per group, in the order in which groups first occur; `None` if a label has no
    /// group.
    pub fn by_group(set: &LabelSet) -> Option<Self> {
        Self::by(set, |label| label.group.as_deref())
    }

    /// One class per name, in the order in which names first occur; `None` if a label has no name.
    fn by<'a>(set: &'a LabelSet, name: impl Fn(&'a LabelEntry) -> Option<&'a str>) -> Option<Self> {
        let (mut outputs, mut of_label) = (Vec::<Label>::new(), Vec::new());
        let mut mixed = false;
        for label in &set.labels {
            let name = name(label)?;
            let known = outputs.iter().position(|output| output.name == name);
            of_label.push(known.unwrap_or(outputs.len()));
            match known.and_then(|known| outputs.get_mut(known)) {
                Some(output) => {
                    output.severity = output.severity.max(label.severity);
                    // A class that mixes high-grade and other labels has no high-grade flag, and
                    // then no class has one.
                    mixed |= (output.high_grade == Some(true)) != (label.high_grade == Some(true));
                }
                None => outputs.push(Label {
                    name: name.to_owned(),
                    abnormal: label.abnormal,
                    high_grade: label.high_grade,
                    severity: label.severity,
                    snomed_ct: None,
                    snomed_ct_source: None,
                }),
            }
        }
        if mixed {
            outputs
                .iter_mut()
                .for_each(|output| output.high_grade = None);
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

    /// Whether each output is an abnormal class.
    pub fn abnormal_flags(&self) -> Vec<bool> {
        abnormal_flags(&self.outputs)
    }

    /// Whether each output is a high-grade class.
    pub fn high_grade_flags(&self) -> Vec<bool> {
        high_grade_flags(&self.outputs)
    }

    /// The outputs of abnormal classes.
    pub fn abnormal(&self) -> Vec<usize> {
        (0..self.outputs.len())
            .filter(|output| self.outputs[*output].abnormal)
            .collect()
    }
}
