//! What can be verified of a bundle only with its sessions: names and shapes of tensors, and a trial run.

use ort::{
    session::{RunOptions, Session},
    value::{Outlet, TensorElementType, ValueType},
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

use super::{
    RunError, StartError,
    heads::Ask,
    sessions::{HeadCall, Passage, Sessions, to_i64},
    worker::Batches,
};
use bundle::{Bundle, FileReference, Head, Manifest, Method, Sampling, Trunk};
use imaging::{CellImage, ImageError, InputTensor};

/// Compares every tensor that the bundle's manifest names with the graphs, then runs each method once on noise, which also warms
/// the sessions up.
pub(super) fn check(bundle: &Bundle, sessions: &mut Sessions) -> Result<(), StartError> {
    let manifest = bundle.manifest();
    let graph_error = |file: &FileReference, problem| StartError::Graph {
        name: manifest.name.clone(),
        file: file.name.clone(),
        problem,
    };
    if let (Some(trunk), Some(file), Some(session)) =
        (&manifest.trunk, bundle.trunk_file(), sessions.trunk())
    {
        let inputs = vec![(trunk.input.as_str(), image_shape(manifest))];
        check_graph(session, inputs, trunk_outputs(trunk))
            .map_err(|problem| graph_error(file, problem))?;
    }
    for method in manifest.methods_with_heads() {
        if let (Some(head), Some(session)) = (manifest.head(method), sessions.head(method)) {
            let inputs = head_inputs(manifest, method, head);
            let outputs = vec![(head.output.as_str(), output_shape(manifest, method))];
            check_graph(session, inputs, outputs)
                .map_err(|problem| graph_error(&head.file, problem))?;
        }
    }
    trial_run(bundle, sessions)
}

/// A tensor's name and shape as the manifest has them.
type Described<'manifest> = (&'manifest str, Vec<i64>);

/// Compares a graph with what the manifest describes: every input of the graph, and some of its outputs.
fn check_graph(
    session: &Session,
    inputs: Vec<Described<'_>>,
    outputs: Vec<Described<'_>>,
) -> Result<(), String> {
    if session.inputs().len() != inputs.len() {
        return Err(format!(
            "it has {} inputs, the manifest describes {}",
            session.inputs().len(),
            inputs.len()
        ));
    }
    for (name, shape) in inputs {
        check_outlet("input", session.inputs(), name, &shape)?;
    }
    for (name, shape) in outputs {
        check_outlet("output", session.outputs(), name, &shape)?;
    }
    Ok(())
}

fn image_shape(manifest: &Manifest) -> Vec<i64> {
    let size = i64::from(manifest.input.size);
    vec![-1, 3, size, size]
}

fn features_shape(trunk: &Trunk) -> Vec<i64> {
    vec![-1, to_i64(trunk.feature_count)]
}

fn trunk_outputs(trunk: &Trunk) -> Vec<Described<'_>> {
    let statistics = trunk.statistics();
    let statistics = statistics.map(|(name, count)| (name, vec![-1, to_i64(count)]));
    let features = (trunk.features.as_str(), features_shape(trunk));
    std::iter::once(features).chain(statistics).collect()
}

fn head_inputs<'manifest>(
    manifest: &'manifest Manifest,
    method: Method,
    head: &'manifest Head,
) -> Vec<Described<'manifest>> {
    let trunk = manifest.trunk.as_ref();
    let shape = trunk.map_or_else(|| image_shape(manifest), features_shape);
    let mut inputs = vec![(head.input.as_str(), shape)];
    let mc_dropout = manifest.methods.mc_dropout.as_ref();
    let sampling = mc_dropout.map(|mc_dropout| &mc_dropout.sampling);
    if let (Method::McDropout, Some(Sampling::Masks { masks, .. })) = (method, sampling) {
        let described = masks
            .iter()
            .map(|mask| (mask.input.as_str(), vec![-1, -1, to_i64(mask.width)]));
        inputs.extend(described);
    }
    inputs
}

/// The shape of a method's scores, −1 where the graph may leave the size open.
fn output_shape(manifest: &Manifest, method: Method) -> Vec<i64> {
    let classes = to_i64(manifest.labels.len());
    let methods = &manifest.methods;
    match (method, &methods.mc_dropout, &methods.ensemble) {
        (Method::McDropout, Some(mc_dropout), _) => match mc_dropout.sampling {
            Sampling::Masks { .. } => vec![-1, -1, classes],
            Sampling::ActiveDropout {} => vec![-1, classes],
            Sampling::InGraph {} => vec![-1, to_i64(mc_dropout.passes), classes],
        },
        (Method::Ensemble, _, Some(ensemble)) => vec![-1, to_i64(ensemble.members), classes],
        _ => vec![-1, classes],
    }
}

/// A size that is open (−1) on either side fits; a graph's fixed batch size of 1 fits as well.
fn check_outlet(kind: &str, found: &[Outlet], name: &str, expected: &[i64]) -> Result<(), String> {
    let Some(outlet) = found.iter().find(|outlet| outlet.name() == name) else {
        let names: Vec<_> = found.iter().map(Outlet::name).collect();
        return Err(format!(
            "it has no {kind} `{name}`: it has {}",
            names.join(", ")
        ));
    };
    let ValueType::Tensor {
        ty: TensorElementType::Float32,
        shape,
        ..
    } = outlet.dtype()
    else {
        return Err(format!("{kind} `{name}` is no tensor of 32-bit floats"));
    };
    let shape: &[i64] = shape;
    let fits = |(has, wants): (&i64, &i64)| *has == -1 || *wants == -1 || has == wants;
    if shape.len() == expected.len() && shape.iter().zip(expected).all(fits) {
        return Ok(());
    }
    Err(format!(
        "{kind} `{name}` has shape {shape:?}, the manifest says {expected:?} (-1 is any size)"
    ))
}

fn trial_run(bundle: &Bundle, sessions: &mut Sessions) -> Result<(), StartError> {
    let manifest = bundle.manifest();
    let failed = failed(bundle);
    let noise = noise(bundle, 1)?;
    let options = RunOptions::new().map_err(|error| failed(error.into()))?;
    let passage = Passage {
        options: &options,
        alone: false,
    };
    let rows = sessions.rows(&noise, passage).map_err(&failed)?;
    if let Some(known) = bundle.out_of_distribution() {
        let scored = known.judge(&rows.statistics_of(0..1));
        scored.map_err(|error| failed(error.into()))?;
    }
    let mut ask = |method, seed| -> Result<Vec<f32>, RunError> {
        let call = HeadCall {
            seed,
            ..call_of(manifest, method)
        };
        let ask = Ask {
            images: 0..1,
            calls: &[call],
        };
        let answers = sessions.answer(&[ask], &rows, passage)?;
        Ok(answers.concat().concat())
    };
    for method in manifest.offered_methods() {
        let first = ask(method, 1).map_err(&failed)?;
        if method != Method::McDropout {
            continue;
        }
        let stands_still = draws_anew(manifest) && first == ask(method, 2).map_err(&failed)?;
        if stands_still || all_rows_equal(&first, manifest.labels.len()) {
            return Err(StartError::NotStochastic {
                name: manifest.name.clone(),
            });
        }
    }
    Ok(())
}

/// Runs what reads images on noise, on one core and on all of them: a lone request and one in a crowd get the same answer
/// to the last bit, or the bundle is refused.
pub(super) fn check_on_all_cores(
    bundle: &Bundle,
    sessions: &mut Sessions,
) -> Result<(), StartError> {
    let failed = failed(bundle);
    let noise = noise(bundle, 1)?;
    let options = RunOptions::new().map_err(|error| failed(error.into()))?;
    let manifest = bundle.manifest();
    // With a trunk, heads run on one core in either case; what draws by itself never answers twice alike.
    let heads = manifest.methods_with_heads().into_iter();
    let calls: Vec<HeadCall> = heads
        .filter(|method| manifest.trunk.is_none() && !manifest.has_active_dropout(*method))
        .map(|method| call_of(manifest, method))
        .collect();
    let mut run = |alone| -> Result<_, RunError> {
        let options = &options;
        let passage = Passage { options, alone };
        let rows = sessions.rows(&noise, passage)?;
        let ask = Ask {
            images: 0..1,
            calls: &calls,
        };
        let scores = sessions.answer(&[ask], &rows, passage)?;
        Ok((rows.values().to_vec(), rows.statistics_of(0..1), scores))
    };
    let (one, all) = (run(false).map_err(&failed)?, run(true).map_err(&failed)?);
    if one == all {
        return Ok(());
    }
    Err(StartError::ThreadsDiffer {
        name: manifest.name.clone(),
    })
}

/// The question that a method is asked when the request does not say how.
fn call_of(manifest: &Manifest, method: Method) -> HeadCall {
    HeadCall {
        method,
        passes: manifest.default_passes(method),
        seed: 0,
    }
}

/// Runs the trunk and every head once on each size of batch that the trial has not run, so that no request pays for what the runtime does at the first.
pub(super) fn warm_up(
    bundle: &Bundle,
    sessions: &mut Sessions,
    batches: Batches,
) -> Result<(), StartError> {
    let manifest = bundle.manifest();
    let failed = failed(bundle);
    let options = RunOptions::new().map_err(|error| failed(error.into()))?;
    let passage = Passage {
        options: &options,
        alone: false,
    };
    let heads = manifest.methods_with_heads().into_iter();
    let calls: Vec<HeadCall> = heads.map(|method| call_of(manifest, method)).collect();
    for size in batches.buckets().filter(|size| *size > 1) {
        let images = noise(bundle, size)?;
        let rows = sessions.rows(&images, passage).map_err(&failed)?;
        let ask = Ask {
            images: 0..1,
            calls: &calls,
        };
        sessions.answer(&[ask], &rows, passage).map_err(&failed)?;
    }
    Ok(())
}

fn failed(bundle: &Bundle) -> impl Fn(RunError) -> StartError {
    |source| StartError::Trial {
        name: bundle.manifest().name.clone(),
        source,
    }
}

/// Whether two runs of `mc_dropout` must differ. A graph that holds its own T samples may hold fixed masks.
fn draws_anew(manifest: &Manifest) -> bool {
    let sampling = manifest
        .methods
        .mc_dropout
        .as_ref()
        .map(|mc_dropout| &mc_dropout.sampling);
    !matches!(sampling, Some(Sampling::InGraph {}))
}

fn all_rows_equal(scores: &[f32], classes: usize) -> bool {
    let mut rows = scores.chunks_exact(classes);
    let first = rows.next();
    scores.len() > classes && rows.all(|row| Some(row) == first)
}

/// Images of noise: flat colours may drive every unit to zero, and then dropout changes nothing.
pub(super) fn noise(bundle: &Bundle, images: usize) -> Result<InputTensor, StartError> {
    let manifest = bundle.manifest();
    let size = manifest.input.size;
    let mut tensor = empty_tensor(bundle, images)?;
    let mut random = ChaCha8Rng::seed_from_u64(0);
    for _ in 0..images {
        let mut pixels = image::RgbImage::new(size, size);
        random.fill_bytes(&mut pixels);
        let pushed = tensor.push(&CellImage::new(pixels), &manifest.input.normalisation);
        pushed.map_err(unusable_input(bundle))?;
    }
    Ok(tensor)
}

/// An empty tensor of the bundle's input size.
pub(super) fn empty_tensor(bundle: &Bundle, images: usize) -> Result<InputTensor, StartError> {
    let size = bundle.manifest().input.size;
    InputTensor::with_capacity(size, size, images).map_err(unusable_input(bundle))
}

fn unusable_input(bundle: &Bundle) -> impl Fn(ImageError) -> StartError {
    |error| StartError::Graph {
        name: bundle.manifest().name.clone(),
        file: "bundle.toml".to_owned(),
        problem: error.to_string(),
    }
}
