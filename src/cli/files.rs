//! From the arguments of a command to image files.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Endings of image files. They matter only inside folders: a file that is named itself is always
/// tried.
const EXTENSIONS: [&str; 7] = ["jpg", "jpeg", "png", "tif", "tiff", "bmp", "webp"];

/// What a command says if its arguments name no image.
pub(super) const NO_IMAGE: &str =
    "no image found: name image files, or folders with JPEG, PNG, TIFF, BMP or WebP files";

/// An image file, or a path that cannot be read and why.
pub(super) type Found = Result<PathBuf, (PathBuf, io::Error)>;

/// The named files, and all images in the named folders, in the order of the arguments and then of
/// the paths.
pub(super) fn images(arguments: &[PathBuf]) -> Vec<Found> {
    let mut found = Vec::new();
    for argument in arguments {
        match fs::metadata(argument) {
            Ok(metadata) if metadata.is_dir() => search(argument, &mut found),
            Ok(_) => found.push(Ok(argument.clone())),
            Err(error) => found.push(Err((argument.clone(), error))),
        }
    }
    found
}

fn search(folder: &Path, found: &mut Vec<Found>) {
    match sorted_entries(folder) {
        Ok(entries) => entries.iter().for_each(|entry| visit(entry, found)),
        Err(error) => found.push(Err((folder.to_owned(), error))),
    }
}

fn sorted_entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    Ok(entries)
}

/// Links to folders are not followed, because they may form a circle.
fn visit(entry: &fs::DirEntry, found: &mut Vec<Found>) {
    let path = entry.path();
    match entry.file_type() {
        Ok(kind) if kind.is_dir() => search(&path, found),
        Ok(_) if is_image(&path) => found.push(Ok(path)),
        Ok(_) => {}
        Err(error) => found.push(Err((path, error))),
    }
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
    fn folders_are_searched_in_path_order() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("b/inner")).unwrap();
        for name in ["c.PNG", "b/2.jpg", "b/inner/3.tiff", "a.png", "notes.txt"] {
            fs::write(root.join(name), "").unwrap();
        }
        let mut found = images(&[root.to_owned(), root.join("notes.txt"), root.join("absent")]);
        let (absent, _) = found.pop().unwrap().unwrap_err();
        assert!(absent.ends_with("absent"));
        let relative = |path: &PathBuf| {
            path.strip_prefix(root)
                .unwrap()
                .to_string_lossy()
                .into_owned()
        };
        let names: Vec<_> = found
            .iter()
            .map(|path| relative(path.as_ref().unwrap()))
            .collect();
        assert_eq!(
            names,
            ["a.png", "b/2.jpg", "b/inner/3.tiff", "c.PNG", "notes.txt"]
        );
    }
}
