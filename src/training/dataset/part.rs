//! Where a cell belongs, as `split.csv` spells it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Where a cell belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Only ever evaluated.
    Test,
    /// One of the folds, counted from 0.
    Fold(usize),
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Test => formatter.write_str("test"),
            Self::Fold(fold) => write!(formatter, "fold_{fold}"),
        }
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "test" {
            return Ok(Self::Test);
        }
        let fold = text
            .strip_prefix("fold_")
            .and_then(|number| number.parse().ok());
        fold.map(Self::Fold)
            .ok_or_else(|| format!("`{text}` is no part: test, fold_0, fold_1, … are"))
    }
}

impl Serialize for Part {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_as_they_are_written() {
        for part in [Part::Test, Part::Fold(0), Part::Fold(12)] {
            assert_eq!(part.to_string().parse::<Part>().unwrap(), part);
        }
        assert!("fold_x".parse::<Part>().is_err());
        assert!("train".parse::<Part>().is_err());
    }
}
