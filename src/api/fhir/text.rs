//! What FHIR allows in strings and codes.

/// A string of FHIR: not blank, and without control characters but tabs and ends of lines. Others are replaced; what is blank
/// is left out.
pub(super) fn string(text: &str) -> Option<String> {
    let replaced = |character: char| {
        if is_allowed(character) {
            character
        } else {
            char::REPLACEMENT_CHARACTER
        }
    };
    (!text.trim().is_empty()).then(|| text.chars().map(replaced).collect())
}

/// Whether a string of FHIR may hold a character.
pub(super) fn is_allowed(character: char) -> bool {
    !character.is_control() || matches!(character, '\t' | '\n' | '\r')
}

/// A code of FHIR: words with one space between them.
pub(super) fn code_text(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fhir_does_not_allow_is_replaced_or_left_out() {
        assert_eq!(string("S26-1 ü"), Some("S26-1 ü".to_owned()));
        assert_eq!(string("a\u{1}b"), Some("a\u{fffd}b".to_owned()));
        assert_eq!(string(" \t"), None);
        assert_eq!(code_text(" light  dysplasia\n"), "light dysplasia");
    }
}
