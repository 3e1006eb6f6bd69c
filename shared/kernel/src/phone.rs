//! Phone numbers in one spelling, E.164, so that one person is found whatever form they filled in.
//!
//! A careful reader of what people in mainland China type, not a directory of the world's numbering plans: a number with
//! another country's code is taken at its word.

use std::fmt;

/// What a number without a country code belongs to.
const HOME: &str = "86";
/// Digits of an E.164 number at most, country code included.
const MOST_DIGITS: usize = 15;
/// Digits of a number with another country's code at least.
const LEAST_DIGITS: usize = 7;

/// A phone number in E.164: `+8613800138000`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone(String);

/// A text that is no phone number. It does not say what the text was: that may be somebody's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no phone number")]
pub struct BadPhone;

impl Phone {
    /// Reads a number as people type it; without a country code it is one of mainland China.
    pub fn parse(text: &str) -> Result<Self, BadPhone> {
        let (is_international, digits) = digits_of(text)?;
        let abroad = digits.strip_prefix("00");
        if is_international || abroad.is_some() {
            return international(abroad.unwrap_or(&digits));
        }
        match national(&digits) {
            Some(national) => Ok(Self(format!("+{HOME}{national}"))),
            // `8613800138000`: the plus was lost on the way.
            None => digits.strip_prefix(HOME).ok_or(BadPhone).and_then(after_home),
        }
    }

    /// Returns the number in E.164.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Phone {
    /// Never writes the number: what is debugged is logged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(…)")
    }
}

/// Returns whether the number begins with a plus, and its digits without what people put between them.
fn digits_of(text: &str) -> Result<(bool, String), BadPhone> {
    let (mut has_plus, mut digits) = (false, String::with_capacity(MOST_DIGITS));
    for character in text.trim().chars() {
        match character {
            '0'..='9' => digits.push(character),
            // Full-width digits, as Chinese keyboards write them.
            '０'..='９' => {
                let value = u32::from(character) - u32::from('０');
                digits.extend(char::from_digit(value, 10));
            }
            '+' | '＋' if digits.is_empty() && !has_plus => has_plus = true,
            '-'
            | '.'
            | '('
            | ')'
            | '（'
            | '）'
            | '－'
            | '–'
            | '—'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' => {}
            space if space.is_whitespace() => {}
            _ => return Err(BadPhone),
        }
        if digits.len() > MOST_DIGITS + 2 {
            return Err(BadPhone);
        }
    }
    Ok((has_plus, digits))
}

fn international(digits: &str) -> Result<Phone, BadPhone> {
    if let Some(rest) = digits.strip_prefix(HOME) {
        return after_home(rest);
    }
    let fits = (LEAST_DIGITS..=MOST_DIGITS).contains(&digits.len());
    if fits && !digits.starts_with('0') { Ok(Phone(format!("+{digits}"))) } else { Err(BadPhone) }
}

/// Reads what follows the country code of mainland China: there an area code may come without its zero.
fn after_home(rest: &str) -> Result<Phone, BadPhone> {
    let with_zero = format!("0{rest}");
    let national = national(rest).or_else(|| national(&with_zero)).ok_or(BadPhone)?;
    Ok(Phone(format!("+{HOME}{national}")))
}

/// Returns a number of mainland China without its trunk zero, if it is one.
fn national(digits: &str) -> Option<&str> {
    let (has_trunk_zero, rest) = match digits.strip_prefix('0') {
        Some(rest) => (true, rest),
        None => (false, digits),
    };
    let second = rest.as_bytes().get(1).copied().unwrap_or_default();
    let is_mobile = rest.len() == 11 && rest.starts_with('1') && (b'3'..=b'9').contains(&second);
    // 010-12345678, 0755-12345678, 0371-1234567: area code and seven or eight digits.
    let is_landline = has_trunk_zero && (9..=11).contains(&rest.len()) && !rest.starts_with(['0', '1'])
        || has_trunk_zero && rest.starts_with("10") && (9..=10).contains(&rest.len());
    // 400 and 800 numbers are dialled as they are.
    let is_service =
        !has_trunk_zero && rest.len() == 10 && (rest.starts_with("400") || rest.starts_with("800"));
    (is_mobile || is_landline || is_service).then_some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_number_has_one_spelling() {
        let spellings = [
            "13800138000",
            " 138 0013 8000 ",
            "138-0013-8000",
            "+86 138 0013 8000",
            "+86-13800138000",
            "(+86)13800138000",
            "0086 13800138000",
            "8613800138000",
            "013800138000",
            "１３８００１３８０００",
            "＋86 13800138000",
            "\u{202d}13800138000\u{202c}",
        ];
        for spelling in spellings {
            assert_eq!(Phone::parse(spelling).unwrap().as_str(), "+8613800138000", "{spelling}");
        }
    }

    #[test]
    fn landlines_services_and_other_countries_are_read() {
        let cases = [
            ("010-12345678", "+861012345678"),
            ("+86 (010) 1234 5678", "+861012345678"),
            ("0755 12345678", "+8675512345678"),
            ("0371-1234567", "+863711234567"),
            ("400-812-3123", "+864008123123"),
            ("+1 (415) 555-2671", "+14155552671"),
            ("00852 2345 6789", "+85223456789"),
        ];
        for (text, expected) in cases {
            assert_eq!(Phone::parse(text).map(|phone| phone.0), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused_and_never_shown() {
        let bad = [
            "",
            " ",
            "+",
            "无",
            "12345",
            "1380013800",
            "138001380001",
            "12800138000",
            "+8612345",
            "+0123456789",
            "+1234567890123456",
            "13800138000转8001",
            "138001380OO",
            "1380013800\u{0}",
            "++8613800138000",
            "138+00138000",
        ];
        for text in bad {
            assert_eq!(Phone::parse(text), Err(BadPhone), "{text}");
        }
        let phone = Phone::parse("13800138000").unwrap();
        assert!(!format!("{phone:?}").contains("138"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_what_was_read_is_read_the_same_again(text: String) {
            if let Ok(phone) = Phone::parse(&text) {
                prop_assert_eq!(Phone::parse(phone.as_str()), Ok(phone));
            }
        }

        #[test]
        fn any_digits_are_read_the_same_again(text in "[+]?[0-9 -]{0,20}") {
            if let Ok(phone) = Phone::parse(&text) {
                prop_assert_eq!(Phone::parse(phone.as_str()), Ok(phone));
            }
        }
    }
}
