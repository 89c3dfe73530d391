//! The names of the measures.

use uncertainty::Measure;

#[test]
fn measure_names_match_serde() {
    for measure in Measure::ALL {
        let written = serde_json::to_value(measure).unwrap();
        assert_eq!(written, measure.name());
        assert_eq!(serde_json::from_value::<Measure>(written).unwrap(), measure);
    }
}
