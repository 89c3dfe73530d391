//! The names of the measures.

use uncertainty::Measure;

#[test]
fn names_are_those_that_serde_reads_and_writes() {
    for measure in Measure::ALL {
        let written = serde_json::to_value(measure).unwrap();
        assert_eq!(written, measure.name());
        assert_eq!(serde_json::from_value::<Measure>(written).unwrap(), measure);
    }
}
