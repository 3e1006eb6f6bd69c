//! Rust text as a list of tokens, as far as finding paths needs it: comments, strings and numbers fall away.

/// A token and the line it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: Kind,
    pub line: usize,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword; `r#type` is `type`.
    Word(String),
    /// `::`
    PathSeparator,
    /// Any other sign.
    Sign(char),
}

/// Splits a source file into tokens.
pub(super) fn tokenize(text: &str) -> Vec<Token> {
    let mut reader = Reader { rest: text, line: 1, tokens: Vec::new() };
    while let Some(next) = reader.rest.chars().next() {
        reader.step(next);
    }
    reader.tokens
}

struct Reader<'text> {
    rest: &'text str,
    line: usize,
    tokens: Vec<Token>,
}

impl Reader<'_> {
    fn step(&mut self, next: char) {
        if self.rest.starts_with("//") {
            self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            self.skip(block_comment(self.rest));
        } else if let Some(length) = raw_string(self.rest) {
            self.skip(length);
        } else if next == '"' {
            self.skip(quoted(self.rest, '"'));
        } else if next == '\'' {
            self.skip(letter_or_lifetime(self.rest));
        } else if next.is_alphabetic() || next == '_' {
            self.word();
        } else if next.is_ascii_digit() {
            self.skip(end_of_word(self.rest)); // 10_u64, 0xff
        } else if self.rest.starts_with("::") {
            self.push(Kind::PathSeparator, 2);
        } else if next.is_whitespace() {
            self.skip(next.len_utf8());
        } else {
            self.push(Kind::Sign(next), next.len_utf8());
        }
    }

    fn word(&mut self) {
        let rest = self.rest.strip_prefix("r#").unwrap_or(self.rest);
        let length = end_of_word(rest);
        let prefix = self.rest.len() - rest.len();
        self.push(Kind::Word(rest[..length].to_owned()), prefix + length);
    }

    fn push(&mut self, kind: Kind, length: usize) {
        self.tokens.push(Token { kind, line: self.line });
        self.skip(length);
    }

    fn skip(&mut self, length: usize) {
        let (gone, rest) = self.rest.split_at(length);
        self.line += gone.matches('\n').count();
        self.rest = rest;
    }
}

fn end_of_word(text: &str) -> usize {
    text.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(text.len())
}

/// Returns the length of the comment at the start, with the comments within it.
fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// Returns the length of the raw string at the start: `r"…"`, `r#"…"#`, `br"…"`, `cr"…"`.
fn raw_string(text: &str) -> Option<usize> {
    let body = ["r", "br", "cr"].iter().find_map(|prefix| text.strip_prefix(prefix))?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let inside = body[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
    Some(text.len() - inside.len() + length)
}

/// Returns the length of the text in quotes at the start.
fn quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if letter == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Returns the length of `'x'` or `'\n'`; of a lifetime only its tick.
fn letter_or_lifetime(text: &str) -> usize {
    let mut letters = text.chars().skip(1);
    let first = letters.next();
    if first == Some('\\') || letters.next() == Some('\'') { quoted(text, '\'') } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<(usize, String)> {
        let words = tokenize(text).into_iter().filter_map(|token| match token.kind {
            Kind::Word(word) => Some((token.line, word)),
            _ => None,
        });
        words.collect()
    }

    #[test]
    fn comments_and_strings_hold_no_words_and_keep_the_lines() {
        let text = "// one\n/* two /* three */\n four */ five\n\"six \\\" \n seven\" r#\"eight \" nine\"# ten b'x' b\"y\"";
        assert_eq!(
            words(text),
            [(3, "five"), (5, "ten"), (5, "b"), (5, "b")].map(|(line, word)| (line, word.into()))
        );
    }

    #[test]
    fn a_lifetime_is_no_letter() {
        let found = words("fn f<'a>(x: &'a str) { '\"'; '\\''; 'y' }");
        let names: Vec<_> = found.iter().map(|(_, word)| word.as_str()).collect();
        assert_eq!(names, ["fn", "f", "a", "x", "a", "str"]);
    }

    #[test]
    fn a_raw_name_is_its_name() {
        assert_eq!(words("r#type"), [(1, "type".to_owned())]);
    }

    #[test]
    fn what_never_ends_ends_with_the_file() {
        for text in ["\"open", "/* open", "r#\"open\"", "'", "//", "'\\"] {
            assert_eq!(words(text), [], "{text}");
        }
    }
}
