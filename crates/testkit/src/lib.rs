//! Shared helpers of the tests: paths in the repository, the numbers of the reference files and,
//! with the feature `models`, small bundles and the runtime. No program depends on this crate.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod numbers;
#[cfg(feature = "models")]
mod runtime;
#[cfg(feature = "models")]
pub mod tiny;
#[cfg(feature = "models")]
pub mod unlike_bundle;

use std::{
    env,
    path::{Path, PathBuf},
};

#[cfg(feature = "models")]
pub use runtime::runtime;

/// The repository's folder.
pub fn repository() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    folder.canonicalize().unwrap()
}

/// A file or folder of the repository, by its relative path. Cargo runs the tests of a crate in the
/// crate's own folder.
pub fn path(relative: impl AsRef<Path>) -> PathBuf {
    repository().join(relative)
}

/// Makes the repository the working directory, as for the programs: they look for `runtime/` there,
/// and a relative `ORT_DYLIB_PATH` starts there.
pub fn enter_repository() {
    env::set_current_dir(repository()).unwrap();
}

/// A program of another crate, from the build of the running test.
pub fn program(name: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join(name);
    assert!(
        program.is_file(),
        "there is no {name} at {}: run `cargo build --release --locked --workspace --bins` first",
        program.display()
    );
    program
}
