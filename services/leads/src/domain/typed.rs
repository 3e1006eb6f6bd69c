//! Short texts that people type.

/// Checks a text of 1 to `most` characters; the error completes a sentence that begins with the field.
pub(super) fn checked(text: &str, most: usize) -> Result<String, String> {
    let text = text.trim();
    let count = text.chars().count();
    if count == 0 {
        return Err("is empty".to_owned());
    }
    if count > most {
        return Err(format!("has {count} characters, and may have {most}"));
    }
    if text.chars().any(|char| char.is_control() && char != '\n') {
        return Err("holds a control character".to_owned());
    }
    Ok(text.to_owned())
}
