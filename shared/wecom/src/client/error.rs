//! How a call can fail, and what its caller may do then.

use scrm_kernel::Timestamp;

use super::token::TokenError;

/// Why a call did not give what was asked for. No text holds a token, a secret, an address or a body.
///
/// A call with an effect (everything but reads) that failed did nothing, unless it is [`Unclear`](Self::Unclear).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// WeCom understood and refused.
    #[error("WeCom refuses: {errcode} {errmsg}")]
    Wecom {
        /// WeCom's code; the only thing to decide on.
        errcode: i64,
        /// WeCom's words without hints, for people.
        errmsg: String,
        /// What the code means for the caller.
        class: Class,
    },
    /// The request may have gone out, and no usable answer came: nobody knows whether it was done.
    #[error("nobody knows whether it was done: {0}")]
    Unclear(String),
    /// The request did not go out.
    #[error("the request did not go out: {0}")]
    NotSent(String),
    /// Somebody on the way answered a read, or refused a call, with this HTTP status; WeCom's own is always 200.
    #[error("the answer has HTTP status {status}")]
    Http {
        /// The status.
        status: u16,
    },
    /// The answer to a read cannot be used. The text says where, never what.
    #[error("the answer cannot be used: {0}")]
    Malformed(String),
    /// There is no token to call with; the text says why.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// We ourselves hold the call back, because WeCom would refuse it.
    #[error("held back until {until}")]
    RateLimited {
        /// From then on it is worth trying.
        until: Timestamp,
    },
}

/// What the caller may do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Passing trouble: the same call may work later. Reads were repeated already.
    Retry,
    /// The token ended early. The client renewed it once already, and WeCom refused the new one too.
    RefreshToken,
    /// A limit per minute, hour, day or month is used up.
    Wait,
    /// First find out whether it was done. A read may simply be repeated.
    Unclear,
    /// Something is set up wrong: a person must act, and the same call may work afterwards.
    Operator,
    /// The same call will be refused again.
    Stop,
}

impl Class {
    /// Returns what a code means, by WeCom document 90313; success is no code to ask for.
    pub const fn of(errcode: i64) -> Self {
        match errcode {
            // Busy; edited by another at the same time; too many calls at once.
            // A ticket of a suite that is too old: the next one is on its way.
            -1 | 6000 | 45033 | 40085 => Self::Retry,
            // Of apps, and of suites.
            40014 | 42001 | 40082 | 42009 => Self::RefreshToken,
            45009 => Self::Wait,
            // Wrong secret, corp or app.
            40001 | 40013 | 40056 | 40091 | 45031
            // Wrong suite or secret of a suite; the enterprise took the authorisation back.
            | 40080 | 40083 | 48003 | 48004
            // The corp itself: of a kind that may not, abnormal, not verified.
            | 40132 | 40141 | 43009
            // The app may not use this interface, or no longer.
            | 48001 | 48002 | 48005..=48009 | 50003 | 60031 | 301_002
            // Outside the visible range; the address is not trusted; no licence; no right to have customers.
            | 60011 | 60020 | 84074 | 701_008 | 701_099 => Self::Operator,
            _ => Self::Stop,
        }
    }
}

/// WeCom's code for an authorisation that is over: the enterprise took it back, or gave another one since.
const NOT_AUTHORIZED: i64 = 48004;

impl CallError {
    /// Makes the error of a code other than 0.
    pub(super) fn wecom(errcode: i64, errmsg: &str) -> Self {
        Self::Wecom { errcode, errmsg: without_hints(errmsg), class: Class::of(errcode) }
    }

    /// Returns what the caller may do.
    pub const fn class(&self) -> Class {
        match self {
            Self::Wecom { class, .. } => *class,
            Self::Unclear(_) => Class::Unclear,
            Self::NotSent(_) | Self::Http { status: 500..=599 } | Self::Token(TokenError::Unavailable(_)) => {
                Class::Retry
            }
            Self::Token(TokenError::NotConnected | TokenError::Refused { .. }) => Class::Operator,
            Self::RateLimited { .. } => Class::Wait,
            Self::Http { .. } | Self::Malformed(_) => Class::Stop,
        }
    }

    /// Reports whether another token may help, or will tell why there is none: this one ended early, or the authorisation
    /// did that it came from.
    pub(super) fn is_of_token(&self) -> bool {
        self.class() == Class::RefreshToken || self.errcode() == Some(NOT_AUTHORIZED)
    }

    /// Returns WeCom's code, when WeCom refused.
    pub const fn errcode(&self) -> Option<i64> {
        match self {
            Self::Wecom { errcode, .. } => Some(*errcode),
            _ => None,
        }
    }
}

/// Characters of WeCom's words at most.
const MOST_WORDS: usize = 200;

/// Drops the parts that are there for WeCom's support. The part that names our address stays: whoever has to enter
/// it among the trusted addresses (60020) needs it.
fn without_hints(errmsg: &str) -> String {
    let is_noise = |part: &str| {
        let part = part.trim_start().to_ascii_lowercase();
        ["hint:", "more info at", "warning:"].iter().any(|noise| part.starts_with(noise))
    };
    let parts: Vec<&str> = errmsg.split(',').filter(|part| !is_noise(part)).collect();
    parts.join(",").trim().chars().filter(|char| !char.is_control()).take(MOST_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lose_their_hints_and_keep_the_address() {
        let errmsg = "not allow to access from your ip, hint: [1700000000_1_abc], from ip: 10.1.2.3, \
                      more info at https://open.work.weixin.qq.com/devtool/query?e=60020";
        assert_eq!(without_hints(errmsg), "not allow to access from your ip, from ip: 10.1.2.3");
        assert_eq!(without_hints("Warning: wrong json format. "), "");
        assert_eq!(without_hints("a\nb"), "ab");
        assert_eq!(without_hints(&"忙".repeat(300)).chars().count(), MOST_WORDS);
    }

    #[test]
    fn codes_have_the_class_of_their_reaction() {
        let cases = [
            (Class::Retry, vec![-1, 6000, 45033, 40085]),
            (Class::RefreshToken, vec![40014, 42001, 40082, 42009]),
            (Class::Wait, vec![45009]),
            (Class::Operator, vec![40001, 40013, 40080, 48002, 48004, 60011, 60020]),
            (Class::Stop, vec![40003, 40058, 41050, 41051, 45035, 84061, 99999]),
        ];
        for (class, codes) in cases {
            assert!(codes.iter().all(|code| Class::of(*code) == class), "{class:?}");
        }
    }
}
