//! Hands the revision of the sources to the compiler, as `SECONDLOOK_REVISION`: a commit, `-dirty` after it where tracked
//! files were changed since, or `unknown` where the sources lie in no repository of their own, as those of a tarball do.

use std::{path::Path, process::Command};

/// What the program is made of, seen from this folder.
const SOURCES: [&str; 3] = ["../..", "../../../Cargo.toml", "../../../Cargo.lock"];

fn main() {
    println!(
        "cargo::rustc-env=SECONDLOOK_REVISION={}",
        revision().unwrap_or_else(|| "unknown".to_owned())
    );
    // A commit writes to the second, a checkout to both.
    let of_git = ["HEAD", "logs/HEAD"].map(|file| git(&["rev-parse", "--git-path", file]));
    let files = of_git.into_iter().flatten();
    for path in files.chain(SOURCES.map(str::to_owned)) {
        // Cargo would run this at each build for a file that is missing.
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
}

fn revision() -> Option<String> {
    // The sources may lie in somebody else's repository, whose revision is not theirs.
    git(&["ls-files", "--error-unmatch", "build.rs"])?;
    let commit = git(&["rev-parse", "HEAD"])?;
    let status = ["status", "--porcelain", "--untracked-files=no", "--"];
    let changed = git(&[&status[..], &SOURCES[..]].concat())?;
    let suffix = if changed.is_empty() { "" } else { "-dirty" };
    Some(format!("{commit}{suffix}"))
}

/// What git says in this folder; nothing where there is no git, or it refuses.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim().to_owned())
}
