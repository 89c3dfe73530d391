//! What is asked of a cell, in whatever resource.

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

/// Parameters whose empty value means nothing.
const NEVER_EMPTY: [&str; 6] = [
    "method",
    "passes",
    "seed",
    "confidence",
    "exact",
    "priority",
];

/// What is wanted of one image. Unknown parameters are refused.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PredictionQuery {
    /// Name of the model; the server's default when absent.
    #[param(nullable = false)]
    pub model: Option<String>,
    /// The method that makes the answer; the model's first when absent.
    #[param(nullable = false)]
    pub method: Option<MethodName>,
    /// Further methods, each named once (`compare=ensemble&compare=tta`), answered under `comparisons`.
    #[serde(default)]
    #[param(style = Form, explode = true, required = false, value_type = BTreeSet<MethodName>)]
    pub compare: Vec<MethodName>,
    /// T, the number of samples, for the methods that draw them; the model's own when absent. Policies promise something of
    /// the model's own number only.
    #[param(nullable = false, minimum = 1, maximum = 65535, format = Int32)]
    pub passes: Option<u32>,
    /// Seed of every random choice; derived from the image's bytes when absent, so that the same upload gets the same answer.
    #[param(nullable = false, minimum = 0, maximum = 9_007_199_254_740_991_u64, format = Int64)]
    pub seed: Option<u64>,
    /// Name of the referral policy; the method's default when absent.
    #[param(nullable = false)]
    pub policy: Option<String>,
    /// The confidence of `prediction_set`; 0.9 when absent.
    #[param(nullable = false)]
    pub confidence: Option<SetConfidence>,
    /// Further parts of the answer, each named once: `samples` fills `samples.values`; `views`, for one cell at a time, fills
    /// `samples.views`; `timing` asks for `timing_ms`, which every answer holds anyway.
    #[serde(default)]
    #[param(style = Form, explode = true, required = false, value_type = BTreeSet<Include>)]
    pub include: Vec<Include>,
    /// Take every augmented view, even when fewer settle the decision.
    #[serde(default)]
    #[param(required = false)]
    pub exact: bool,
    /// `bulk` lets uploads that somebody waits for go first, and has no limit on the wait but the request's deadline.
    #[param(nullable = false)]
    pub priority: Option<PriorityName>,
    /// An identifier of the specimen, passed through to the answer and never logged. The multipart part and the
    /// `X-Accession` header, which proxies do not log, win over it.
    #[param(nullable = false, max_length = 256)]
    pub accession: Option<String>,
}

/// The confidence of prediction sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum SetConfidence {
    /// Four of five cells of each class have their class in the set.
    #[serde(rename = "0.8")]
    FourOfFive,
    /// Nine of ten.
    #[default]
    #[serde(rename = "0.9")]
    NineOfTen,
    /// Nineteen of twenty.
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

/// A part of the answer that is left out unless asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Include {
    /// The class probabilities of every sample.
    Samples,
    /// A picture of every augmented view.
    Views,
    /// How long the parts took; always there, and accepted so that asking for it is no mistake.
    Timing,
}

impl PredictionQuery {
    /// Reads a query string such as `method=tta&seed=7`.
    ///
    /// # Errors
    /// A [`Problem`] with status 422 that names the parameter.
    pub fn parse(query: &str) -> Result<Self, Problem> {
        // The reader takes an empty value for an absent one.
        let mut named = form_urlencoded::parse(query.as_bytes());
        let empty = named.find(|(name, value)| value.is_empty() && NEVER_EMPTY.contains(&&**name));
        if let Some((name, _)) = empty {
            let detail = format!("`{name}` is empty: give it a value, or leave it out");
            return Err(Problem::parameter(&name, detail));
        }
        let pairs = serde_html_form::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        let parsed: Self =
            serde_path_to_error::deserialize(pairs).map_err(|error| unreadable(&error))?;
        parsed.check()?;
        Ok(parsed)
    }

    /// What the types cannot say.
    fn check(&self) -> Result<(), Problem> {
        if self.seed.is_some_and(|seed| seed > LARGEST_SEED) {
            let detail = format!(
                "`seed` is larger than {LARGEST_SEED}, which not every JSON reader keeps exactly"
            );
            return Err(Problem::parameter("seed", detail));
        }
        let twins = [
            ("compare", "a method", has_twins(&self.compare)),
            ("include", "a part", has_twins(&self.include)),
        ];
        match twins.into_iter().find(|(.., has_twins)| *has_twins) {
            Some((name, what, _)) => {
                let detail = format!("`{name}` names {what} twice");
                Err(Problem::parameter(name, detail))
            }
            None => Ok(()),
        }
    }

    /// Whether a part of the answer is wanted.
    pub fn includes(&self, part: Include) -> bool {
        self.include.contains(&part)
    }

    /// The same wish with `priority=bulk`, unless it says another.
    pub(super) fn or_bulk(mut self) -> Self {
        self.priority.get_or_insert(PriorityName::Bulk);
        self
    }

    /// The same wish in the engine's words. `deadline` is the client's own.
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

/// serde names the parameter by its path, such as `compare[1]`.
fn unreadable(error: &serde_path_to_error::Error<serde_html_form::de::Error>) -> Problem {
    let path = error.path().to_string();
    let name = path.split('[').next().unwrap_or_default();
    let detail = format!("the query cannot be read: {}", error.inner());
    let problem = Problem::parameter(name, detail);
    match name {
        "compare" | "include" => problem.hint(format!(
            "repeat the parameter for each value: {name}=…&{name}=…"
        )),
        "passes" | "seed" => problem.hint("write a whole number"),
        _ => problem.hint("/docs lists the parameters and their values"),
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
    fn what_is_impossible_names_its_parameter() {
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
