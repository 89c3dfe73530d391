//! Label sets and how they are grouped.

use std::{collections::BTreeSet, fs};

use trainer::{ClassGrouping, LabelSet};

fn bethesda(classes: usize) -> ClassGrouping {
    ClassGrouping::with_classes(&LabelSet::named("bethesda").unwrap(), Some(classes)).unwrap()
}

#[test]
fn the_bethesda_classes_are_grouped_as_in_the_paper() {
    assert_eq!(bethesda(6).of_label, [0, 1, 2, 3, 4, 5]);
    assert_eq!(
        bethesda(6).names(),
        ["NILM", "ASC-US", "LSIL", "ASC-H", "HSIL", "SCC"]
    );
    assert_eq!(bethesda(3).of_label, [0, 1, 1, 2, 2, 2]);
    assert_eq!(bethesda(2).of_label, [0, 1, 1, 1, 1, 1]);
    assert_eq!(bethesda(2).abnormal(), [1]);
}

#[test]
fn another_number_of_classes_is_refused_with_those_that_exist() {
    let set = LabelSet::named("bethesda").unwrap();
    let refusal = ClassGrouping::with_classes(&set, Some(5))
        .unwrap_err()
        .to_string();
    assert!(refusal.contains("5 classes: choose 6, 3, 2"), "{refusal}");
}

#[test]
fn every_spelling_finds_its_label_and_others_none() {
    let set = LabelSet::named("bethesda").unwrap();
    assert_eq!(set.index_of("Negative for intraepithelial lesion"), Some(0));
    assert_eq!(set.index_of(" HSIL "), Some(4));
    assert_eq!(set.index_of("benign"), None);
}

#[test]
fn every_bethesda_class_has_its_snomed_ct_code_and_the_code_its_source() {
    for label in bethesda(6).outputs {
        assert!(
            label.snomed_ct.is_some() && label.snomed_ct_source.is_some(),
            "{label:?}"
        );
    }
    assert!(
        bethesda(2)
            .outputs
            .iter()
            .all(|label| label.snomed_ct.is_none())
    );
}

#[test]
fn the_set_is_guessed_from_the_labels() {
    let found = BTreeSet::from(["im_Koilocytotic", "im_Metaplastic"]);
    let set = LabelSet::guess(&found).unwrap();
    assert!(set.index_of("koilocytotic").is_some());
    assert!(LabelSet::guess(&BTreeSet::from(["cat", "dog"])).is_err());
}

#[test]
fn a_file_of_labels_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("labels.toml");
    let refusal = |text: &str| {
        fs::write(&file, text).unwrap();
        let named = LabelSet::named(file.to_str().unwrap());
        named.unwrap_err().to_string()
    };
    let mixed = "[[labels]]\nname = \"a\"\nabnormal = false\ngroup = \"g\"\n[[labels]]\nname = \"b\"\nabnormal = true\ngroup = \"g\"\n";
    assert!(refusal(mixed).contains("the group `g` holds normal and abnormal labels"));
    let twice =
        "[[labels]]\nname = \"a\"\nabnormal = false\n[[labels]]\nname = \"a\"\nabnormal = true\n";
    assert!(refusal(twice).contains("`a` names two labels"));
    let code = "[[labels]]\nname = \"a\"\nabnormal = false\nsnomed_ct = ";
    assert!(refusal(&format!("{code}\"373887005\"")).contains("without its source"));
    assert!(refusal(&format!("{code}\"373887006\"")).contains("no SNOMED CT code"));
    assert!(refusal("[[labels]]\nname = \"a\"\nabnormal = false\n").contains("one abnormal"));
    assert!(refusal("[[labels]]\nname = \"a\"\ncolour = 1\n").contains("colour"));
}
