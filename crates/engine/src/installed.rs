//! Where an installation keeps its files: the runtime library, the bundles, the configuration.

use std::{
    env,
    path::{Path, PathBuf, absolute},
};

/// The paths at which `name` may be, in the order of the search:
///
/// 1. in the working directory, as in a clone;
/// 2. beside the program, as in a release tarball;
/// 3. in the folder above the program's, for programs in a `bin/` folder;
/// 4. at `system`, where a package of the system installs it.
///
/// Symbolic links to the program are followed.
pub fn places(name: &str, system: &str) -> Vec<PathBuf> {
    let program = env::current_exe().and_then(|program| program.canonicalize());
    places_of(program.ok().as_deref(), name, system)
}

/// Absolute paths for an error message, each once.
pub fn listed(places: &[PathBuf]) -> String {
    let mut paths: Vec<String> = Vec::new();
    for place in places {
        let path = absolute(place).unwrap_or_else(|_| place.clone());
        let path = path.display().to_string();
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths.join(", ")
}

fn places_of(program: Option<&Path>, name: &str, system: &str) -> Vec<PathBuf> {
    let folders = program
        .into_iter()
        .flat_map(|path| path.ancestors().skip(1));
    let around = folders.take(2).map(|folder| folder.join(name));
    let mut places = vec![PathBuf::from(name)];
    places.extend(around);
    places.push(PathBuf::from(system));
    places
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{listed, places_of};

    #[test]
    fn places_are_in_search_order() {
        let program = Path::new("/opt/secondlook/bin/secondlook");
        let expected = [
            "models",
            "/opt/secondlook/bin/models",
            "/opt/secondlook/models",
            "/usr/share/secondlook/models",
        ];
        let places = places_of(Some(program), "models", "/usr/share/secondlook/models");
        assert_eq!(places, expected.map(PathBuf::from));
    }

    #[test]
    fn unknown_program_leaves_two_places() {
        let places = places_of(None, "runtime", "/usr/lib/secondlook");
        assert_eq!(
            places,
            ["runtime", "/usr/lib/secondlook"].map(PathBuf::from)
        );
    }

    #[test]
    fn listed_places_are_absolute_and_unique() {
        let here = std::env::current_dir().unwrap();
        let places = [PathBuf::from("runtime"), here.join("runtime"), "/b".into()];
        let expected = format!("{}, /b", here.join("runtime").display());
        assert_eq!(listed(&places), expected);
    }
}
