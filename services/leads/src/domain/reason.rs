//! Why somebody owns a lead, or why nobody does.

use scrm_kernel::WecomUserId;

use super::typed::checked;

/// Characters that a person may write about a decision: they are read on a card.
const MOST_EXPLANATION: usize = 100;

/// The sort of reason, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasonCode {
    /// The customer added this member in WeCom.
    AddedByContact,
    /// It was their turn.
    RoundRobin,
    /// Their share was the smallest for their weight.
    Weighted,
    /// They had the fewest open leads.
    LeastLoaded,
    /// No member of the group could take it.
    Backup,
    /// 撞单保护: somebody works on this person already.
    Protected,
    /// No member of the group can take it, and there is no backup: it waits.
    NoEligibleMember,
    /// The group that should decide is not there: it waits.
    NoSuchGroup,
    /// Somebody gave it to this member.
    Reassigned,
}

impl ReasonCode {
    /// All of them.
    const ALL: [Self; 9] = [
        Self::AddedByContact,
        Self::RoundRobin,
        Self::Weighted,
        Self::LeastLoaded,
        Self::Backup,
        Self::Protected,
        Self::NoEligibleMember,
        Self::NoSuchGroup,
        Self::Reassigned,
    ];

    /// Returns the stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AddedByContact => "added_by_contact",
            Self::RoundRobin => "round_robin",
            Self::Weighted => "weighted",
            Self::LeastLoaded => "least_loaded",
            Self::Backup => "backup",
            Self::Protected => "protected",
            Self::NoEligibleMember => "no_eligible_member",
            Self::NoSuchGroup => "no_such_group",
            Self::Reassigned => "reassigned",
        }
    }

    /// Reads the stable code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == code)
    }
}

/// A reason, with the words in which it was given: they never change afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// For programs.
    pub code: ReasonCode,
    /// As the people who work with leads read it.
    pub text: String,
}

impl Reason {
    /// The customer added `owner` in WeCom.
    pub fn added_by_contact(owner: &WecomUserId) -> Self {
        let text = format!("客户最先添加了成员 {owner} 为联系人，线索归其所有");
        Self { code: ReasonCode::AddedByContact, text }
    }

    /// It was the turn of `owner`.
    pub fn round_robin(group: &str, owner: &WecomUserId) -> Self {
        let text = format!("轮询分配：「{group}」轮到成员 {owner}");
        Self { code: ReasonCode::RoundRobin, text }
    }

    /// `owner` had the smallest share for their weight.
    pub fn weighted(group: &str, owner: &WecomUserId, weight: i64, all: i64) -> Self {
        let text = format!("权重分配：「{group}」按权重 {weight}/{all} 分给成员 {owner}");
        Self { code: ReasonCode::Weighted, text }
    }

    /// `owner` had the fewest open leads.
    pub fn least_loaded(group: &str, owner: &WecomUserId, open: i64) -> Self {
        let text = format!("最少负载分配：「{group}」成员 {owner} 在手线索最少（{open} 条）");
        Self { code: ReasonCode::LeastLoaded, text }
    }

    /// No member of the group could take it.
    pub fn backup(group: &str, owner: &WecomUserId) -> Self {
        let text = format!("后备分配：「{group}」没有可接收的成员，由后备成员 {owner} 接收");
        Self { code: ReasonCode::Backup, text }
    }

    /// `owner` works on this person already.
    pub fn protected(owner: &WecomUserId) -> Self {
        let text = format!("撞单保护：客户已由成员 {owner} 跟进，归属不变");
        Self { code: ReasonCode::Protected, text }
    }

    /// Nobody can take it now.
    pub fn no_eligible_member(group: &str) -> Self {
        let text = format!("暂未分配：「{group}」的成员都已停用或达到上限，留在线索池");
        Self { code: ReasonCode::NoEligibleMember, text }
    }

    /// Nobody can decide.
    pub fn no_such_group(group: &str) -> Self {
        let text = format!("暂未分配：分配组「{group}」不存在，留在线索池");
        Self { code: ReasonCode::NoSuchGroup, text }
    }

    /// `by` gave it to `to`, who was not the owner before.
    pub fn reassigned(
        by: &str,
        from: Option<&WecomUserId>,
        to: &WecomUserId,
        explanation: Option<&Explanation>,
    ) -> Self {
        let deed = match from {
            Some(from) => format!("{by} 将线索从成员 {from} 转交给成员 {to}"),
            None => format!("{by} 将线索从线索池分给成员 {to}"),
        };
        let text = match explanation {
            Some(Explanation(words)) => format!("{deed}：{words}"),
            None => deed,
        };
        Self { code: ReasonCode::Reassigned, text }
    }
}

/// Why a person decided as they did: 1 to 100 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation(String);

impl Explanation {
    /// Checks what somebody typed; the error completes a sentence that begins with the field.
    pub fn parse(text: &str) -> Result<Self, String> {
        checked(text, MOST_EXPLANATION).map(Self)
    }
}
