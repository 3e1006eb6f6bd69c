//! Where lines are shown: how wide it is, whether it takes colours, and how much room a text takes.

use std::io::{IsTerminal as _, Write as _};

use unicode_width::UnicodeWidthStr as _;

/// How wide a terminal is that does not say it.
const USUAL_WIDTH: usize = 80;
/// Columns between two cells.
const GAP: usize = 2;

/// How a text looks; what it says is also clear without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    Strong,
    Soft,
    Good,
    Bad,
}

impl Look {
    const fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Soft => Some("2"),
            Self::Good => Some("32"),
            Self::Bad => Some("31"),
        }
    }
}

/// What shows the lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    /// How wide it is; `None` where nobody watches, such as in a file.
    pub(super) width: Option<usize>,
    /// Whether it takes colours.
    pub(super) has_colours: bool,
}

impl Screen {
    /// Looks at what is behind stderr.
    pub(super) fn of_stderr() -> Self {
        let err = std::io::stderr();
        let is_dumb = scrm_config::variable("TERM").is_some_and(|term| term == "dumb");
        if !err.is_terminal() || is_dumb {
            return Self { width: None, has_colours: false };
        }
        let said = rustix::termios::tcgetwinsize(&err).map(|size| usize::from(size.ws_col));
        let width = said.ok().filter(|width| *width > 0).unwrap_or(USUAL_WIDTH);
        // https://no-color.org
        Self { width: Some(width), has_colours: scrm_config::variable("NO_COLOR").is_none() }
    }

    /// Reports whether a line may be as long as this.
    pub(super) fn has_room_for(self, columns: usize) -> bool {
        self.width.is_none_or(|width| columns <= width)
    }

    /// Gives a text a look.
    pub(super) fn paint(self, look: Look, text: &str) -> String {
        match look.code().filter(|_| self.has_colours && !text.is_empty()) {
            Some(code) => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            None => text.to_owned(),
        }
    }

    /// Prints lines.
    pub(super) fn print(lines: &[String]) {
        let mut err = std::io::stderr().lock();
        for line in lines {
            // A terminal that is gone does not stop the demo.
            writeln!(err, "{line}").ok();
        }
    }
}

/// A line of cells that stand below each other.
pub(super) struct Row {
    screen: Screen,
    text: String,
    column: usize,
}

impl Row {
    /// Begins a line.
    pub(super) const fn new(screen: Screen) -> Self {
        Self { screen, text: String::new(), column: 0 }
    }

    /// Adds a cell of so many columns, flush left; on a screen, what is longer is cut.
    pub(super) fn cell(mut self, look: Look, text: &str, width: usize) -> Self {
        let shown = if self.screen.width.is_some() { cut(text, width) } else { text.to_owned() };
        let rest = width.saturating_sub(shown.width());
        self.text.push_str(&self.screen.paint(look, &shown));
        self.close(rest, width)
    }

    /// Adds a cell of so many columns, flush right.
    pub(super) fn number(mut self, look: Look, text: &str, width: usize) -> Self {
        self.text.push_str(&" ".repeat(width.saturating_sub(text.width())));
        self.text.push_str(&self.screen.paint(look, text));
        self.close(0, width)
    }

    fn close(mut self, rest: usize, width: usize) -> Self {
        self.text.push_str(&" ".repeat(rest + GAP));
        self.column += width + GAP;
        if self.screen.width.is_some() {
            // Terminals disagree about the width of emoji; the next cell begins where it should all the same.
            let place = format!("\u{1b}[{}G", self.column + 1);
            self.text.push_str(&place);
        }
        self
    }

    /// Ends the line with a text of any length, which a screen cuts where the line ends.
    pub(super) fn end(mut self, look: Look, text: &str) -> String {
        let room = self.screen.width.map_or(usize::MAX, |width| width.saturating_sub(self.column));
        self.text.push_str(&self.screen.paint(look, &cut(text, room)));
        self.text
    }
}

/// Makes foreign text harmless: one line, and nothing that moves the cursor or the direction of writing.
pub(super) fn harmless(text: &str) -> String {
    let is_harmful = |char: char| {
        char.is_control()
            || matches!(char, '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
            || matches!(char, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
    };
    let kept: String = text.chars().filter(|char| !is_harmful(*char)).collect();
    kept.trim().to_owned()
}

/// Shortens a text to so many columns.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let ends = text.char_indices().map(|(end, _)| end);
    let end = ends.take_while(|end| text[..*end].width() < width).last().unwrap_or_default();
    // What joins with the next character must not join with the mark.
    let kept = text[..end].trim_end_matches(['\u{200d}', ' ']);
    if width == 0 { String::new() } else { format!("{kept}…") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: Screen = Screen { width: Some(80), has_colours: true };
    const FILE: Screen = Screen { width: None, has_colours: false };

    #[test]
    fn texts_are_cut_to_the_room_that_they_take() {
        assert_eq!(cut("何子轩", 6), "何子轩");
        assert_eq!(cut("何子轩", 5), "何子…");
        assert_eq!(cut("何子轩", 4), "何…");
        assert_eq!(cut("Kevin Zhang", 6), "Kevin…");
        assert_eq!(cut("何", 0), "");
        for width in 0..40 {
            for text in ["👨‍👩‍👧张三👨‍👩‍👧", "🇨🇳王五👍🏽", "a\u{301}bc李𠮷", "平凡之路～岁月静好～往事随风"]
            {
                assert!(cut(text, width).width() <= width, "{text} in {width}");
            }
        }
    }

    #[test]
    fn foreign_text_cannot_move_the_cursor() {
        assert_eq!(harmless("\u{200b}隐身\u{200b}"), "隐身");
        assert_eq!(harmless("a\u{1b}[2Jb\r\nc\u{202e}d"), "a[2Jbcd");
        assert_eq!(harmless("👨‍👩‍👧"), "👨‍👩‍👧");
    }

    #[test]
    fn cells_stand_below_each_other_and_only_a_screen_cuts_them() {
        let line = |screen| {
            Row::new(screen)
                .cell(Look::Strong, "欧阳志强", 6)
                .number(Look::Plain, "3 ms", 6)
                .end(Look::Soft, "完")
        };
        assert_eq!(line(FILE), "欧阳志强    3 ms  完");
        assert_eq!(
            line(TERMINAL),
            "\u{1b}[1m欧阳…\u{1b}[0m   \u{1b}[9G  3 ms  \u{1b}[17G\u{1b}[2m完\u{1b}[0m"
        );
        assert_eq!(line(Screen { has_colours: false, ..TERMINAL }), "欧阳…   \u{1b}[9G  3 ms  \u{1b}[17G完");
    }
}
