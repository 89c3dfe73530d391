//! The distance of an image from those of training, as a p-value.

use uncertainty::ood::OodModel;

#[test]
fn a_calibration_score_counts_itself_once() {
    let rows: Vec<[f32; 1]> = (0u8..100).map(|row| [f32::from(row)]).collect();
    let rows: Vec<&[f32]> = rows.iter().map(|row| &row[..]).collect();
    let model = OodModel::fit(&rows[..1], &rows, 1.0).unwrap();
    let largest = model.score(rows[99]).unwrap();
    assert_eq!(model.p_value_left_out(largest), 0.01);
    assert_eq!(model.p_value(largest), 2.0 / 101.0);
    assert_eq!(model.p_value(2.0 * largest), 1.0 / 101.0);
}
