//! What the messages about new leads say.

use scrm_kernel::Timestamp;

use super::lead::Lead;

/// A customer whose name is not known.
pub const NAMELESS: &str = "新客户";
/// Characters of a name on a card.
const MOST_NAME: usize = 20;
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
        Self { title: format!("新线索：{who}"), reason: lead.reason.text(&lead.owner.user), lines }
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
