//! `RequestHead` parses the shared headers and query of a crop, a batch and a field, and computes
//! how large the answer can get before the model runs: a small request must not cause an answer
//! that does not fit into memory.

use axum::extract::Request;
use utoipa::IntoParams;

use super::{
    accept::AnswerForm,
    answer::AnswerOptions,
    fhir,
    middleware::{AnsweredBy, Deadline, RequestId},
    problem::{Problem, ProblemKind},
    query::{Include, PredictionQuery},
    service::Service,
    upload::checked_accession,
};
use bundle::Label;
use engine::{Extent, RequestPlan};

/// The longest number in JSON with its comma: `2.2250738585072014e-308,`.
pub(super) const NUMBER_BYTES: usize = 24;
/// Everything in a cell's answer that is there once, with an accession and a FHIR `Observation`.
const CELL_BYTES: usize = 8192;
/// The measures, the prediction set and the decision of a method.
const METHOD_BYTES: usize = 2560;
/// The JSON around the two numbers of a class.
const NAMES_BYTES: usize = 48;
/// The brackets of a sample with their comma.
const BRACKETS_BYTES: usize = 3;
/// A pixel of a picture has a byte for each colour. Base64 writes four characters for three bytes.
const PIXEL_BYTES: usize = 4;
/// The rest of a PNG file, rounded up.
const PICTURE_BYTES: usize = 4096;

/// The headers of every request about cells.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(
    dead_code,
    reason = "only its description is used: middleware and upload read the headers"
)]
pub(super) struct RequestHeaders {
    /// Your own id for the request, 1 to 128 visible ASCII characters. It is copied to the answer
    /// and to the log. Any other value is replaced by a new id
    #[param(rename = "X-Request-Id", nullable = false)]
    request_id: Option<String>,
    /// Number of seconds after which you stop waiting for the answer, such as `2` or `0.5`.
    /// `Request-Timeout` is accepted, too
    #[param(rename = "X-Request-Timeout", exclusive_minimum = 0, nullable = false)]
    timeout: Option<f64>,
    /// Identifier of the specimen. It is copied to the answer and never logged
    #[param(
        rename = "X-Accession",
        max_length = 256,
        pattern = "^[ -~]*$",
        nullable = false
    )]
    accession: Option<String>,
}

/// The request without its upload.
pub(super) struct RequestHead {
    pub(super) form: AnswerForm,
    /// What to run for each cell.
    pub(super) plan: RequestPlan,
    pub(super) deadline: Deadline,
    request_id: RequestId,
    accession: Option<String>,
    with_samples: bool,
    confidence: f64,
}

impl RequestHead {
    /// Parses the head. `offered` are the forms of the route's answers. A busy server refuses here,
    /// before it reads the upload.
    ///
    /// # Errors
    /// 406 if the client accepts none of the forms; 422 if the form cannot hold what is requested,
    /// or the model does not offer it; 503 if too much work is waiting.
    pub(super) fn new(
        service: &Service,
        request: &Request,
        offered: &[AnswerForm],
        query: PredictionQuery,
    ) -> Result<Self, Problem> {
        let extensions = request.extensions();
        let found = (extensions.get::<RequestId>(), extensions.get::<Deadline>());
        // The middleware has added both.
        let (Some(request_id), Some(deadline)) = found else {
            return Err(Problem::internal_error());
        };
        let form = AnswerForm::wanted(request.headers(), offered)?;
        check_form(form, &query)?;
        let accession = query.accession.clone();
        let with_samples = query.includes(Include::Samples);
        let confidence = query.confidence.unwrap_or_default().value();
        let engine = &service.engine;
        let plan = engine.plan(query.into_options(deadline.asked))?;
        engine.check(&plan)?;
        Ok(Self {
            form,
            plan,
            deadline: *deadline,
            request_id: request_id.clone(),
            accession,
            with_samples,
            confidence,
        })
    }

    /// The model and method of the answer, for the log.
    pub(super) fn answered_by(&self) -> AnsweredBy {
        AnsweredBy::of(self.plan.model(), self.plan.options().method)
    }

    /// Refuses a request whose answer for `cells` cells could be too large; else returns how many
    /// bytes it has at most.
    ///
    /// # Errors
    /// 422 if views are requested for several cells, or if the answer could be larger than
    /// `limits.max_answer_bytes`.
    pub(super) fn check_answer(&self, service: &Service, cells: usize) -> Result<usize, Problem> {
        if cells > 1 && self.plan.options().pictures {
            let detail = format!("`include=views` is for one cell at a time, found {cells} cells");
            let hint = "leave it out, or request the views of each cell in a request of its own";
            return Err(Problem::parameter("include", detail).hint(hint));
        }
        let labels = &self.plan.model().manifest().labels;
        let bytes = bytes_of_cells(&self.plan.extent(), labels, cells, self.with_samples);
        service.check_answer_bytes(bytes)?;
        Ok(bytes)
    }

    /// Options of the answers. The accession of the upload overrides that of the query.
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
            confidence: self.confidence,
        })
    }
}

/// Refuses parameters that an answer in FHIR has no place for.
///
/// # Errors
/// 422, with the parameter.
fn check_form(form: AnswerForm, query: &PredictionQuery) -> Result<(), Problem> {
    if form != AnswerForm::Fhir {
        return Ok(());
    }
    let refusal = |name: &str| {
        let detail = format!("`{name}` cannot be combined with application/fhir+json");
        Problem::parameter(name, detail).hint(format!(
            "leave `{name}` out, or send `Accept: application/json`"
        ))
    };
    if !query.compare.is_empty() {
        return Err(refusal("compare"));
    }
    if !query.include.is_empty() {
        return Err(refusal("include"));
    }
    Ok(())
}

/// Refuses an accession that a FHIR string cannot hold: an identifier must not be changed.
///
/// # Errors
/// 422.
fn check_accession(form: AnswerForm, accession: Option<&str>) -> Result<(), Problem> {
    let fits = accession.is_none_or(|text| text.chars().all(fhir::is_allowed));
    if form != AnswerForm::Fhir || fits {
        return Ok(());
    }
    let detail = "`accession` has a control character, which FHIR does not allow";
    Err(Problem::parameter("accession", detail)
        .hint("send the identifier alone, such as S26-1234/A"))
}

/// Largest number of bytes of the answers for `cells` cells, in any form of `/v1`.
fn bytes_of_cells(extent: &Extent, labels: &[Label], cells: usize, with_samples: bool) -> usize {
    let row = labels.len().saturating_mul(NUMBER_BYTES);
    // Its probability, and its name in both prediction sets.
    let class = |label: &Label| {
        let names = bytes_of_text(&label.name).saturating_mul(3);
        names.saturating_add(NAMES_BYTES + 2 * NUMBER_BYTES)
    };
    let classes = labels.iter().map(class).fold(0, usize::saturating_add);
    let method = classes.saturating_add(METHOD_BYTES);
    let samples = if with_samples { extent.samples } else { 0 };
    let parts = [
        CELL_BYTES,
        method.saturating_mul(extent.methods),
        row.saturating_add(BRACKETS_BYTES).saturating_mul(samples),
        picture(extent.picture_edge).saturating_mul(extent.pictures),
    ];
    let cell = parts.into_iter().fold(0, usize::saturating_add);
    cell.saturating_mul(cells)
}

/// Largest number of bytes of a text in JSON, where each byte may be escaped, with its comma.
pub(super) fn bytes_of_text(text: &str) -> usize {
    text.len().saturating_mul(6).saturating_add(3)
}

fn picture(edge: u32) -> usize {
    let edge = usize::try_from(edge).unwrap_or(usize::MAX);
    let pixels = edge.saturating_mul(edge);
    pixels
        .saturating_mul(PIXEL_BYTES)
        .saturating_add(PICTURE_BYTES)
}

impl Service {
    /// Refuses a request whose answer could have `bytes` bytes if that is above the limit.
    ///
    /// # Errors
    /// 422 above `limits.max_answer_bytes`.
    pub(super) fn check_answer_bytes(&self, bytes: usize) -> Result<(), Problem> {
        let most = self.limits.max_answer_bytes;
        if bytes <= most {
            return Ok(());
        }
        let detail = format!("the answer could have {bytes} bytes, at most {most} are sent");
        let problem = Problem::new(ProblemKind::AnswerTooLarge, detail);
        Err(problem.hint(
            "request fewer cells, fewer `passes` or fewer methods at a time, or leave the samples out; \
             the operator of this server can raise limits.max_answer_bytes",
        ))
    }
}
