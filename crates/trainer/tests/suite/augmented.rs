//! Views as files: the same as the server's, made once, joined to tensors in common formats.

use std::{fs, ops::Range, path::PathBuf};

use bundle::Input;
use engine::seed_of;
use imaging::{
    InputTensor, Limits, Padding,
    augment::{self, AugmentPolicy},
    decode,
};
use indicatif::ProgressBar;
use trainer::{
    CellViews, CropOptions, CropTable, Dataset, Incomplete, TensorFormat, TrunkFile, Workspace,
    Written, crop_dataset, join_views, write_views,
};

use super::tiny_data::{write_data, write_trunk};

const SIZE: u32 = 24;

struct PreparedViews {
    _folder: tempfile::TempDir,
    workspace: Workspace,
    table: CropTable,
    input: Input,
    policy: AugmentPolicy,
}

fn prepared() -> PreparedViews {
    let folder = tempfile::tempdir().unwrap();
    let data = Dataset::open(&write_data(&folder.path().join("data"), 1), None, None).unwrap();
    let workspace = Workspace::open(&folder.path().join("work")).unwrap();
    let options = CropOptions {
        edge: 21,
        padding: Padding::Reflect,
        leave_out: true,
    };
    let hidden = ProgressBar::hidden();
    let table = crop_dataset(&data, &workspace, &options, &hidden)
        .unwrap()
        .table;
    let trunk = TrunkFile::open(&write_trunk(&folder.path().join("trunk.onnx"))).unwrap();
    PreparedViews {
        input: trunk.input(&table.settings, Some(SIZE)),
        _folder: folder,
        workspace,
        table,
        policy: AugmentPolicy::paper(),
    }
}

impl PreparedViews {
    fn views<'a>(&'a self, rows: &'a Range<usize>, count: usize) -> CellViews<'a> {
        CellViews {
            workspace: &self.workspace,
            table: &self.table,
            rows,
            input: &self.input,
            policy: &self.policy,
            count,
        }
    }

    fn write(&self, rows: Range<usize>, count: usize) -> Written {
        write_views(&self.views(&rows, count), &ProgressBar::hidden()).unwrap()
    }

    /// The views of a cell as the server makes them.
    fn expected(&self, cell: usize, count: u64) -> Vec<f32> {
        let path = self.workspace.crops().join(&self.table.rows[cell].file);
        let bytes = fs::read(path).unwrap();
        let crop = decode(&bytes, &Limits::default()).unwrap();
        let mut tensor = InputTensor::with_capacity(SIZE, SIZE, 0).unwrap();
        for index in 0..count {
            let view = augment::view(
                &crop,
                &self.policy,
                seed_of(&bytes),
                index,
                SIZE,
                self.input.resize,
            );
            tensor
                .push(&view.unwrap(), &self.input.normalisation)
                .unwrap();
        }
        tensor.into_vec()
    }

    fn tensor(&self, cell: usize, extension: &str) -> PathBuf {
        let name = format!("{}.{extension}", self.table.rows[cell].cell_id);
        self.workspace.augmented().join(name)
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let words = bytes.chunks_exact(4);
    words
        .map(|word| f32::from_le_bytes(word.try_into().unwrap()))
        .collect()
}

#[test]
fn views_are_written_once_and_resumed() {
    let prepared = prepared();
    assert_eq!(prepared.write(1..3, 4), Written { made: 8, kept: 0 });
    assert_eq!(prepared.write(1..3, 4), Written { made: 0, kept: 8 });
    let rows = 2..3;
    let views = prepared.views(&rows, 4);
    let lost = views.file(&prepared.table.rows[2], 2);
    let bytes = fs::read(&lost).unwrap();
    fs::remove_file(&lost).unwrap();
    assert_eq!(prepared.write(0..4, 4), Written { made: 9, kept: 7 });
    assert_eq!(fs::read(&lost).unwrap(), bytes);
    assert_eq!(prepared.write(0..1, 6), Written { made: 2, kept: 4 });
    assert_eq!(prepared.write(5..99, 1), Written { made: 1, kept: 0 });
    let beyond = 6..99;
    let refused = write_views(&prepared.views(&beyond, 1), &ProgressBar::hidden());
    assert!(refused.unwrap_err().to_string().contains("the table has 6"));
    let to_the_end = 5000..usize::MAX;
    let refused = write_views(&prepared.views(&to_the_end, 1), &ProgressBar::hidden());
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("from 5000 to the end"), "{said}");
}

#[test]
fn views_of_another_policy_are_remade() {
    let mut prepared = prepared();
    prepared.write(0..1, 3);
    prepared.policy.name = "other".to_owned();
    assert_eq!(prepared.write(0..1, 2), Written { made: 2, kept: 0 });
    let rows = 0..1;
    let views = prepared.views(&rows, 3);
    assert_eq!(views.present(&prepared.table.rows[0]), [0, 1]);
}

#[test]
fn joined_tensor_is_the_trunk_input() {
    let prepared = prepared();
    prepared.write(0..1, 3);
    let rows = 0..1;
    let join = |format| join_views(&prepared.views(&rows, 3), format, &ProgressBar::hidden());
    assert_eq!(join(TensorFormat::Npy).unwrap(), []);
    assert_eq!(join(TensorFormat::Safetensors).unwrap(), []);

    let bytes = fs::read(prepared.tensor(0, "npy")).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert!(end.is_multiple_of(64) && bytes[end - 1] == b'\n');
    let header = std::str::from_utf8(&bytes[10..end]).unwrap();
    let dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3, 24, 24, ), }";
    assert_eq!(header.trim_end(), dictionary);
    assert_eq!(floats(&bytes[end..]), prepared.expected(0, 3));

    let bytes = fs::read(prepared.tensor(0, "safetensors")).unwrap();
    let length = usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let values = &bytes[8 + length..];
    assert_eq!(
        header,
        serde_json::json!({"views": {
            "dtype": "F32", "shape": [3, 3, 24, 24], "data_offsets": [0, values.len()]
        }})
    );
    assert_eq!(floats(values), prepared.expected(0, 3));
}

#[test]
fn cells_with_missing_views_are_named() {
    let prepared = prepared();
    prepared.write(0..1, 4);
    prepared.write(1..2, 3);
    let rows = 0..3;
    let views = prepared.views(&rows, 4);
    let incomplete = join_views(&views, TensorFormat::Npy, &ProgressBar::hidden()).unwrap();
    let missing = |cell: usize, present| Incomplete {
        cell_id: prepared.table.rows[cell].cell_id.clone(),
        present,
    };
    assert_eq!(incomplete, [missing(1, 3), missing(2, 0)]);
    assert!(prepared.tensor(0, "npy").is_file());
    assert!(!prepared.tensor(1, "npy").exists());
}
