//! What the messages about new leads say.

use scrm_kernel::Timestamp;

use super::lead::Lead;

/// A customer whose name is not known.
pub const NAMELESS: &str = "新客户";
/// Characters of a name on a card.
const MOST_NAME: usize = 20;
/// Characters of the text below the headline of a card.
const MOST_REASON: usize = 160;
/// Characters of a line of a card.
const MOST_LINE: usize = 26;
/// Bytes of an app message are 2048 at most; this is for the names in one.
const MOST_NAMES: usize = 1500;

/// What a card says. It is settled before the first call: WeCom knows a repetition by its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The headline.
    pub title: String,
    /// Why this member gets the lead.
    pub reason: String,
    /// Name and value of each line.
    pub lines: Vec<(String, String)>,
}

impl Words {
    /// Returns what the card of `lead` says.
    pub fn of(lead: &Lead, name: Option<&str>) -> Self {
        let who = shown(name);
        let channel = lead.channel.as_deref().map(|channel| clipped(channel, MOST_LINE));
        let mut lines = vec![("客户".to_owned(), who.clone())];
        lines.extend(channel.filter(|channel| !channel.is_empty()).map(|text| ("渠道".to_owned(), text)));
        lines.push(("时间".to_owned(), at_home(lead.received_at)));
        let reason = clipped(&lead.reason.text, MOST_REASON);
        Self { title: format!("新线索：{who}"), reason, lines }
    }
}

/// Returns a name as a card shows it.
fn shown(name: Option<&str>) -> String {
    let name = clipped(name.unwrap_or_default(), MOST_NAME);
    if name.is_empty() { NAMELESS.to_owned() } else { name }
}

/// Untrusted text: no line breaks, not too long.
fn clipped(text: &str, most: usize) -> String {
    text.chars().filter(|char| !char.is_control()).take(most).collect::<String>().trim().to_owned()
}

/// Returns a moment as people in China read it.
fn at_home(moment: Timestamp) -> String {
    // China has one time zone, eight hours ahead, and no summer time.
    (moment + std::time::Duration::from_hours(8)).format("%m-%d %H:%M").to_string()
}

/// Returns the one message that tells of leads that came in the minute from `minute` on: each is named or counted.
///
/// It names its minute, so that WeCom takes no two of them for one.
pub fn digest(minute: Timestamp, names: &[Option<String>]) -> String {
    let mut known: Vec<String> = Vec::new();
    let mut bytes = 0;
    for name in names.iter().flatten().map(|name| clipped(name, MOST_NAME)).filter(|name| !name.is_empty()) {
        bytes += name.len() + "、".len();
        if bytes > MOST_NAMES {
            break;
        }
        known.push(name);
    }
    let mut parts = Vec::new();
    if !known.is_empty() {
        parts.push(known.join("、"));
    }
    let rest = names.len() - known.len();
    if rest > 0 {
        parts.push(format!("{NAMELESS} {rest} 位"));
    }
    let (count, minute) = (names.len(), at_home(minute));
    format!("您有 {count} 条新线索（{minute}）\n{}\n请在线索列表中查看并跟进", parts.join("，另有"))
}

#[cfg(test)]
mod tests {
    use scrm_kernel::time::from_millis;

    use super::*;

    /// 2026-03-02 16:05 UTC: the next day in China.
    const LATE: i64 = 1_772_467_500_000;

    fn names(names: &[&str]) -> Vec<Option<String>> {
        names.iter().map(|name| Some((*name).to_owned())).collect()
    }

    #[test]
    fn leads_told_together_are_named_or_counted() {
        let minute = from_millis(LATE);
        let all = [names(&["王芳", "李\n雷"]), vec![None, Some(" ".to_owned())]].concat();
        let told = "您有 4 条新线索（03-03 00:05）\n王芳、李雷，另有新客户 2 位\n请在线索列表中查看并跟进";
        assert_eq!(digest(minute, &all), told);
        assert!(digest(minute, &[None]).contains("\n新客户 1 位\n"));
        assert!(digest(minute, &names(&["王芳"])).contains("\n王芳\n"));
    }

    #[test]
    fn any_number_of_leads_fits_one_message() {
        let many = vec![Some("长".repeat(100)); 500];
        let text = digest(from_millis(LATE), &many);
        assert!(text.len() <= 2048, "{} bytes", text.len());
        let named = text.matches(&"长".repeat(MOST_NAME)).count();
        assert!(text.contains(&format!("新客户 {} 位", 500 - named)), "{text}");
    }
}
