//! Check digits of SNOMED CT codes.

/// Verhoeff's multiplication: the dihedral group of order 10.
fn multiply(left: u8, right: u8) -> u8 {
    match (left < 5, right < 5) {
        (true, true) => (left + right) % 5,
        (true, false) => 5 + (left + right) % 5,
        (false, true) => 5 + (left + 5 - right) % 5,
        (false, false) => (left + 5 - right) % 5,
    }
}

/// Verhoeff's permutation.
fn permute(digit: u8) -> u8 {
    match digit {
        0 => 1,
        1 => 5,
        2 => 7,
        3 => 6,
        4 => 2,
        5 => 8,
        6 => 3,
        7 => 0,
        8 => 9,
        _ => 4,
    }
}

/// Whether a text is a valid SNOMED CT identifier: 6 to 18 digits, the last one a check digit by
/// Verhoeff's scheme (SNOMED CT Release File Specifications, section 5.5). It does not look the
/// code up.
pub fn is_snomed_ct(text: &str) -> bool {
    if !(6..=18).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let mut check = 0;
    for (place, byte) in text.bytes().rev().enumerate() {
        let permuted = (0..place % 8).fold(byte - b'0', |digit, _| permute(digit));
        check = multiply(check, permuted);
    }
    check == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistyped_codes_are_found() {
        for code in ["373887005", "62051000119105", "1162767002", "22725004"] {
            assert!(is_snomed_ct(code), "{code}");
        }
        for code in ["373887006", "378387005", "37388700", "12345", "LSIL", ""] {
            assert!(!is_snomed_ct(code), "{code}");
        }
    }
}
