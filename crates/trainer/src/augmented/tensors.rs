//! One f32 tensor as a file in a common format: NumPy's `.npy` or `.safetensors`.

/// A whole `.npy` file, version 1.0, little-endian f32 in C order.
///
/// The format is NumPy's (`numpy.lib.format`): magic, version, length of the header, and a Python
/// dictionary padded with spaces so that the values start at a multiple of 64.
pub fn npy(shape: &[usize], values: &[f32]) -> Vec<u8> {
    const PREFIX: usize = 10;
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({sizes}), }}");
    pad(&mut header, PREFIX + 1, 64);
    header.push('\n');
    // The dictionary has about a hundred bytes.
    let length = u16::try_from(header.len()).unwrap_or(u16::MAX);
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(length.to_le_bytes());
    bytes.extend(header.as_bytes());
    append(values, &mut bytes);
    bytes
}

/// A whole `.safetensors` file with one tensor: the length of a JSON header as a u64, the header,
/// the values.
pub fn safetensors(name: &str, shape: &[usize], values: &[f32]) -> Vec<u8> {
    const PREFIX: usize = 8;
    let tensor = serde_json::json!({
        "dtype": "F32",
        "shape": shape,
        "data_offsets": [0, size_of_val(values)],
    });
    let mut header = serde_json::json!({ name: tensor }).to_string();
    pad(&mut header, PREFIX, 8);
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    append(values, &mut bytes);
    bytes
}

/// Appends spaces until `before` bytes and the text end at a multiple of `unit`.
fn pad(text: &mut String, before: usize, unit: usize) {
    while !(before + text.len()).is_multiple_of(unit) {
        text.push(' ');
    }
}

fn append(values: &[f32], bytes: &mut Vec<u8>) {
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}
