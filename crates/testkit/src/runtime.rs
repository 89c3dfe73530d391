//! The runtime that all tests of a process share.

use std::sync::LazyLock;

use engine::Runtime;

/// The runtime of the repository, where `make runtime` puts it; a process can load it once.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        crate::enter_repository();
        Runtime::load(None).unwrap_or_else(|error| panic!("{error}"))
    });
    &RUNTIME
}
