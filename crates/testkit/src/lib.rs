//! What the tests of several crates share: places in the repository, the numbers of the reference files and, with the
//! feature `models`, small bundles made on the spot and the runtime. No program depends on it.

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

/// A file or folder of the repository, by its path from there: cargo runs the tests of a crate in the crate's own folder.
pub fn path(relative: impl AsRef<Path>) -> PathBuf {
    repository().join(relative)
}

/// Makes the repository the working directory, as it is where the programs run: `runtime/` is looked for there, and a
/// relative `ORT_DYLIB_PATH` starts there.
pub fn enter_repository() {
    env::set_current_dir(repository()).unwrap();
}

/// A program of another crate, from the build that the running test belongs to.
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
