//! The heads of a batch: one image at a time, or all at once where a device keeps the features.

use std::{collections::BTreeMap, ops::Range};

use ort::value::{DynValue, TensorRef};

use super::{
    RunError,
    methods::{self, Question},
    rows::{Place, Rows},
    sessions::{HeadCall, Passage, Sessions},
};
use bundle::Method;

/// What is asked of some images of a batch.
pub(super) struct Ask<'job> {
    pub(super) images: Range<usize>,
    pub(super) calls: &'job [HeadCall],
}

/// For each ask and each of its calls the class scores `[images × samples, C]`.
pub(super) type Answers = Vec<Vec<Vec<f32>>>;

impl Sessions {
    /// Runs the heads. In this process' memory each takes one image at a time, so that an image's answer is the same to the
    /// last bit whatever it was batched with; on a device it takes the whole batch.
    pub(super) fn answer(
        &mut self,
        asks: &[Ask<'_>],
        rows: &Rows<'_>,
        passage: Passage<'_>,
    ) -> Result<Answers, RunError> {
        match &rows.place {
            Place::OnDevice { value, images } => {
                self.answer_together(asks, (value, *images), passage)
            }
            Place::Here {
                values,
                shape,
                length,
            } => {
                let mut answer = |call: &HeadCall, images: &Range<usize>| {
                    let rows = values.chunks_exact((*length).max(1));
                    let rows = rows.skip(images.start).take(images.len());
                    self.scores_one_by_one(call, rows, shape, passage)
                };
                let of_ask = |ask: &Ask<'_>| {
                    let calls = ask.calls.iter();
                    calls.map(|call| answer(call, &ask.images)).collect()
                };
                asks.iter().map(of_ask).collect()
            }
        }
    }

    fn scores_one_by_one<'rows>(
        &mut self,
        call: &HeadCall,
        rows: impl Iterator<Item = &'rows [f32]>,
        shape: &[i64],
        passage: Passage<'_>,
    ) -> Result<Vec<f32>, RunError> {
        let shape: Vec<i64> = std::iter::once(1).chain(shape.iter().copied()).collect();
        let mut scores = Vec::new();
        for row in rows {
            let question = Question {
                rows: TensorRef::from_array_view((shape.as_slice(), row))?.into_dyn(),
                images: 1,
                passes: call.passes,
                seeds: &[call.seed],
            };
            let method = self.manifest.head_method(call.method);
            scores.extend(self.scores(method, &question, passage)?);
        }
        Ok(scores)
    }

    /// Each head runs once over the whole batch for every number of samples that is asked of it.
    fn answer_together(
        &mut self,
        asks: &[Ask<'_>],
        (features, images): (&DynValue, usize),
        passage: Passage<'_>,
    ) -> Result<Answers, RunError> {
        let asked = |call: &HeadCall| (call.method, call.passes);
        let taken = asks.last().map_or(0, |ask| ask.images.end);
        let mut seeds: BTreeMap<(Method, usize), Vec<u64>> = BTreeMap::new();
        for ask in asks {
            for call in ask.calls {
                let seeds = seeds.entry(asked(call)).or_insert_with(|| vec![0; taken]);
                if let Some(seeds) = seeds.get_mut(ask.images.clone()) {
                    seeds.fill(call.seed);
                }
            }
        }
        let mut scores = BTreeMap::new();
        for ((method, passes), seeds) in seeds {
            let question = Question {
                rows: features.view(),
                images,
                passes,
                seeds: &seeds,
            };
            let head = self.manifest.head_method(method);
            scores.insert((method, passes), self.scores(head, &question, passage)?);
        }
        let part = |call: &HeadCall, wanted: &Range<usize>| {
            let all = scores.get(&asked(call)).map_or(&[][..], Vec::as_slice);
            let of_one = all.len() / images.max(1);
            all.iter()
                .skip(wanted.start * of_one)
                .take(wanted.len() * of_one)
                .copied()
                .collect()
        };
        let of_ask = |ask: &Ask<'_>| {
            ask.calls
                .iter()
                .map(|call| part(call, &ask.images))
                .collect()
        };
        Ok(asks.iter().map(of_ask).collect())
    }

    fn scores(
        &mut self,
        method: Method,
        question: &Question<'_>,
        passage: Passage<'_>,
    ) -> Result<Vec<f32>, RunError> {
        let classes = self.manifest.labels.len();
        let methods = &self.manifest.methods;
        let wide = self.on_all_cores.as_mut().filter(|_| passage.alone);
        let wide = wide.and_then(|graphs| graphs.heads.get_mut(&method));
        let session = wide.or(self.graphs.heads.get_mut(&method));
        let (Some(session), Some(head)) = (session, self.manifest.head(method)) else {
            return Err(RunError::NoHead { method });
        };
        let graph = methods::Graph {
            session,
            head,
            classes,
            options: passage.options,
        };
        match (method, &methods.mc_dropout, &methods.ensemble) {
            (Method::McDropout, Some(mc_dropout), _) => {
                methods::mc_dropout(graph, mc_dropout, question)
            }
            (Method::Ensemble, _, Some(ensemble)) => methods::ensemble(graph, ensemble, question),
            _ => methods::baseline(graph, question),
        }
    }
}
