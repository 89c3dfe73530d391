//! The runtime that all tests of a process share.

use std::sync::LazyLock;

use engine::Runtime;

/// The runtime that `make runtime` puts into the repository. A process can load it only once.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        crate::enter_repository();
        Runtime::load(None).unwrap_or_else(|error| panic!("{error}"))
    });
    &RUNTIME
}
