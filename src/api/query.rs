//! The query parameters of every request about cells.

use std::time::Instant;

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    problem::Problem,
    vocabulary::{MethodName, PriorityName},
};
use bundle::Method;
use engine::{Priority, RequestOptions};

/// The largest integer that every JSON reader keeps exactly: 2^53 − 1.
const LARGEST_SEED: u64 = (1 << 53) - 1;

/// Every parameter, and what its value has to be.
const PARAMETERS: [(&str, &str); 11] = [
    ("model", "the name of a loaded model"),
    ("method", METHODS),
    ("compare", METHODS),
    ("passes", "a whole number from 1 to 65535, such as 50"),
    (
        "seed",
        "a whole number from 0 to 9007199254740991, such as 7",
    ),
    ("policy", "the name of a policy"),
    ("confidence", "one of 0.8, 0.9, 0.95"),
    ("include", "one of samples, views, timing"),
    ("exact", "true or false"),
    ("priority", "interactive or bulk"),
    ("accession", "a text of at most 256 characters"),
];
const METHODS: &str = "one of baseline, mc_dropout, ensemble, tta";

/// Parameters that may not be empty.
const NEVER_EMPTY: [&str; 6] = [
    "method",
    "passes",
    "seed",
    "confidence",
    "exact",
    "priority",
];

/// The query of one cell. Unknown parameters are refused.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PredictionQuery {
    /// Name of the model. Default: the server's default model.
    #[param(nullable = false)]
    pub model: Option<String>,
    /// The method of the answer. Default: the first method of the model.
    #[param(nullable = false)]
    pub method: Option<MethodName>,
    /// Further methods to compare with, each named once, such as `compare=ensemble&compare=tta`.
    /// Their answers are in `comparisons`.
    #[serde(default)]
    #[param(style = Form, explode = true, required = false, value_type = BTreeSet<MethodName>)]
    pub compare: Vec<MethodName>,
    /// Number of samples, for the methods that draw them. Default: the model's own number. The
    /// promises of policies hold for the model's own number only.
    #[param(nullable = false, minimum = 1, maximum = 65535, format = Int32)]
    pub passes: Option<u32>,
    /// Seed of every random choice. Default: derived from the image's bytes, so that the same
    /// upload gets the same answer.
    #[param(nullable = false, minimum = 0, maximum = 9_007_199_254_740_991_u64, format = Int64)]
    pub seed: Option<u64>,
    /// Name of the referral policy. Default: the default policy of the method.
    #[param(nullable = false)]
    pub policy: Option<String>,
    /// Confidence of `prediction_set`. Default: 0.9.
    #[param(nullable = false)]
    pub confidence: Option<SetConfidence>,
    /// Further parts of the answer, each named once. `samples` fills `samples.values`. `views`
    /// fills `samples.views`, for one cell at a time. `timing` has no effect, because every answer
    /// has `timing_ms`.
    #[serde(default)]
    #[param(style = Form, explode = true, required = false, value_type = BTreeSet<Include>)]
    pub include: Vec<Include>,
    /// Run every augmented view, even if fewer settle the decision.
    #[serde(default)]
    #[param(required = false)]
    pub exact: bool,
    /// `interactive` requests go first. `bulk` requests wait longer: only the request's deadline
    /// limits the wait.
    #[param(nullable = false)]
    pub priority: Option<PriorityName>,
    /// Identifier of the specimen. It is copied to the answer and never logged. The multipart part
    /// and the header `X-Accession` override it. Proxies log query strings but usually not headers.
    #[param(nullable = false, max_length = 256)]
    pub accession: Option<String>,
}

/// Confidence of the prediction sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum SetConfidence {
    /// Four of five cells of each class have their class in the set.
    #[serde(rename = "0.8")]
    FourOfFive,
    /// Nine of ten cells of each class have their class in the set.
    #[default]
    #[serde(rename = "0.9")]
    NineOfTen,
    /// Nineteen of twenty cells of each class have their class in the set.
    #[serde(rename = "0.95")]
    NineteenOfTwenty,
}

impl SetConfidence {
    /// As a number.
    pub fn value(self) -> f64 {
        match self {
            Self::FourOfFive => 0.8,
            Self::NineOfTen => 0.9,
            Self::NineteenOfTwenty => 0.95,
        }
    }
}

/// A part of the answer that is left out by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Include {
    /// The class probabilities of every sample.
    Samples,
    /// A picture of every augmented view.
    Views,
    /// The durations. Every answer has them, with or without this value.
    Timing,
}

impl PredictionQuery {
    /// Reads a query string such as `method=tta&seed=7`.
    ///
    /// # Errors
    /// A [`Problem`] with status 422 that names the parameter.
    pub fn parse(query: &str) -> Result<Self, Problem> {
        // The reader treats an empty value as an absent one.
        let mut named = form_urlencoded::parse(query.as_bytes());
        let empty = named.find(|(name, value)| value.is_empty() && NEVER_EMPTY.contains(&&**name));
        if let Some((name, _)) = empty {
            let detail = format!("`{name}` is empty");
            return Err(Problem::parameter(&name, detail).hint("give it a value, or leave it out"));
        }
        let pairs = serde_html_form::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        let parsed: Self =
            serde_path_to_error::deserialize(pairs).map_err(|error| unreadable(query, &error))?;
        parsed.check()?;
        Ok(parsed)
    }

    /// The checks that the types do not make.
    fn check(&self) -> Result<(), Problem> {
        if self.seed.is_some_and(|seed| seed > LARGEST_SEED) {
            let detail = format!(
                "`seed`: expected a whole number from 0 to {LARGEST_SEED}, found a larger one"
            );
            return Err(Problem::parameter("seed", detail).hint("send a smaller number, such as 7"));
        }
        let twins = [
            ("compare", "a method", has_twins(&self.compare)),
            ("include", "a part", has_twins(&self.include)),
        ];
        match twins.into_iter().find(|(.., has_twins)| *has_twins) {
            Some((name, what, _)) => {
                let detail = format!("`{name}` names {what} twice");
                Err(Problem::parameter(name, detail).hint("name each value once"))
            }
            None => Ok(()),
        }
    }

    /// Whether a part of the answer is requested.
    pub fn includes(&self, part: Include) -> bool {
        self.include.contains(&part)
    }

    /// The same query with `priority=bulk`, unless it sets another priority.
    pub(super) fn or_bulk(mut self) -> Self {
        self.priority.get_or_insert(PriorityName::Bulk);
        self
    }

    /// The same query as the engine takes it. `deadline` is the client's own.
    pub fn into_options(self, deadline: Option<Instant>) -> RequestOptions {
        RequestOptions {
            pictures: self.includes(Include::Views),
            model: self.model,
            method: self.method.map(Method::from),
            compare: self.compare.into_iter().map(Method::from).collect(),
            passes: self.passes,
            seed: self.seed,
            policy: self.policy,
            exact: self.exact,
            priority: self.priority.map(Priority::from).unwrap_or_default(),
            deadline,
        }
    }
}

impl<State: Sync> FromRequestParts<State> for PredictionQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, Problem> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}

fn has_twins<Item: PartialEq>(items: &[Item]) -> bool {
    items
        .iter()
        .enumerate()
        .any(|(index, item)| items.iter().take(index).any(|earlier| earlier == item))
}

/// What is wrong with a query that could not be read, from the path of the error, such as
/// `compare[1]`.
fn unreadable(
    query: &str,
    error: &serde_path_to_error::Error<serde_html_form::de::Error>,
) -> Problem {
    let path = error.path().to_string();
    let (name, index) = path.split_once('[').unwrap_or((&path, "0]"));
    let index: usize = index.trim_end_matches(']').parse().unwrap_or_default();
    let pairs = form_urlencoded::parse(query.as_bytes());
    let values: Vec<_> = pairs.filter(|(given, _)| given == name).collect();
    let known = PARAMETERS.iter().find(|(known, _)| *known == name);
    let Some((_, expected)) = known else {
        let detail = format!("`{name}` is not a parameter of this route");
        return Problem::parameter(name, detail)
            .hint("/docs lists the parameters and their values");
    };
    let is_list = matches!(name, "compare" | "include");
    if values.len() > 1 && !is_list {
        let detail = format!("`{name}` is there {} times, expected once", values.len());
        return Problem::parameter(name, detail).hint(format!("send `{name}` once"));
    }
    let value = values.get(index).map_or("", |(_, value)| value);
    let detail = format!("`{name}`: expected {expected}, found `{value}`");
    let problem = Problem::parameter(name, detail);
    match is_list && value.contains(',') {
        true => problem.hint(format!(
            "repeat the parameter for each value: {name}=…&{name}=…"
        )),
        false => problem.hint("/docs lists the parameters and their values"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_parameter_is_read() {
        let query = "model=m&method=mc_dropout&compare=tta&compare=ensemble&passes=20&seed=7&policy=five&include=samples&exact=true&priority=bulk&accession=S-1%2FA";
        let query = PredictionQuery::parse(query).unwrap();
        assert_eq!(query.compare, [MethodName::Tta, MethodName::Ensemble]);
        assert!(query.includes(Include::Samples) && !query.includes(Include::Timing));
        assert_eq!(query.accession.as_deref(), Some("S-1/A"));
        let request = query.into_options(None);
        assert!(request.exact && request.priority == Priority::Bulk);
        assert_eq!((request.passes, request.seed), (Some(20), Some(7)));
        assert_eq!(request.method, Some(Method::McDropout));
    }

    #[test]
    fn impossible_parameters_are_named() {
        let cases = [
            ("method=guess", "method"),
            ("compare=tta&compare=guess", "compare"),
            ("compare=tta,ensemble", "compare"),
            ("compare=tta&compare=tta", "compare"),
            ("passes=-1", "passes"),
            ("passes=many", "passes"),
            ("seed=1&seed=2", "seed"),
            ("seed=9007199254740992", "seed"),
            ("include=everything", "include"),
            ("exact=perhaps", "exact"),
            ("priority=high", "priority"),
            ("colour=red", "colour"),
        ];
        for (query, field) in cases {
            let body = PredictionQuery::parse(query).unwrap_err().body("id");
            assert_eq!(
                (body.status, body.field.as_deref()),
                (422, Some(field)),
                "{query}: {}",
                body.detail
            );
        }
    }
}
