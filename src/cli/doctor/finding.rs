//! One line of the doctor's.

use std::fmt;

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Ok,
    /// It works, but not as well or as safely as it could.
    Note,
    /// The server would not start, or fail at work.
    Problem,
}

/// What one check found, and what to do about it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct DoctorFinding {
    pub(super) check: &'static str,
    pub(super) status: Status,
    pub(super) says: String,
}

impl DoctorFinding {
    pub(super) fn ok(check: &'static str, says: impl Into<String>) -> Self {
        Self::new(check, Status::Ok, says)
    }

    pub(super) fn note(check: &'static str, says: impl Into<String>) -> Self {
        Self::new(check, Status::Note, says)
    }

    pub(super) fn problem(check: &'static str, says: impl Into<String>) -> Self {
        Self::new(check, Status::Problem, says)
    }

    fn new(check: &'static str, status: Status, says: impl Into<String>) -> Self {
        Self {
            check,
            status,
            says: says.into(),
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
