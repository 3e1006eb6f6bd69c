//! What a welcome message says.

use std::fmt;

use super::attachment::Attachment;

/// Bytes of a text at most (WeCom document 92599).
const MOST_TEXT: usize = 4000;
/// Bytes that a name takes in a text at most.
const MOST_NAME: usize = 200;
/// Attachments at most.
const MOST_ATTACHMENTS: usize = 9;

/// A text with variables: `{customer}` is the customer's name, `{customer|您}` says «您» when it is not known in time;
/// `{staff|顾问}` is the name of the member who greets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// Somebody's name, and what stands there without one.
    Name(Variable, String),
}

/// Whose name a text has in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    /// The customer's.
    Customer,
    /// That of the member who greets.
    Staff,
}

impl Variable {
    /// Returns the word for it in a text.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Staff => "staff",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Customer, Self::Staff].into_iter().find(|known| known.as_str() == text)
    }
}

/// The names that are known when a message is sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Names<'a> {
    /// The customer's.
    pub customer: Option<&'a str>,
    /// The member's.
    pub staff: Option<&'a str>,
}

impl Names<'_> {
    /// Returns a name as it fits into a text.
    fn of(self, variable: Variable) -> Option<String> {
        let name = match variable {
            Variable::Customer => self.customer,
            Variable::Staff => self.staff,
        };
        name.map(shortened).filter(|name| !name.is_empty())
    }
}

/// What a welcome message says; text or attachments are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// The text; may have no parts.
    pub text: Text,
    /// Up to nine, in order.
    pub attachments: Vec<Attachment>,
}

/// Why something cannot be a welcome message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct BadGreeting {
    /// Which field.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Text {
    /// Reads a text as somebody typed it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some(open) = rest.find('{') {
            let (literal, variable) = rest.split_at(open);
            let Some((inside, after)) = variable[1..].split_once('}') else {
                return Err("has a { without a }".to_owned());
            };
            let (name, neutral) = inside.split_once('|').unwrap_or((inside, ""));
            let Some(variable) = Variable::parse(name) else {
                return Err(format!(
                    "has the unknown variable {{{name}}}; {{customer|您}} and {{staff|顾问}} are known"
                ));
            };
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            parts.push(Part::Name(variable, neutral.to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        let parsed = Self(parts);
        let longest = parsed.longest();
        if longest > MOST_TEXT {
            return Err(format!("has up to {longest} bytes with names filled in; WeCom takes {MOST_TEXT}"));
        }
        Ok(parsed)
    }

    fn longest(&self) -> usize {
        let bytes = |part: &Part| match part {
            Part::Literal(text) => text.len(),
            Part::Name(_, neutral) => neutral.len().max(MOST_NAME),
        };
        self.0.iter().map(bytes).sum()
    }

    /// Reports whether somebody's name has a place in it.
    pub fn wants(&self, variable: Variable) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Name(wanted, _) if *wanted == variable))
    }

    /// Fills in the names, or the neutral words; `None` when nothing is left to say.
    pub fn fill(&self, names: Names<'_>) -> Option<String> {
        let words = |part: &Part| match part {
            Part::Literal(text) => text.clone(),
            Part::Name(variable, neutral) => names.of(*variable).unwrap_or_else(|| neutral.clone()),
        };
        Some(self.0.iter().map(words).collect::<String>()).filter(|text| !text.is_empty())
    }
}

impl fmt::Display for Text {
    /// Writes it as it was typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Literal(text) => f.write_str(text),
            Part::Name(variable, neutral) if neutral.is_empty() => write!(f, "{{{}}}", variable.as_str()),
            Part::Name(variable, neutral) => write!(f, "{{{}|{neutral}}}", variable.as_str()),
        })
    }
}

/// Cuts a name so that it fits; names are the customer's own, of any length and with any characters.
fn shortened(name: &str) -> String {
    let mut short = String::new();
    for char in name.trim().chars().filter(|char| !char.is_control()) {
        if short.len() + char.len_utf8() > MOST_NAME {
            break;
        }
        short.push(char);
    }
    short
}

impl Greeting {
    /// Checks what somebody typed; returns all that is wrong with it.
    pub fn parse(text: &str, attachments: Vec<Attachment>) -> Result<Self, Vec<BadGreeting>> {
        let mut wrong = Vec::new();
        let mut note = |field: String, problem: String| wrong.push(BadGreeting { field, problem });
        let text = Text::parse(text).map_err(|problem| note("text".to_owned(), problem)).ok();
        let count = attachments.len();
        if count > MOST_ATTACHMENTS {
            note("attachments".to_owned(), format!("has {count} entries; WeCom takes {MOST_ATTACHMENTS}"));
        }
        for (index, attachment) in attachments.iter().enumerate() {
            for (field, problem) in attachment.problems() {
                note(format!("attachments[{index}].{field}"), problem);
            }
        }
        if text.as_ref().is_some_and(|text| text.0.is_empty()) && attachments.is_empty() {
            note("text".to_owned(), "is empty, and there are no attachments".to_owned());
        }
        match text {
            Some(text) if wrong.is_empty() => Ok(Self { text, attachments }),
            _ => Err(wrong),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::attachment::Link;

    #[test]
    fn a_name_is_filled_in_or_left_out() {
        let text = Text::parse("{customer|您}好，欢迎！{customer}").unwrap();
        let of = |name| Names { customer: Some(name), staff: None };
        assert!(text.wants(Variable::Customer) && !text.wants(Variable::Staff));
        assert_eq!(text.fill(of("小鹿")).unwrap(), "小鹿好，欢迎！小鹿");
        assert_eq!(text.fill(Names::default()).unwrap(), "您好，欢迎！");
        assert_eq!(text.fill(of(" \u{7} ")).unwrap(), "您好，欢迎！");
        assert_eq!(Text::parse("{customer}").unwrap().fill(Names::default()), None);
        assert!(!Text::parse("欢迎").unwrap().wants(Variable::Customer));
    }

    #[test]
    fn customer_and_member_have_names_of_their_own() {
        let text = Text::parse("{customer|您}好，我是{staff|您的顾问}").unwrap();
        assert!(text.wants(Variable::Staff));
        let both = Names { customer: Some("小鹿"), staff: Some("李雷") };
        assert_eq!(text.fill(both).unwrap(), "小鹿好，我是李雷");
        let staff = Names { customer: None, ..both };
        assert_eq!(text.fill(staff).unwrap(), "您好，我是李雷");
        assert_eq!(text.fill(Names::default()).unwrap(), "您好，我是您的顾问");
        assert_eq!(text.to_string(), "{customer|您}好，我是{staff|您的顾问}");
    }

    #[test]
    fn what_cannot_be_said_is_named() {
        let unknown = Greeting::parse("{name}好", Vec::new()).unwrap_err();
        assert_eq!(unknown[0].field, "text");
        assert!(unknown[0].problem.contains("{name}"), "{unknown:?}");
        assert!(Text::parse("a { b").is_err());
        assert!(Text::parse(&"好".repeat(1333)).is_ok());
        assert!(Text::parse(&"好".repeat(1334)).is_err());
        assert!(Text::parse(&format!("{{customer}}{}", "好".repeat(1300))).is_err());
        assert_eq!(Greeting::parse("", Vec::new()).unwrap_err()[0].field, "text");
        let link = Link {
            title: String::new(),
            description: None,
            url: "https://a.example".to_owned(),
            picture_url: None,
        };
        let many = vec![Attachment::Link(link); 10];
        let fields: Vec<_> =
            Greeting::parse("", many).unwrap_err().into_iter().map(|bad| bad.field).collect();
        assert_eq!(
            (fields.len(), fields[0].as_str(), fields[1].as_str()),
            (11, "attachments", "attachments[0].title")
        );
    }

    proptest! {
        #[test]
        fn any_text_with_any_name_fits_and_is_written_as_it_was_read(
            text in "(.{0,20}|\\{customer\\|.{0,5}\\}|\\{staff\\}){0,8}",
            name in ".{0,400}",
        ) {
            if let Ok(parsed) = Text::parse(&text) {
                let names = Names { customer: Some(&name), staff: Some(&name) };
                prop_assert!(parsed.fill(names).unwrap_or_default().len() <= MOST_TEXT);
                prop_assert_eq!(Text::parse(&parsed.to_string()).unwrap(), parsed);
            }
        }
    }
}
