//! Which files are meant by the arguments.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What image files are called. Only folders are searched by name: a file that is named itself is always tried.
const EXTENSIONS: [&str; 7] = ["jpg", "jpeg", "png", "tif", "tiff", "bmp", "webp"];

/// The files themselves, and all images in the folders, in the order of the arguments and then of their paths.
///
/// # Errors
/// When an argument does not exist or a folder cannot be read, with its path.
pub(super) fn images(arguments: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for argument in arguments {
        let explain = |error: io::Error| format!("{}: {error}", argument.display());
        if fs::metadata(argument).map_err(explain)?.is_dir() {
            search(argument, &mut found).map_err(explain)?;
        } else {
            found.push(argument.clone());
        }
    }
    Ok(found)
}

/// Links to folders are not followed, so that a circle of them ends.
fn search(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            search(&path, found)?;
        } else if is_image(&path) {
            found.push(path);
        }
    }
    Ok(())
}

fn is_image(path: &Path) -> bool {
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    EXTENSIONS
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known))
        && path.is_file()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn folders_are_searched_in_order_and_files_are_taken_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("b/inner")).unwrap();
        for name in ["c.PNG", "b/2.jpg", "b/inner/3.tiff", "a.png", "notes.txt"] {
            fs::write(root.join(name), "").unwrap();
        }
        let found = images(&[root.to_owned(), root.join("notes.txt")]).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|path| path.strip_prefix(root).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(
            names,
            ["a.png", "b/2.jpg", "b/inner/3.tiff", "c.PNG", "notes.txt"]
        );
        assert!(
            images(&[root.join("absent")])
                .unwrap_err()
                .contains("absent")
        );
    }
}
