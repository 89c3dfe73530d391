//! Passes the source revision to the compiler as `SECONDLOOK_REVISION`: a commit, with `-dirty` if
//! tracked files have changed since, or `unknown` outside a repository of its own, such as in an
//! unpacked tarball.

use std::{path::Path, process::Command};

/// The sources of the program, relative to this folder.
const SOURCES: [&str; 3] = ["../..", "../../../Cargo.toml", "../../../Cargo.lock"];

fn main() {
    println!(
        "cargo::rustc-env=SECONDLOOK_REVISION={}",
        revision().unwrap_or_else(|| "unknown".to_owned())
    );
    // A commit writes to the second file, a checkout to both.
    let of_git = ["HEAD", "logs/HEAD"].map(|file| git(&["rev-parse", "--git-path", file]));
    let files = of_git.into_iter().flatten();
    for path in files.chain(SOURCES.map(str::to_owned)) {
        // A missing file would make Cargo run this script at each build.
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
}

fn revision() -> Option<String> {
    // The sources may be inside another repository, whose revision is not theirs.
    git(&["ls-files", "--error-unmatch", "build.rs"])?;
    let commit = git(&["rev-parse", "HEAD"])?;
    let status = ["status", "--porcelain", "--untracked-files=no", "--"];
    let changed = git(&[&status[..], &SOURCES[..]].concat())?;
    let suffix = if changed.is_empty() { "" } else { "-dirty" };
    Some(format!("{commit}{suffix}"))
}

/// The output of git in this folder; `None` if git is missing or fails.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim().to_owned())
}
