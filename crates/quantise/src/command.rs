//! The steps of `bundles quantise`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use indicatif::ProgressBar;
use prost::Message;

use super::{
    LabelledImage, QuantisationReport, QuantiseError, compare::compare, float16, images, int8,
    int8_plan::Int8Plan, ranges::ActivationRanges, report::EnginePair, speed,
    trunk::QuantisedTrunk, write::Draft,
};
use bundle::{Bundle, Method, Precision, Trunk, onnx::ModelProto};
use engine::{Engine, EngineConfig, Runtime, TrunkPrecision};
use imaging::Limits;

/// Options of a quantisation.
pub struct Quantisation<'a> {
    /// The bundle's directory.
    pub directory: &'a Path,
    /// Directory of the new bundle.
    pub out: &'a Path,
    /// [`Precision::Int8`] or [`Precision::Float16`].
    pub precision: Precision,
    /// Prefixes of the names of convolutions that stay in 32-bit floats.
    pub kept: &'a [String],
    /// The methods to compare; empty for all that the bundle offers.
    pub methods: &'a [Method],
    /// Images for measuring the ranges of activations.
    pub range_images: &'a [PathBuf],
    /// Images for comparing answers.
    pub images: &'a [LabelledImage],
    /// Configuration of the engine for the comparison.
    pub engine: &'a EngineConfig,
    /// Limits of the images.
    pub limits: Limits,
    /// Advances by one for each image.
    pub progress: &'a ProgressBar,
}

/// Writes a copy of a bundle with an additional trunk in another precision, and measures what
/// changes.
///
/// # Errors
/// Every variant of [`QuantiseError`]; then no files are left behind.
pub async fn quantise(
    runtime: &Runtime,
    bundle: &Bundle,
    work: &Quantisation<'_>,
) -> Result<QuantisationReport, QuantiseError> {
    let manifest = bundle.manifest();
    let no_trunk = || QuantiseError::NoTrunk(manifest.name.clone());
    let trunk = manifest.trunk.as_ref().ok_or_else(no_trunk)?;
    let methods = methods_to_compare(bundle, work.methods)?;
    let first = work.images.first().ok_or(QuantiseError::NoImages)?;
    let draft = Draft::copy_of(work.directory, work.out)?;
    let rewritten = rewrite(runtime, bundle, trunk, work)?;
    let model = rewritten.model.encode_to_vec();
    let added = draft.add_trunk(bundle, work.precision, &model, BTreeMap::new())?;

    let original = bundle.path_of(&trunk.file);
    let new = added.manifest().trunk.as_ref();
    let new = new.and_then(|trunk| trunk.file_of(work.precision));
    let new = added.path_of(new.ok_or_else(no_trunk)?);
    let image = images::read(&first.path, &manifest.input, &work.limits)?;
    let paths = EnginePair {
        float32: original.as_path(),
        quantised: new.as_path(),
    };
    let providers = &work.engine.execution_providers;
    let speed = speed::measure(runtime, providers, paths, (&trunk.input, &image))?;
    let start = |precision| start(runtime, &added, work, precision);
    let engines = EnginePair {
        float32: start(TrunkPrecision::Float32)?,
        quantised: start(configured(work.precision))?,
    };
    let done = || work.progress.inc(1);
    let (compared, unlike) = compare(&engines, &methods, work.images, done).await?;

    let before = fs::metadata(&original).map_err(QuantiseError::file(&original))?;
    let bytes = EnginePair {
        float32: before.len(),
        quantised: model.len() as u64,
    };
    let provider = providers.first();
    let compared_on = work.images.iter().map(|image| &image.path);
    let mut report = QuantisationReport {
        precision: work.precision,
        made_from: bundle.digest().to_owned(),
        convolutions: rewritten.convolutions,
        convolutions_in_float32: rewritten.kept,
        range_images: rewritten.range_images,
        images: work.images.len(),
        same_images: compared_on.eq(work.range_images),
        execution_provider: provider.map_or_else(String::new, ToString::to_string),
        bytes,
        speed,
        methods: compared,
        out_of_distribution: unlike,
        remarks: Vec::new(),
    };
    report.remark();
    draft.add_trunk(bundle, work.precision, &model, report.agreement())?;
    draft.add_report(&report)?;
    draft.finish()?;
    Ok(report)
}

fn methods_to_compare(bundle: &Bundle, asked: &[Method]) -> Result<Vec<Method>, QuantiseError> {
    let manifest = bundle.manifest();
    if let Some(method) = asked.iter().find(|method| !manifest.offers(**method)) {
        return Err(QuantiseError::Method {
            bundle: manifest.name.clone(),
            method: *method,
        });
    }
    let mut methods = manifest.offered_methods();
    methods.retain(|method| asked.is_empty() || asked.contains(method));
    Ok(methods)
}

/// A trunk in another precision.
struct Rewritten {
    model: ModelProto,
    convolutions: usize,
    kept: usize,
    range_images: usize,
}

fn rewrite(
    runtime: &Runtime,
    bundle: &Bundle,
    trunk: &Trunk,
    work: &Quantisation<'_>,
) -> Result<Rewritten, QuantiseError> {
    let file = bundle.path_of(&trunk.file);
    let bytes = fs::read(&file).map_err(QuantiseError::file(&file))?;
    let refuse = |reason| QuantiseError::Graph {
        file: file.clone(),
        reason,
    };
    let graph = QuantisedTrunk::parse(&bytes, trunk).map_err(refuse)?;
    let all = graph.nodes().filter(|(_, node)| node.op_type == "Conv");
    let all = all.map(|(number, _)| number).collect::<Vec<_>>();
    if work.precision == Precision::Float16 {
        let kept = all.iter().filter(|number| graph.is_exact(**number)).count();
        return Ok(Rewritten {
            model: float16::rewrite(&graph).map_err(refuse)?,
            convolutions: all.len() - kept,
            kept,
            range_images: 0,
        });
    }
    let plan = Int8Plan::of(&graph, work.kept);
    if plan.convolutions.is_empty() {
        return Err(refuse("it has no convolution to rewrite: all are excluded by --keep, needed by the statistics, or read the image".to_owned()));
    }
    let mut ranges = ActivationRanges::open(runtime, &graph, trunk, plan.tensors(&graph))?;
    for path in work.range_images {
        ranges.measure(&images::read(path, &bundle.manifest().input, &work.limits)?)?;
        work.progress.inc(1);
    }
    let scales = ranges.scales().map_err(refuse)?;
    Ok(Rewritten {
        model: int8::rewrite(&graph, &plan, &scales),
        convolutions: plan.convolutions.len(),
        kept: all.len() - plan.convolutions.len(),
        range_images: work.range_images.len(),
    })
}

fn start(
    runtime: &Runtime,
    bundle: &Bundle,
    work: &Quantisation<'_>,
    trunk_precision: TrunkPrecision,
) -> Result<Engine, QuantiseError> {
    let config = EngineConfig {
        trunk_precision,
        // There are no other requests.
        queue_capacity: usize::MAX / 2,
        ..work.engine.clone()
    };
    let bundles = vec![bundle.clone()];
    Ok(Engine::start(&config, work.limits, runtime, bundles)?)
}

fn configured(precision: Precision) -> TrunkPrecision {
    match precision {
        Precision::Float32 => TrunkPrecision::Float32,
        Precision::Int8 => TrunkPrecision::Int8,
        Precision::Float16 => TrunkPrecision::Float16,
    }
}
