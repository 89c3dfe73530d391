//! Overview of many cells: counts, the most severe classes, and the worklist. It contains no
//! averages over cells, because a single abnormal cell matters.

use super::Prediction;
use bundle::{Label, severity};
use uncertainty::{Action, Triage};

/// The part of an answer that the overview uses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellFinding {
    /// Index of the cell in the request.
    pub index: usize,
    /// The most probable class.
    pub class: usize,
    /// The decision.
    pub action: Action,
    /// Whether the cell is called abnormal.
    pub called_abnormal: bool,
    /// How soon a person should look.
    pub triage: Triage,
    /// Summed mean probability of the high-grade classes; 0 if the model does not say which these
    /// are.
    pub high_grade_probability: f64,
    /// Summed mean probability of the abnormal classes.
    pub abnormal_probability: f64,
    /// Entropy of the mean probabilities, in nats.
    pub entropy: f64,
}

/// Numbers of accepted and referred cells of a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassCount {
    /// Accepted cells.
    pub accepted: usize,
    /// Referred cells.
    pub referred: usize,
}

/// An overview of many cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Overview {
    /// For each class of the bundle, in its order.
    pub by_class: Vec<ClassCount>,
    /// The most severe class among the accepted cells.
    pub most_severe_accepted: Option<usize>,
    /// The most severe class among the referred cells.
    pub most_severe_referred: Option<usize>,
    /// The cells that a person has to look at, ordered by [`Triage`]: all referred cells, and all
    /// cells called abnormal, accepted or not.
    pub worklist: Vec<CellFinding>,
}

impl CellFinding {
    /// The finding from the answer by the requested method.
    pub fn of(index: usize, prediction: &Prediction) -> Self {
        let answer = &prediction.answer;
        Self {
            index,
            class: answer.summary.predicted,
            action: answer.decision.action,
            // Without abnormal classes, no cell is called abnormal.
            called_abnormal: answer.summary.called_abnormal.unwrap_or(false),
            triage: answer.triage,
            high_grade_probability: answer.summary.high_grade_probability.unwrap_or_default(),
            abnormal_probability: answer.abnormal_probability(),
            entropy: answer.summary.predictive_entropy,
        }
    }
}

/// Makes the overview. The severity of a class is that of its label, or else the order of the
/// labels, with abnormal classes after normal ones. The worklist is ordered by [`Triage`]; then by
/// high-grade probability, abnormal probability and entropy, each descending; then by index.
pub fn overview(labels: &[Label], findings: &[CellFinding]) -> Overview {
    let mut by_class = vec![ClassCount::default(); labels.len()];
    for finding in findings {
        if let Some(count) = by_class.get_mut(finding.class) {
            match finding.action {
                Action::Accept => count.accepted += 1,
                Action::Refer => count.referred += 1,
            }
        }
    }
    let most_severe = |action: Action| {
        let classes = findings
            .iter()
            .filter(|finding| finding.action == action)
            .map(|finding| finding.class);
        classes.max_by_key(|class| severity(labels, *class))
    };
    let to_look_at = findings
        .iter()
        .filter(|finding| finding.action == Action::Refer || finding.called_abnormal);
    let mut worklist: Vec<CellFinding> = to_look_at.copied().collect();
    worklist.sort_by(|left, right| {
        let (high, abnormal) = (right.high_grade_probability, right.abnormal_probability);
        let by_triage = left.triage.cmp(&right.triage);
        by_triage
            .then(high.total_cmp(&left.high_grade_probability))
            .then(abnormal.total_cmp(&left.abnormal_probability))
            .then(right.entropy.total_cmp(&left.entropy))
            .then(left.index.cmp(&right.index))
    });
    Overview {
        by_class,
        most_severe_accepted: most_severe(Action::Accept),
        most_severe_referred: most_severe(Action::Refer),
        worklist,
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
            snomed_ct: None,
            snomed_ct_source: None,
        }
    }

    fn finding(index: usize, class: usize, action: Action, abnormal: f64) -> CellFinding {
        CellFinding {
            index,
            class,
            action,
            called_abnormal: abnormal >= 0.5,
            triage: match (abnormal >= 0.5, action) {
                (true, _) => Triage::Abnormal,
                (false, Action::Refer) => Triage::Unsure,
                (false, Action::Accept) => Triage::Accepted,
            },
            high_grade_probability: 0.0,
            abnormal_probability: abnormal,
            entropy: 0.5,
        }
    }

    #[test]
    fn severity_follows_label_order_abnormal_last() {
        let labels = [
            label("low", true),
            label("high", true),
            label("normal", false),
        ];
        let findings = [
            finding(0, 2, Action::Accept, 0.1),
            finding(1, 0, Action::Accept, 0.9),
            finding(2, 2, Action::Refer, 0.4),
            finding(3, 1, Action::Refer, 0.8),
            finding(4, 0, Action::Refer, 0.99),
            finding(5, 1, Action::Refer, 0.9),
            finding(6, 1, Action::Refer, 0.9),
        ];
        let overview = overview(&labels, &findings);
        assert_eq!(overview.most_severe_accepted, Some(0));
        assert_eq!(overview.most_severe_referred, Some(1));
        let order: Vec<_> = overview.worklist.iter().map(|cell| cell.index).collect();
        assert_eq!(
            order,
            [4, 1, 5, 6, 3, 2],
            "cell 1 is accepted and called abnormal"
        );
        let counts: Vec<_> = overview
            .by_class
            .iter()
            .map(|count| (count.accepted, count.referred))
            .collect();
        assert_eq!(counts, [(1, 1), (0, 3), (1, 1)]);
    }

    #[test]
    fn worklist_starts_with_high_grade_cells() {
        let labels = [
            label("NILM", false),
            label("LSIL", true),
            label("HSIL", true),
        ];
        let of = |index, class, triage, high_grade_probability| CellFinding {
            triage,
            high_grade_probability,
            ..finding(index, class, Action::Refer, 0.9)
        };
        let findings = [
            of(0, 0, Triage::Unlike, 0.9),
            of(1, 1, Triage::Abnormal, 0.2),
            of(2, 1, Triage::Abnormal, 0.4),
            of(3, 2, Triage::HighGrade, 0.6),
            of(4, 0, Triage::Unsure, 0.0),
        ];
        let worklist = overview(&labels, &findings).worklist;
        let order: Vec<_> = worklist.iter().map(|cell| cell.index).collect();
        assert_eq!(order, [3, 2, 1, 0, 4]);
    }

    #[test]
    fn called_abnormal_precedes_normal_cells() {
        let labels = [label("NILM", false), label("LSIL", true)];
        let findings = [
            finding(0, 0, Action::Refer, 0.3),
            finding(1, 0, Action::Accept, 0.55),
            finding(2, 0, Action::Accept, 0.1),
        ];
        let worklist = overview(&labels, &findings).worklist;
        let order: Vec<_> = worklist.iter().map(|cell| cell.index).collect();
        assert_eq!(order, [1, 0]);
    }

    #[test]
    fn no_cells_give_an_empty_overview() {
        let overview = overview(&[label("normal", false)], &[]);
        assert!(overview.worklist.is_empty() && overview.most_severe_referred.is_none());
        assert_eq!(overview.most_severe_accepted, None);
    }
}
