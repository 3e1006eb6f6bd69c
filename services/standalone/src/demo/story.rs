//! How one lead is told, and how many of them are told together.

use chrono::{Local, TimeZone as _};

use super::screen::{Look, Row, Screen, harmless};
use crate::tally::{SeenLead, Spread};

/// Columns of the cells: the moment, who came, through what, who got the lead, and how soon.
const TIME: usize = 8;
const CUSTOMER: usize = 16;
const CHANNEL: usize = 16;
const OWNER: usize = 10;
const WAIT: usize = 6;
/// Columns for how it went on, and with the reason behind it on the same line.
const OUTCOME: usize = 18;
const WITH_REASON: usize = TIME + CUSTOMER + CHANNEL + OWNER + WAIT + OUTCOME + 6 * 2 + 60;

/// What became of the card that tells the owner of a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Card {
    /// It is on its way, or nobody has asked yet.
    Pending,
    Sent,
    /// It is told together with others.
    Together,
    Refused,
    Unknown,
}

impl Card {
    const fn words(self) -> &'static str {
        match self {
            Self::Pending => "",
            Self::Sent => "，卡片已送达",
            Self::Together => "，与其他线索合并告知",
            Self::Refused => "，卡片被拒绝",
            Self::Unknown => "，卡片结果不明",
        }
    }
}

/// What a lead is called where people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) customer: String,
    pub(super) channel: String,
    /// `None` while nobody has the lead.
    pub(super) owner: Option<String>,
}

/// Returns what stands above the cells.
pub(super) fn head(screen: Screen) -> String {
    let row = Row::new(screen).cell(Look::Soft, "时间", TIME).cell(Look::Soft, "客户", CUSTOMER);
    let row = row.cell(Look::Soft, "渠道", CHANNEL).cell(Look::Soft, "→ 归属", OWNER);
    row.number(Look::Soft, "分配", WAIT).end(Look::Soft, "欢迎语")
}

/// Tells of a lead: who came through what, who got the lead and why, and what was sent.
pub(super) fn told(lead: &SeenLead, names: &Names, card: Card, screen: Screen) -> Vec<String> {
    let Names { customer, channel, owner } = names;
    let row = Row::new(screen).cell(Look::Soft, &clock(lead.received_at), TIME);
    let row = row.cell(Look::Strong, &harmless(customer), CUSTOMER);
    let row = row.cell(Look::Plain, &harmless(channel), CHANNEL);
    let row = match owner {
        Some(owner) => row.cell(Look::Good, &format!("→ {}", harmless(owner)), OWNER),
        None => row.cell(Look::Bad, "→ 线索池", OWNER),
    };
    let waited = lead.assigned_at.map(|at| wait(at - lead.received_at)).unwrap_or_default();
    let row = row.number(Look::Soft, &waited, WAIT);
    let (look, outcome) = greeting(lead);
    let why = format!("{}{}", reason(lead, owner.as_deref()), card.words());
    if screen.has_room_for(WITH_REASON) {
        return vec![row.cell(look, &outcome, OUTCOME).end(Look::Soft, &why)];
    }
    let below = Row::new(screen).cell(Look::Soft, "", TIME).end(Look::Soft, &format!("└ {why}"));
    vec![row.end(look, &outcome), below]
}

/// Tells what became of a lead later.
pub(super) fn later(at: i64, who: &str, look: Look, what: &str, screen: Screen) -> String {
    let row = Row::new(screen).cell(Look::Soft, &clock(at), TIME);
    row.cell(Look::Strong, &harmless(who), CUSTOMER).end(look, &format!("↳ {}", harmless(what)))
}

/// Returns what became of a welcome message, in words.
pub(super) fn greeting(lead: &SeenLead) -> (Look, String) {
    let after = lead.welcome.at.map(|at| wait(at - lead.received_at)).unwrap_or_default();
    match (lead.welcome.state.as_str(), &lead.welcome.problem) {
        ("sent", None) => (Look::Good, format!("已发 {after}")),
        ("sent", Some(_)) => (Look::Bad, format!("已发 {after}，缺附件")),
        ("expired", _) => (Look::Bad, "没赶上 20 秒，未发".to_owned()),
        ("refused", _) => (Look::Bad, "被企业微信拒绝".to_owned()),
        ("unknown", _) => (Look::Bad, "结果不明".to_owned()),
        ("none", _) => (Look::Soft, "还没发".to_owned()),
        _ => (Look::Soft, "在路上".to_owned()),
    }
}

/// Returns why the owner has the lead, with a name in the place of the userid.
fn reason(lead: &SeenLead, owner: Option<&str>) -> String {
    let text = harmless(&lead.reason.text);
    match (&lead.owner, owner) {
        (Some(known), Some(name)) => {
            text.replace(&format!("成员 {}", known.user_id), &format!("成员 {}", harmless(name)))
        }
        _ => text,
    }
}

/// What happened in about a second, when it was too much to be told one by one.
#[derive(Debug, Default)]
pub(super) struct Busy {
    /// How many welcome messages WeCom had taken before: in a flood not each is seen with its lead.
    pub(super) welcomes_before: u64,
    pub(super) leads: usize,
    /// Milliseconds until there was an owner.
    pub(super) assigned: Vec<i64>,
    /// Milliseconds until the welcome message was sent.
    pub(super) greeted: Vec<i64>,
    /// Welcome messages that were not sent.
    pub(super) failed: usize,
}

impl Busy {
    /// Notes what became of a welcome message.
    pub(super) fn greet(&mut self, lead: &SeenLead) {
        match lead.welcome.at {
            Some(at) if lead.welcome.is_sent() => self.greeted.push(at - lead.received_at),
            _ => self.failed += 1,
        }
    }

    /// Reports whether nothing happened.
    pub(super) fn is_empty(&self, welcomes: u64) -> bool {
        self.leads == 0 && self.failed == 0 && self.welcomes_before == welcomes
    }

    /// Tells it in one line; `welcomes` is how many welcome messages WeCom has taken by now.
    pub(super) fn told(self, at: i64, welcomes: u64, screen: Screen) -> String {
        let Self { welcomes_before, leads, assigned, greeted, failed } = self;
        // Those that are seen late were taken before.
        let welcomes = welcomes.saturating_sub(welcomes_before).max(greeted.len() as u64);
        let failed = if failed > 0 { format!("，{failed} 条没发出") } else { String::new() };
        let look = if failed.is_empty() { Look::Good } else { Look::Bad };
        let welcomes = format!("欢迎语 {welcomes:>3} 条{}{failed}", spread(greeted));
        let row = Row::new(screen).cell(Look::Soft, &clock(at), TIME);
        let row = row.cell(Look::Strong, &format!("{leads:>3} 条线索"), 10);
        row.cell(Look::Soft, &format!("分配{}", spread(assigned)), 22).end(look, &welcomes)
    }
}

fn spread(values: Vec<i64>) -> String {
    let most = values.iter().max().copied();
    match (Spread::of(values).p50, most) {
        (Some(middle), Some(most)) => format!(" {}，最慢 {}", bare(middle), wait(most)),
        _ => String::new(),
    }
}

/// Writes how long something took.
pub(super) fn wait(ms: i64) -> String {
    if ms < 1000 { format!("{ms} ms") } else { format!("{} s", bare(ms)) }
}

fn bare(ms: i64) -> String {
    if ms < 1000 { ms.to_string() } else { format!("{}.{}", ms / 1000, ms % 1000 / 100) }
}

/// Returns a moment as the clock on the wall shows it.
fn clock(at: i64) -> String {
    Local.timestamp_millis_opt(at).single().map(|at| at.format("%H:%M:%S").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::{SeenOwner, SeenReason, SeenWelcome};

    const FILE: Screen = Screen { width: None, has_colours: false };

    fn lead(state: &str, at: Option<i64>) -> SeenLead {
        SeenLead {
            id: "1".to_owned(),
            external_user_id: Some("wmA".to_owned()),
            owner: Some(SeenOwner { user_id: "Xuzihan96".to_owned(), name: None }),
            channel: Some("douyin-live".to_owned()),
            source: None,
            reason: SeenReason {
                text: "客户最先添加了成员 Xuzihan96 为联系人，线索归其所有".to_owned()
            },
            received_at: 1000,
            assigned_at: Some(1003),
            name: None,
            welcome: SeenWelcome { state: state.to_owned(), at, problem: None },
            followed_up_at: None,
        }
    }

    fn names() -> Names {
        Names {
            customer: "何子轩".into(), channel: "抖音直播间".into(), owner: Some("徐子涵".into())
        }
    }

    #[test]
    fn a_lead_is_a_story_on_one_line_where_there_is_room() {
        let told = told(&lead("sent", Some(1048)), &names(), Card::Sent, FILE);
        let time = clock(1000);
        let line = format!(
            "{time}  何子轩            抖音直播间        → 徐子涵      3 ms  已发 48 ms          \
             客户最先添加了成员 徐子涵 为联系人，线索归其所有，卡片已送达"
        );
        assert_eq!(told, [line]);
    }

    #[test]
    fn on_a_narrow_screen_the_reason_stands_below_and_no_line_is_too_long() {
        use unicode_width::UnicodeWidthStr as _;
        let screen = Screen { width: Some(80), has_colours: false };
        let names = Names {
            customer: "平凡之路～岁月静好～往事随风～追风少年".to_owned(),
            channel: "package-card-00000000000000001".to_owned(),
            owner: Some("欧阳桂兰".to_owned()),
        };
        for (state, at) in [("sent", Some(123_456)), ("expired", Some(22_000)), ("wanted", None)] {
            let told = told(&lead(state, at), &names, Card::Together, screen);
            assert_eq!(told.len(), 2);
            for line in told {
                // What moves the cursor to a column takes no room of its own.
                let shown: String = line
                    .split("\u{1b}[")
                    .enumerate()
                    .map(
                        |(i, part)| {
                            if i == 0 { part } else { part.split_once('G').map_or(part, |(_, rest)| rest) }
                        },
                    )
                    .collect();
                assert!(shown.width() <= 80, "{} columns: {shown}", shown.width());
            }
        }
    }

    #[test]
    fn what_went_wrong_is_said_in_words() {
        assert_eq!(greeting(&lead("expired", None)), (Look::Bad, "没赶上 20 秒，未发".to_owned()));
        assert_eq!(greeting(&lead("sent", Some(3_250))), (Look::Good, "已发 2.2 s".to_owned()));
        let mut lead = lead("sent", Some(1050));
        lead.welcome.problem = Some("the picture is gone".to_owned());
        assert_eq!(greeting(&lead), (Look::Bad, "已发 50 ms，缺附件".to_owned()));
        lead.owner = None;
        let pool = told(&lead, &Names { owner: None, ..names() }, Card::Pending, FILE).concat();
        assert!(pool.contains("→ 线索池"), "{pool}");
    }

    #[test]
    fn a_busy_second_is_one_line() {
        let mut busy = Busy { leads: 102, assigned: vec![2, 3, 12], welcomes_before: 40, ..Busy::default() };
        busy.greet(&lead("sent", Some(1041)));
        busy.greet(&lead("refused", None));
        let line = format!(
            "{}  102 条线索  分配 3，最慢 12 ms      欢迎语   1 条 41，最慢 41 ms，1 条没发出",
            clock(1000)
        );
        assert_eq!(busy.told(1000, 41, FILE), line);
    }

    #[test]
    fn what_was_sent_in_an_earlier_second_counts_when_it_is_seen() {
        let mut busy = Busy { welcomes_before: 200, ..Busy::default() };
        busy.greet(&lead("sent", Some(1041)));
        assert!(busy.told(1000, 200, FILE).ends_with("欢迎语   1 条 41，最慢 41 ms"));
    }
}
