//! Messages of ONNX Runtime and of its loader, in this program's words.
//!
//! Each function names the place (node, operator, library) that a message mentions, and what to do.
//! The messages themselves go to the log at level `debug`.

use tracing::debug;

/// Longest name that is repeated from a message, in characters.
const LONGEST_NAME: usize = 120;

/// Why a run failed, such as ``ONNX Runtime failed at node `conv_1` (Conv)``.
pub(crate) fn of_run(message: &str) -> String {
    let lower = message.to_lowercase();
    if lower.contains("failed to allocate") || lower.contains("out of memory") {
        return "ONNX Runtime ran out of memory: lower `engine.workers` or `engine.max_batch`"
            .to_owned();
    }
    if let Some(input) = between(message, "invalid dimensions for input: ", " ") {
        return format!("ONNX Runtime refused the shape of input `{input}`");
    }
    let operator = between(message, "while running ", " node");
    let node = between(message, "Name:'", "'");
    match (node, operator) {
        (Some(node), Some(operator)) => {
            format!("ONNX Runtime failed at node `{node}` ({operator})")
        }
        (None, Some(operator)) => {
            format!("ONNX Runtime failed at a {operator} node: export the graph again")
        }
        _ => "ONNX Runtime failed and named no node: export the graph again".to_owned(),
    }
}

/// Why a model cannot be opened, and what to do.
pub(crate) fn of_model(message: &str) -> String {
    debug!(message, "ONNX Runtime cannot open the model");
    let lower = message.to_lowercase();
    if lower.contains("protobuf parsing failed") {
        return "it is not an ONNX file, or a part of it is missing: export it again".to_owned();
    }
    if let Some(found) = between(message, "model IR version: ", ",") {
        return format!(
            "its IR version {found} is newer than this ONNX Runtime: export it again with an older version of onnx, or use a newer ONNX Runtime"
        );
    }
    if let Some(found) = between(message, "Opset ", " is under development") {
        return format!(
            "its operator set {found} is newer than this ONNX Runtime: export it again with an older one, such as opset 17"
        );
    }
    let unknown = between(message, "No Op registered for ", " ")
        .or_else(|| between(message, "Fatal error: ", " is not a registered"))
        .or_else(|| between(message, "find an implementation for ", " "));
    if let Some(operator) = unknown {
        return format!(
            "this ONNX Runtime does not have its operator {operator}: export it again with standard operators"
        );
    }
    if lower.contains("failed to allocate") || lower.contains("out of memory") {
        return "there is not enough memory for it".to_owned();
    }
    let node = between(message, "Node (", ")")
        .or_else(|| between(message, "In Node, (\"", "\""))
        .or_else(|| between(message, "in node (", ")"));
    match node {
        Some(node) => {
            format!("its node `{node}` is not valid (shapes, types or attributes): export it again")
        }
        None => {
            "its graph is not valid: check it with `onnx.checker` and export it again".to_owned()
        }
    }
}

/// Why an execution provider did not load.
pub(crate) fn of_provider(message: &str) -> String {
    debug!(message, "the execution provider did not load");
    let lower = message.to_lowercase();
    if let Some(library) = missing_library(message) {
        return format!("it needs the library {library}, which was not found");
    }
    if lower.contains("not enabled in this build") || lower.contains("not compiled") {
        return "this ONNX Runtime library was built without it".to_owned();
    }
    if lower.contains("no cuda-capable device") || lower.contains("invalid device ordinal") {
        return "there is no such GPU".to_owned();
    }
    "its library or its device cannot be used".to_owned()
}

/// Why a file is not a usable ONNX Runtime library.
pub(crate) fn of_library(message: &str) -> String {
    debug!(message, "the ONNX Runtime library cannot be loaded");
    if let (Some(least), Some(found)) = (
        between(message, "expected version >= '", "'"),
        between(message, "but got '", "'"),
    ) {
        let least = least.trim_end_matches(".x");
        return format!("expected version {least} or newer, found {found}");
    }
    if let Some(library) = missing_library(message) {
        return format!("it needs the library {library}, which was not found");
    }
    "expected the shared library of ONNX Runtime for this kind of machine".to_owned()
}

/// The name of a library that the loader of Linux did not find.
fn missing_library(message: &str) -> Option<String> {
    let (before, _) = message.split_once(": cannot open shared object file")?;
    let name = before.split_whitespace().next_back()?;
    let name = name.rsplit('/').next()?;
    Some(name.chars().take(LONGEST_NAME).collect())
}

/// The text between two parts of a message.
fn between(message: &str, start: &str, end: &str) -> Option<String> {
    let (_, rest) = message.split_once(start)?;
    let (found, _) = rest.split_once(end).unwrap_or((rest, ""));
    let found: String = found.chars().take(LONGEST_NAME).collect();
    let found = found.split_whitespace().collect::<Vec<_>>().join(" ");
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_failure_names_the_node() {
        let message = "Non-zero status code returned while running Reshape node. \
                       Name:'/head/Reshape' Status Message: the input tensor cannot be reshaped";
        let said = of_run(message);
        assert_eq!(
            said,
            "ONNX Runtime failed at node `/head/Reshape` (Reshape)"
        );
        assert_eq!(
            of_run("something else"),
            "ONNX Runtime failed and named no node: export the graph again"
        );
    }

    #[test]
    fn model_failure_names_what_is_unknown() {
        for (message, said) in [
            (
                "Load model from a.onnx failed:Protobuf parsing failed.",
                "not an ONNX file",
            ),
            (
                "Unsupported model IR version: 99, max supported IR version: 11",
                "its IR version 99 is newer",
            ),
            (
                "Error No Op registered for Foo with domain_version of 17",
                "does not have its operator Foo",
            ),
            (
                "Load model from a failed:Node (cut) Op (Slice) [ShapeInferenceError] ...",
                "its node `cut` is not valid",
            ),
        ] {
            let found = of_model(message);
            assert!(found.contains(said), "{found}");
        }
    }

    #[test]
    fn missing_library_is_named() {
        let message = "Failed to load shared library /opt/libonnxruntime_providers_cuda.so with \
                       error: libcudnn.so.9: cannot open shared object file: No such file";
        assert!(of_provider(message).contains("the library libcudnn.so.9,"));
    }

    #[test]
    fn old_library_names_both_versions() {
        let message = "ort 2.0.0 is not compatible with the ONNX Runtime binary found at `x`; \
                       expected version >= '1.23.x', but got '1.18.0'";
        let said = "expected version 1.23 or newer, found 1.18.0";
        assert_eq!(of_library(message), said);
    }
}
