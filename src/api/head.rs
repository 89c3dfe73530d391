//! What the head of a request about cells says, the same for a crop, a batch and a field, and how large its answer can get, reckoned
//! before anything is run: a small request must not make an answer that the server has no memory for.

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

/// The longest number in JSON and the comma behind it: `2.2250738585072014e-308,`.
pub(super) const NUMBER_BYTES: usize = 24;
/// Everything of a cell's answer that is there once, an accession and an `Observation` of FHIR included.
const CELL_BYTES: usize = 8192;
/// The measures, the prediction set and the decision of a method.
const METHOD_BYTES: usize = 2560;
/// What stands around the two numbers of a class' probability.
const NAMES_BYTES: usize = 48;
/// The brackets of a sample and the comma behind them.
const BRACKETS_BYTES: usize = 3;
/// A pixel of a picture has a byte for each colour, which base64 writes with four characters for three.
const PIXEL_BYTES: usize = 4;
/// What a PNG file has beside its pixels, with room to spare.
const PICTURE_BYTES: usize = 4096;

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
    pub(super) deadline: Deadline,
    request_id: RequestId,
    accession: Option<String>,
    with_samples: bool,
    confidence: f64,
}

impl RequestHead {
    /// `offered` are the forms that the route can answer in. A server that is too busy says so before it reads the upload.
    ///
    /// # Errors
    /// 406 when the client takes none of them, 422 when the form has no place for what is asked or the model does not offer it, 503
    /// when too much is waiting.
    pub(super) fn new(
        service: &Service,
        request: &Request,
        offered: &[AnswerForm],
        query: PredictionQuery,
    ) -> Result<Self, Problem> {
        let extensions = request.extensions();
        let found = (extensions.get::<RequestId>(), extensions.get::<Deadline>());
        // The middleware has put both there.
        let (Some(request_id), Some(deadline)) = found else {
            return Err(Problem::mistake_of_ours());
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

    /// Who will answer.
    pub(super) fn answered_by(&self) -> AnsweredBy {
        AnsweredBy::of(self.plan.model(), self.plan.options().method)
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
            confidence: self.confidence,
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

/// Bytes that the answers for so many cells have at most, in any form that `/v1` answers in.
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

/// A text in JSON, of which each byte may have to be escaped, and the comma behind it.
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
    /// Refuses a request whose answer could have so many bytes when that is more than the limit.
    ///
    /// # Errors
    /// 422, for what is larger than `limits.max_answer_bytes`.
    pub(super) fn check_answer_bytes(&self, bytes: usize) -> Result<(), Problem> {
        let most = self.limits.max_answer_bytes;
        if bytes <= most {
            return Ok(());
        }
        let detail = format!("the answer could have {bytes} bytes, and at most {most} are sent");
        let problem = Problem::new(ProblemKind::AnswerTooLarge, detail);
        Err(problem.hint(
            "ask for fewer cells, fewer `passes` or fewer methods at a time, or leave the samples out; \
             the operator of this server can raise limits.max_answer_bytes",
        ))
    }
}
