//! The source revision that goes into bundles.

#![allow(clippy::unwrap_used)]

use std::process::Command;

#[test]
fn program_knows_its_source_revision() {
    let built_from = env!("SECONDLOOK_REVISION");
    let head = Command::new("git")
        .args(["rev-parse", "HEAD"])
        .current_dir(testkit::repository())
        .output();
    let head = head.ok().filter(|output| output.status.success());
    let head = head.map(|output| String::from_utf8(output.stdout).unwrap());
    match head {
        Some(head) => {
            let commit = built_from.strip_suffix("-dirty").unwrap_or(built_from);
            assert_eq!(commit, head.trim());
        }
        None => assert_eq!(built_from, "unknown"),
    }
}
