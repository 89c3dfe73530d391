//! Compares names and shapes of a graph's tensors with the manifest.

use ort::{
    session::Session,
    value::{Outlet, TensorElementType, ValueType},
};

use super::answers::unsound;
use crate::{
    StartError,
    method::{NamedShape, further_inputs, output_shape, to_i64},
    session::bundle_sessions::BundleSessions,
};
use bundle::{Bundle, Head, Manifest, Method, Trunk};

/// Compares every tensor that the bundle's manifest names with the graphs.
pub(crate) fn check_graphs(bundle: &Bundle, sessions: &BundleSessions) -> Result<(), StartError> {
    let manifest = bundle.manifest();
    if let (Some(trunk), Some(file), Some(session)) =
        (&manifest.trunk, bundle.trunk_file(), sessions.trunk())
    {
        let inputs = vec![(trunk.input.as_str(), image_shape(manifest))];
        check_graph(session, inputs, trunk_outputs(trunk))
            .map_err(|problem| unsound(bundle, &file.name, problem))?;
    }
    for method in manifest.methods_with_heads() {
        if let (Some(head), Some(session)) = (manifest.head(method), sessions.head(method)) {
            let inputs = head_inputs(manifest, method, head);
            let outputs = vec![(head.output.as_str(), output_shape(manifest, method))];
            check_graph(session, inputs, outputs)
                .map_err(|problem| unsound(bundle, &head.file.name, problem))?;
        }
    }
    Ok(())
}

/// Compares a graph with the manifest: every input of the graph, and the outputs that the manifest
/// names.
fn check_graph(
    session: &Session,
    inputs: Vec<NamedShape<'_>>,
    outputs: Vec<NamedShape<'_>>,
) -> Result<(), String> {
    if session.inputs().len() != inputs.len() {
        let described: Vec<&str> = inputs.iter().map(|(name, _)| *name).collect();
        return Err(format!(
            "the inputs of the graph are {}, but bundle.toml describes {}: correct bundle.toml, or \
             export the graph again",
            names_of(session.inputs()),
            described.join(", ")
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

fn trunk_outputs(trunk: &Trunk) -> Vec<NamedShape<'_>> {
    let statistics = trunk.statistics();
    let statistics = statistics.map(|(name, count)| (name, vec![-1, to_i64(count)]));
    let features = (trunk.features.as_str(), features_shape(trunk));
    std::iter::once(features).chain(statistics).collect()
}

fn head_inputs<'manifest>(
    manifest: &'manifest Manifest,
    method: Method,
    head: &'manifest Head,
) -> Vec<NamedShape<'manifest>> {
    let trunk = manifest.trunk.as_ref();
    let shape = trunk.map_or_else(|| image_shape(manifest), features_shape);
    let mut inputs = vec![(head.input.as_str(), shape)];
    inputs.extend(further_inputs(manifest, method));
    inputs
}

/// The names of a graph's inputs or outputs, for messages.
fn names_of(outlets: &[Outlet]) -> String {
    let names: Vec<_> = outlets.iter().map(Outlet::name).collect();
    names.join(", ")
}

/// Compares one tensor. Any size (−1) on either side fits, and a fixed batch size of 1, too.
fn check_outlet(kind: &str, found: &[Outlet], name: &str, expected: &[i64]) -> Result<(), String> {
    let Some(outlet) = found.iter().find(|outlet| outlet.name() == name) else {
        return Err(format!(
            "the graph has no {kind} `{name}`: write one of its names ({})",
            names_of(found)
        ));
    };
    let ValueType::Tensor {
        ty: TensorElementType::Float32,
        shape,
        ..
    } = outlet.dtype()
    else {
        return Err(format!(
            "{kind} `{name}` must be a tensor of 32-bit floats: export the graph with a cast to float32"
        ));
    };
    let shape: &[i64] = shape;
    let fits = |(has, wants): (&i64, &i64)| *has == -1 || *wants == -1 || has == wants;
    if shape.len() == expected.len() && shape.iter().zip(expected).all(fits) {
        return Ok(());
    }
    Err(format!(
        "{kind} `{name}` has the shape {shape:?}, but the manifest describes {expected:?} (-1 is any size): correct the manifest, or export the graph again"
    ))
}
