//! Measurements by round, and how they are printed and written.

use comfy_table::{CellAlignment, Table, presets};
use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::statistics::median;

/// The target of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum RequiredValue {
    AtLeast(f64),
    AtMost(f64),
}

/// One figure in every round.
pub(crate) struct RoundFigure {
    /// The subject, such as `baseline, 8 clients`: a row of the table.
    pub subject: String,
    /// What was measured, with its unit: a column of the table.
    pub what: &'static str,
    asked: Option<RequiredValue>,
    pub rounds: Vec<f64>,
}

/// The figures of one part of the benchmark.
#[derive(Serialize)]
pub(crate) struct PartFigures {
    title: String,
    figures: Vec<RoundFigure>,
}

/// The figures of one subject.
pub(crate) struct SubjectFigures<'a> {
    subject: &'a str,
    figures: &'a mut Vec<RoundFigure>,
}

impl SubjectFigures<'_> {
    /// Adds a round's value.
    pub(crate) fn note(&mut self, what: &'static str, value: f64) {
        self.add(what, None, value);
    }

    /// Adds a round's value of a figure with a target.
    pub(crate) fn note_asked(&mut self, what: &'static str, asked: RequiredValue, value: f64) {
        self.add(what, Some(asked), value);
    }

    /// Adds a round's value of a figure that may have a target.
    pub(crate) fn add(&mut self, what: &'static str, asked: Option<RequiredValue>, value: f64) {
        let is_same = |of: &&mut RoundFigure| of.subject == self.subject && of.what == what;
        match self.figures.iter_mut().find(is_same) {
            Some(figure) => figure.rounds.push(value),
            None => self.figures.push(RoundFigure {
                subject: self.subject.to_owned(),
                what,
                asked,
                rounds: vec![value],
            }),
        }
    }
}

impl RequiredValue {
    fn reached_by(self, value: f64) -> bool {
        match self {
            RequiredValue::AtLeast(limit) => value >= limit,
            RequiredValue::AtMost(limit) => value <= limit,
        }
    }

    fn in_words(self) -> String {
        match self {
            RequiredValue::AtLeast(limit) => format!("≥ {limit}"),
            RequiredValue::AtMost(limit) => format!("≤ {limit}"),
        }
    }
}

impl RoundFigure {
    pub(crate) fn median(&self) -> f64 {
        median(&self.rounds)
    }

    pub(crate) fn least(&self) -> f64 {
        self.rounds.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub(crate) fn most(&self) -> f64 {
        let rounds = self.rounds.iter().copied();
        rounds.fold(f64::NEG_INFINITY, f64::max)
    }

    fn verdict(&self) -> Option<String> {
        let asked = self.asked?;
        let verdict = if asked.reached_by(self.median()) {
            "reached"
        } else {
            "MISSED"
        };
        Some(format!(
            "{} [{}, {}], {verdict} (target {}): {}: {}",
            short(self.median()),
            short(self.least()),
            short(self.most()),
            asked.in_words(),
            self.subject,
            self.what
        ))
    }
}

impl PartFigures {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            figures: Vec::new(),
        }
    }

    /// Notes a round's values of a subject.
    pub(crate) fn of<'a>(&'a mut self, subject: &'a str) -> SubjectFigures<'a> {
        let figures = &mut self.figures;
        SubjectFigures { subject, figures }
    }

    pub(crate) fn get(&self, subject: &str, what: &str) -> Option<&RoundFigure> {
        let mut figures = self.figures.iter();
        figures.find(|figure| figure.subject == subject && figure.what == what)
    }

    /// A table of medians, then every figure with a target.
    pub(crate) fn print(&self) {
        println!("\n{}\n{}", self.title, self.table());
        let verdicts = self.figures.iter().filter_map(RoundFigure::verdict);
        verdicts.for_each(|verdict| println!("{verdict}"));
    }

    /// The longer side has the rows.
    fn table(&self) -> Table {
        let subjects = distinct(self.figures.iter().map(|figure| figure.subject.as_str()));
        let whats = distinct(self.figures.iter().map(|figure| figure.what));
        let cell = |subject: &str, what: &str| {
            let figure = self.get(subject, what);
            figure.map_or_else(String::new, |figure| short(figure.median()))
        };
        if subjects.len() < whats.len() {
            return table(&whats, &subjects, |what, subject| cell(subject, what));
        }
        table(&subjects, &whats, cell)
    }
}

fn table(rows: &[&str], columns: &[&str], cell: impl Fn(&str, &str) -> String) -> Table {
    let mut table = Table::new();
    let header = std::iter::once("").chain(columns.iter().copied());
    table
        .load_preset(presets::UTF8_FULL_CONDENSED)
        .set_header(header);
    for row in rows {
        let cells = columns.iter().map(|column| cell(row, column));
        table.add_row(std::iter::once((*row).to_owned()).chain(cells));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// As written to JSON, with the values that a reader would otherwise compute.
impl Serialize for RoundFigure {
    fn serialize<Target: Serializer>(&self, target: Target) -> Result<Target::Ok, Target::Error> {
        let mut figure = target.serialize_struct("Figure", 8)?;
        figure.serialize_field("subject", &self.subject)?;
        figure.serialize_field("what", self.what)?;
        figure.serialize_field("median", &self.median())?;
        figure.serialize_field("least", &self.least())?;
        figure.serialize_field("most", &self.most())?;
        figure.serialize_field("rounds", &self.rounds)?;
        figure.serialize_field("asked", &self.asked.map(RequiredValue::in_words))?;
        let reached = self.asked.map(|asked| asked.reached_by(self.median()));
        figure.serialize_field("reached", &reached)?;
        figure.end()
    }
}

fn distinct<'text>(texts: impl Iterator<Item = &'text str>) -> Vec<&'text str> {
    let mut seen = Vec::new();
    for text in texts {
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen
}

/// Three significant digits, and no more than three decimals.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
