//! One finding of `secondlook doctor`.

use std::fmt;

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Ok,
    /// It works, but not as well or as safely as it could.
    Note,
    /// The server would not start, or would fail at work.
    Problem,
}

/// The result of one check, and what to do about it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct DoctorFinding {
    pub(super) check: &'static str,
    pub(super) status: Status,
    pub(super) says: String,
}

/// The status of a check and its sentence.
pub(super) type Verdict = (Status, String);

pub(super) fn ok(says: impl Into<String>) -> Verdict {
    (Status::Ok, says.into())
}

pub(super) fn note(says: impl Into<String>) -> Verdict {
    (Status::Note, says.into())
}

pub(super) fn problem(says: impl ToString) -> Verdict {
    (Status::Problem, says.to_string())
}

impl DoctorFinding {
    pub(super) fn new(check: &'static str, (status, says): Verdict) -> Self {
        Self {
            check,
            status,
            says,
        }
    }
}

impl fmt::Display for DoctorFinding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = match self.status {
            Status::Ok => "ok",
            Status::Note => "note",
            Status::Problem => "problem",
        };
        write!(formatter, "{status:<8} {:<14} {}", self.check, self.says)
    }
}
