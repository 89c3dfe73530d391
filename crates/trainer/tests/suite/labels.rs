//! Label sets and how they are grouped.

use std::{collections::BTreeSet, fs};

use trainer::{ClassGrouping, LabelSet};

fn bethesda(classes: usize) -> ClassGrouping {
    ClassGrouping::with_classes(&LabelSet::named("bethesda").unwrap(), Some(classes)).unwrap()
}

#[test]
fn bethesda_groups_match_the_paper() {
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
fn unknown_class_count_is_refused() {
    let set = LabelSet::named("bethesda").unwrap();
    let refusal = ClassGrouping::with_classes(&set, Some(5))
        .unwrap_err()
        .to_string();
    assert!(refusal.contains("5 classes: choose 6, 3, 2"), "{refusal}");
}

#[test]
fn labels_are_found_by_name_and_alias() {
    let set = LabelSet::named("bethesda").unwrap();
    assert_eq!(set.index_of("Negative for intraepithelial lesion"), Some(0));
    assert_eq!(set.index_of(" HSIL "), Some(4));
    assert_eq!(set.index_of("benign"), None);
}

#[test]
fn bethesda_codes_have_their_sources() {
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
fn label_set_is_guessed() {
    let found = BTreeSet::from(["im_Koilocytotic", "im_Metaplastic"]);
    let set = LabelSet::guess(&found).unwrap();
    assert!(set.index_of("koilocytotic").is_some());
    assert!(LabelSet::guess(&BTreeSet::from(["cat", "dog"])).is_err());
}

#[test]
fn invalid_label_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("labels.toml");
    let refusal = |text: &str| {
        fs::write(&file, text).unwrap();
        let named = LabelSet::named(file.to_str().unwrap());
        named.unwrap_err().to_string()
    };
    let mixed = "[[labels]]\nname = \"a\"\nabnormal = false\ngroup = \"g\"\n\
                 [[labels]]\nname = \"b\"\nabnormal = true\ngroup = \"g\"\n";
    assert!(refusal(mixed).contains("the group `g` has normal and abnormal labels"));
    let twice =
        "[[labels]]\nname = \"a\"\nabnormal = false\n[[labels]]\nname = \"a\"\nabnormal = true\n";
    assert!(refusal(twice).contains("two labels are called `a`"));
    let code = "[[labels]]\nname = \"a\"\nabnormal = false\nsnomed_ct = ";
    assert!(refusal(&format!("{code}\"373887005\"")).contains("without snomed_ct_source"));
    assert!(refusal(&format!("{code}\"373887006\"")).contains("not a SNOMED CT code"));
    assert!(refusal("[[labels]]\nname = \"a\"\nabnormal = false\n").contains("one abnormal"));
    let unknown = refusal("[[labels]]\nname = \"a\"\ncolour = 1\n");
    assert!(
        unknown.contains("line 3: unknown key `colour`"),
        "{unknown}"
    );
}
