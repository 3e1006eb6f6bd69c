//! Every path that a source file names: use trees spread out, `self` and `super` resolved.

use super::tokens::{Kind, Token, tokenize};

/// A path and the module that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub line: usize,
    /// The module within the crate: `["http", "leads"]`.
    pub module: Vec<String>,
    /// From `crate` or from another crate: `["crate", "store", "lead"]`, `["std", "env"]`.
    pub path: Vec<String>,
}

/// Returns the paths of a file whose own module is `module`.
///
/// A lone word is a path only in a `use`: elsewhere it is most often a local name.
pub(super) fn paths(text: &str, module: &[String]) -> Vec<Named> {
    let tokens = tokenize(text);
    let mut walk =
        Walk { tokens: &tokens, at: 0, module: module.to_vec(), ends: Vec::new(), found: Vec::new() };
    walk.file();
    walk.found
}

struct Walk<'tokens> {
    tokens: &'tokens [Token],
    at: usize,
    module: Vec<String>,
    /// For every open brace, whether it opened a module.
    ends: Vec<bool>,
    found: Vec<Named>,
}

impl Walk<'_> {
    fn file(&mut self) {
        let mut in_use = false;
        while let Some(token) = self.tokens.get(self.at) {
            match &token.kind {
                Kind::Word(word) if word == "mod" => self.open_module(),
                Kind::Word(word) if word == "use" => {
                    in_use = true;
                    self.at += 1;
                }
                Kind::Word(word) if word == "as" && in_use => self.at += 2,
                Kind::Word(_) => self.tree(&[], in_use),
                Kind::PathSeparator => self.separator(in_use),
                Kind::Sign(sign) => {
                    self.sign(*sign);
                    in_use &= *sign != ';';
                    self.at += 1;
                }
            }
        }
    }

    /// `mod name {` leads into a module, `mod name;` does not.
    fn open_module(&mut self) {
        self.at += 1;
        let Some(Kind::Word(name)) = self.kind(0) else { return };
        if self.kind(1) == Some(&Kind::Sign('{')) {
            self.module.push(name.clone());
            self.ends.push(true);
            self.at += 1;
        }
        self.at += 1;
    }

    fn sign(&mut self, sign: char) {
        if sign == '{' {
            self.ends.push(false);
        } else if sign == '}' && self.ends.pop() == Some(true) {
            self.module.pop();
        }
    }

    /// `::serde` begins a path; the `::new` of `<T>::new` goes on with a type.
    fn separator(&mut self, in_use: bool) {
        let goes_on = self.at > 0 && self.tokens[self.at - 1].kind == Kind::Sign('>');
        self.at += 1;
        if !goes_on {
            return;
        }
        if let (Some(Kind::Word(_)), false) = (self.kind(0), in_use) {
            self.at += 1;
        }
    }

    /// Reads `a::b::{c, d::*}`, with `before` in front of it.
    fn tree(&mut self, before: &[String], in_use: bool) {
        let mut path = before.to_vec();
        let line = self.tokens[self.at].line;
        while let Some(Kind::Word(word)) = self.kind(0) {
            path.push(word.clone());
            self.at += 1;
            if self.kind(0) != Some(&Kind::PathSeparator) {
                break;
            }
            match self.kind(1) {
                Some(Kind::Word(_)) => self.at += 1,
                Some(Kind::Sign('{')) => {
                    self.at += 2;
                    self.group(&path);
                    return;
                }
                _ => {
                    self.at += 1; // `::*` or `::<`
                    break;
                }
            }
        }
        if path.len() > 1 || in_use {
            self.note(line, &path);
        }
    }

    /// Reads what stands between the braces of a use tree, and the closing one.
    fn group(&mut self, before: &[String]) {
        while let Some(kind) = self.kind(0) {
            match kind {
                Kind::Word(word) if word == "as" => self.at += 2,
                Kind::Word(_) => self.tree(before, true),
                Kind::Sign('}') => {
                    self.at += 1;
                    return;
                }
                _ => self.at += 1,
            }
        }
    }

    fn note(&mut self, line: usize, path: &[String]) {
        let path = resolve(&self.module, path);
        self.found.push(Named { line, module: self.module.clone(), path });
    }

    fn kind(&self, ahead: usize) -> Option<&Kind> {
        self.tokens.get(self.at + ahead).map(|token| &token.kind)
    }
}

/// Turns `self::…` and `super::…` into `crate::…`.
fn resolve(module: &[String], path: &[String]) -> Vec<String> {
    let mut parents = module.to_vec();
    let mut rest = path;
    let mut is_relative = false;
    while let Some(first) = rest.first() {
        match first.as_str() {
            "self" => {}
            "super" => {
                parents.pop();
            }
            _ => break,
        }
        is_relative = true;
        rest = &rest[1..];
    }
    if !is_relative {
        return path.to_vec();
    }
    std::iter::once("crate".to_owned()).chain(parents).chain(rest.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(module: &str, text: &str) -> Vec<(usize, String)> {
        let module: Vec<_> = module.split("::").map(str::to_owned).collect();
        paths(text, &module).into_iter().map(|named| (named.line, named.path.join("::"))).collect()
    }

    fn texts(module: &str, text: &str) -> Vec<String> {
        found(module, text).into_iter().map(|(_, path)| path).collect()
    }

    #[test]
    fn a_use_tree_is_spread_out_with_the_line_of_each_branch() {
        let text = "use crate::{\n    app::App,\n    store::{self, lead as stored},\n};\nuse serde as s;";
        let expected =
            [(2, "crate::app::App"), (3, "crate::store::self"), (3, "crate::store::lead"), (5, "serde")];
        assert_eq!(found("http", text), expected.map(|(line, path)| (line, path.to_owned())));
    }

    #[test]
    fn paths_in_code_attributes_and_types_count() {
        let text = "#[derive(serde::Serialize)]\nfn f() -> Vec<std::env::Args> { crate::store::lead::<T>(<X>::new()) }";
        assert_eq!(texts("app", text), ["serde::Serialize", "std::env::Args", "crate::store::lead"]);
        assert_eq!(texts("app", "let x = ::std::env::args();"), ["std::env::args"]);
    }

    #[test]
    fn local_names_comments_and_strings_do_not_count() {
        assert_eq!(
            texts("app", "let serde = store; // crate::http\nlet x = \"crate::http\";"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn relative_paths_are_resolved_also_within_inline_modules() {
        let text =
            "use super::super::store;\nmod tests { use super::*; use super::super::dto::Out; }\nuse self::x;";
        let expected =
            ["crate::store", "crate::http::leads", "crate::http::dto::Out", "crate::http::leads::x"];
        assert_eq!(texts("http::leads", text), expected);
    }

    #[test]
    fn a_module_ends_with_its_own_brace() {
        let text = "mod a { fn f() { if x {} } }\nmod b;\nfn g() { self::h::i() }";
        assert_eq!(texts("http", text), ["crate::http::h::i"]);
    }
}
