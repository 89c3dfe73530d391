//! What the head of a request about cells says: the same for a crop, a batch and a field.

use axum::http::HeaderMap;
use utoipa::IntoParams;

use super::{
    accept::AnswerForm,
    answer::{AnswerOptions, bytes_of_cells},
    fhir,
    middleware::{Deadline, RequestId},
    predictions::{Include, PredictionQuery},
    problem::Problem,
    service::Service,
    upload::checked_accession,
};
use engine::RequestPlan;

/// The headers that every request about cells may have.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(
    dead_code,
    reason = "only its description is used: middleware and upload read the headers"
)]
pub(super) struct RequestHeaders {
    /// An id of your own, 1 to 128 visible ASCII characters, echoed in the answer and the log; any other is replaced
    #[param(rename = "X-Request-Id", nullable = false)]
    request_id: Option<String>,
    /// Seconds after which nobody waits for the answer any more; `Request-Timeout` is understood too
    #[param(rename = "X-Request-Timeout", exclusive_minimum = 0, nullable = false)]
    timeout: Option<f64>,
    /// An identifier of the specimen, passed through to the answer and never logged
    #[param(
        rename = "X-Accession",
        max_length = 256,
        pattern = "^[ -~]*$",
        nullable = false
    )]
    accession: Option<String>,
}

/// What is wanted, before the upload is read.
pub(super) struct RequestHead {
    pub(super) form: AnswerForm,
    /// What has to be run for each cell.
    pub(super) plan: RequestPlan,
    request_id: RequestId,
    accession: Option<String>,
    with_samples: bool,
}

impl RequestHead {
    /// `offered` are the forms that the route can answer in. A server that is too busy says so before it reads the upload.
    ///
    /// # Errors
    /// 406 when the client takes none of them, 422 when the form has no place for what is asked or the model does not offer it, 503
    /// when too much is waiting.
    pub(super) fn new(
        service: &Service,
        headers: &HeaderMap,
        offered: &[AnswerForm],
        query: PredictionQuery,
        (request_id, deadline): (RequestId, Deadline),
    ) -> Result<Self, Problem> {
        let form = AnswerForm::wanted(headers, offered)?;
        check_form(form, &query)?;
        let accession = query.accession.clone();
        let with_samples = query.includes(Include::Samples);
        let engine = service.engine();
        let plan = engine.plan(query.into_options(deadline.asked))?;
        engine.check(&plan)?;
        Ok(Self {
            form,
            plan,
            request_id,
            accession,
            with_samples,
        })
    }

    /// Refuses what would make the answer for so many cells too large to be held in memory; else says how many bytes it has
    /// at most.
    ///
    /// # Errors
    /// 422, when there are several cells and pictures are asked for, or when the answer could be larger than
    /// `limits.max_answer_bytes`.
    pub(super) fn check_answer(&self, service: &Service, cells: usize) -> Result<usize, Problem> {
        if cells > 1 && self.plan.options().pictures {
            let detail =
                format!("`include=views` is for one cell at a time, and there are {cells}");
            let hint = "leave it out, then ask for the views of the cells that matter, one by one";
            return Err(Problem::parameter("include", detail).hint(hint));
        }
        let labels = &self.plan.model().manifest().labels;
        let bytes = bytes_of_cells(&self.plan.extent(), labels, cells, self.with_samples);
        service.check_answer_bytes(bytes)?;
        Ok(bytes)
    }

    /// How answers are written; the accession that came with the upload wins over the query's.
    ///
    /// # Errors
    /// 422 for an accession that is too long, or that the form cannot hold.
    pub(super) fn options(&self, of_upload: Option<String>) -> Result<AnswerOptions, Problem> {
        let accession = checked_accession(of_upload.or_else(|| self.accession.clone()))?;
        check_accession(self.form, accession.as_deref())?;
        Ok(AnswerOptions {
            request_id: self.request_id.to_string(),
            accession,
            with_samples: self.with_samples,
            exact: self.plan.options().exact,
        })
    }
}

/// Refuses what would be left out in silence.
///
/// # Errors
/// 422, with the parameter.
fn check_form(form: AnswerForm, query: &PredictionQuery) -> Result<(), Problem> {
    if form != AnswerForm::Fhir {
        return Ok(());
    }
    let refusal = |name: &str| {
        let detail = format!("`{name}` has no place in an Observation");
        Problem::parameter(name, detail).hint("leave it out, or accept application/json")
    };
    if !query.compare.is_empty() {
        return Err(refusal("compare"));
    }
    if !query.include.is_empty() {
        return Err(refusal("include"));
    }
    Ok(())
}

/// Refuses an accession that a string of FHIR cannot hold: what identifies a specimen must not be changed.
///
/// # Errors
/// 422.
fn check_accession(form: AnswerForm, accession: Option<&str>) -> Result<(), Problem> {
    let fits = accession.is_none_or(|text| text.chars().all(fhir::is_allowed));
    if form != AnswerForm::Fhir || fits {
        return Ok(());
    }
    let detail = "the accession has a control character, which FHIR does not allow";
    Err(Problem::parameter("accession", detail).hint("send the identifier alone"))
}
