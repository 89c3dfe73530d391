//! The distance of an image from those of training, as a p-value.

use uncertainty::ood::OodModel;

#[test]
fn across_parts_each_row_is_scored_by_the_others_and_new_ones_by_all() {
    let rows: Vec<[f32; 2]> = (0u8..12)
        .map(|row| [f32::from(row % 5), f32::from(row * row % 7)])
        .collect();
    let rows: Vec<&[f32]> = rows.iter().map(|row| &row[..]).collect();
    let parts: Vec<Vec<&[f32]>> = rows.chunks(4).map(<[&[f32]]>::to_vec).collect();
    let (across, scores) = OodModel::fit_across(&parts, 0.1).unwrap();
    let without_second = OodModel::fit(&[&rows[..4], &rows[8..]].concat(), &parts[1], 0.1);
    let without_second = without_second.unwrap();
    let alone: Vec<f64> = parts[1]
        .iter()
        .map(|row| without_second.score(row).unwrap())
        .collect();
    assert_eq!(scores[1], alone);
    assert_eq!(across.calibration_scores.len(), 12);
    assert_eq!(across.check(), Ok(()));
    assert_eq!(
        across.gaussian,
        OodModel::fit(&rows, &rows, 0.1).unwrap().gaussian
    );
    assert!(OodModel::fit_across(&parts[..1], 0.1).is_err());
}

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
