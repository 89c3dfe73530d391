//! The part of a cell, as `split.csv` spells it, and the folds that a model was trained without.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The part of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CellPart {
    /// Used for evaluation only.
    Test,
    /// One of the folds, counted from 0.
    Fold(usize),
}

impl fmt::Display for CellPart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Test => formatter.write_str("test"),
            Self::Fold(fold) => write!(formatter, "fold_{fold}"),
        }
    }
}

impl FromStr for CellPart {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "test" {
            return Ok(Self::Test);
        }
        let fold = text
            .strip_prefix("fold_")
            .and_then(|number| number.parse().ok());
        fold.map(Self::Fold)
            .ok_or_else(|| format!("`{text}` is not a part: expected test, fold_0, fold_1, …"))
    }
}

impl Serialize for CellPart {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CellPart {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Folds that a model was trained without, ascending. As text: "no fold", "fold 0", "folds 0, 1".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeldOutFolds(Vec<usize>);

impl HeldOutFolds {
    /// These folds; none for the model of a bundle, which is trained on every fold.
    pub(crate) fn of(folds: impl IntoIterator<Item = usize>) -> Self {
        let mut folds: Vec<usize> = folds.into_iter().collect();
        folds.sort_unstable();
        Self(folds)
    }

    /// These folds and one more.
    pub(crate) fn and(&self, fold: usize) -> Self {
        Self::of(self.0.iter().copied().chain([fold]))
    }

    /// Whether the cells of a part are held out.
    pub(crate) fn hold(&self, part: CellPart) -> bool {
        matches!(part, CellPart::Fold(fold) if self.0.contains(&fold))
    }

    /// The name of the model in files: `all_folds`, `without_fold_0`, `without_folds_0_1`.
    pub(crate) fn file_name(&self) -> String {
        if self.0.is_empty() {
            return "all_folds".to_owned();
        }
        let folds = self.to_string().replace(", ", "_").replace(' ', "_");
        format!("without_{folds}")
    }
}

impl fmt::Display for HeldOutFolds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(usize::to_string).collect();
        match numbers.as_slice() {
            [] => formatter.write_str("no fold"),
            [fold] => write!(formatter, "fold {fold}"),
            folds => write!(formatter, "folds {}", folds.join(", ")),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn held_out_folds_have_text_and_file_name() {
        for (folds, text, name) in [
            (HeldOutFolds::of([]), "no fold", "all_folds"),
            (HeldOutFolds::of([3]), "fold 3", "without_fold_3"),
            (HeldOutFolds::of([1, 0]), "folds 0, 1", "without_folds_0_1"),
        ] {
            assert_eq!(
                (folds.to_string(), folds.file_name()),
                (text.into(), name.into())
            );
        }
    }

    #[test]
    fn test_part_is_never_held_out() {
        let one = HeldOutFolds::of([3]);
        assert!(one.hold(CellPart::Fold(3)) && !one.hold(CellPart::Fold(2)));
        assert!(!one.hold(CellPart::Test) && !HeldOutFolds::of([]).hold(CellPart::Fold(3)));
    }

    #[test]
    fn parts_survive_writing_and_reading() {
        for part in [CellPart::Test, CellPart::Fold(0), CellPart::Fold(12)] {
            assert_eq!(part.to_string().parse::<CellPart>().unwrap(), part);
        }
        assert!("fold_x".parse::<CellPart>().is_err());
        assert!("train".parse::<CellPart>().is_err());
    }
}
