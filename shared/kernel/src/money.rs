//! Money: whole minor units of a currency, so that nothing is ever lost to a fraction.
//!
//! It is stored as an integer and the code of the currency, and is a text in JSON: `{"amount": "12.34", "currency":
//! "CNY"}`. `Decimal` comes in only where something is computed and goes out rounded.

use std::fmt;
use std::num::NonZeroU32;

use rust_decimal::prelude::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

/// What is wrong with an amount or its currency, or cannot be done with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not three capital letters.
    #[error("is no currency: three capital letters are needed, as in CNY")]
    BadCurrency,
    /// Not digits with at most one point among them.
    #[error("is no amount: digits are needed, as in 12.34")]
    BadAmount,
    /// Finer than the currency is.
    #[error("has {found} decimals, but {currency} has {allowed}")]
    TooManyDecimals {
        /// Decimals in the text.
        found: usize,
        /// The currency.
        currency: Currency,
        /// Decimals of the currency.
        allowed: u32,
    },
    /// Two currencies in one sum.
    #[error("is in {found}, but {expected} is needed")]
    OtherCurrency {
        /// Of the second amount.
        found: Currency,
        /// Of the first amount.
        expected: Currency,
    },
    /// More than can be counted.
    #[error("is out of range")]
    OutOfRange,
}

/// The code of a currency (ISO 4217): three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "CNY")]
pub struct Currency([u8; 3]);

impl Currency {
    /// Renminbi (人民币), in fen.
    pub const CNY: Self = Self(*b"CNY");

    /// Takes a code from outside. Which codes are in use is not looked at.
    pub fn parse(code: &str) -> Result<Self, MoneyError> {
        let letters = <[u8; 3]>::try_from(code.as_bytes()).ok();
        let capitals = letters.filter(|letters| letters.iter().all(u8::is_ascii_uppercase));
        capitals.map(Self).ok_or(MoneyError::BadCurrency)
    }

    /// Returns the code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("capital letters are text")
    }

    /// Returns how many decimals its amounts have: 2, but for the exceptions of ISO 4217.
    pub const fn exponent(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF"
            | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

/// An amount of money, in whole minor units (fen, cent) of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// Makes an amount of minor units.
    pub const fn of_minor(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Reads an amount as people write it: `12.34`, `-5`. Decimals beyond those of the currency are refused.
    pub fn parse(amount: &str, currency: Currency) -> Result<Self, MoneyError> {
        let digits = amount.strip_prefix('-').unwrap_or(amount);
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
        let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !are_digits(whole) || !are_digits(decimals) {
            return Err(MoneyError::BadAmount);
        }
        let (allowed, found) = (currency.exponent(), decimals.len());
        let places = usize::try_from(allowed).unwrap_or(usize::MAX);
        if digits.contains('.') && found > places {
            return Err(MoneyError::TooManyDecimals { found, currency, allowed });
        }
        let decimals = if digits.contains('.') { decimals } else { "" };
        // With the sign before the digits, because the least amount has no opposite.
        let sign = if digits.len() < amount.len() { "-" } else { "" };
        let text = format!("{sign}{whole}{decimals:0<places$}");
        Ok(Self { minor: text.parse().map_err(|_| MoneyError::OutOfRange)?, currency })
    }

    /// Rounds a computed amount to the minor unit, half up as on invoices: 0.005 becomes 0.01, and -0.005 becomes -0.01,
    /// so that a refund is as large as the payment was.
    pub fn rounded(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let minor = amount.checked_mul(Decimal::from(10_i64.pow(currency.exponent())));
        Self::rounded_minor(minor.ok_or(MoneyError::OutOfRange)?, currency)
    }

    fn rounded_minor(minor: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let whole = minor.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
        Ok(Self { minor: whole.to_i64().ok_or(MoneyError::OutOfRange)?, currency })
    }

    /// Returns the minor units, to store and compare.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// Returns the currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Returns the amount, to compute with; [`rounded`](Self::rounded) is the way back.
    pub fn decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.exponent())
    }

    /// Adds an amount of the same currency.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.combined(other, i64::checked_add)
    }

    /// Takes an amount of the same currency away.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.combined(other, i64::checked_sub)
    }

    fn combined(self, other: Self, sum: fn(i64, i64) -> Option<i64>) -> Result<Self, MoneyError> {
        if other.currency != self.currency {
            return Err(MoneyError::OtherCurrency { found: other.currency, expected: self.currency });
        }
        let minor = sum(self.minor, other.minor).ok_or(MoneyError::OutOfRange)?;
        Ok(Self { minor, ..self })
    }

    /// Returns so many hundredths of a percent of it, rounded half up: 600 of 100.00 are 6.00.
    pub fn share(self, basis_points: i32) -> Result<Self, MoneyError> {
        // At most 96 bits, which is what a decimal holds exactly.
        let product = Decimal::from(self.minor).checked_mul(basis_points.into());
        let minor = product.ok_or(MoneyError::OutOfRange)? / Decimal::from(10_000);
        Self::rounded_minor(minor, self.currency)
    }

    /// Splits it into parts that differ by one minor unit at most, the larger ones first; together they are the whole.
    pub fn split(self, parts: NonZeroU32) -> impl ExactSizeIterator<Item = Self> {
        let count = i64::from(parts.get());
        let (part, rest) = (self.minor / count, self.minor % count);
        (0..parts.get()).map(move |index| {
            let extra = if i64::from(index) < rest.abs() { rest.signum() } else { 0 };
            Self { minor: part + extra, ..self }
        })
    }
}

/// Writes the amount with all its decimals and without the currency: `12.30`.
struct Amount(Money);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Money { minor, currency } = self.0;
        let (sign, unit) = (if minor < 0 { "-" } else { "" }, 10_u64.pow(currency.exponent()));
        let (whole, rest) = (minor.unsigned_abs() / unit, minor.unsigned_abs() % unit);
        match currency.exponent() {
            0 => write!(f, "{sign}{whole}"),
            places => write!(f, "{sign}{whole}.{rest:0width$}", width = places as usize),
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Amount(*self), self.currency)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;

    fn try_from(code: String) -> Result<Self, MoneyError> {
        Self::parse(&code)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.to_string()
    }
}

/// An amount of money in its currency.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Written {
    /// Exact, with all decimals of the currency.
    #[schema(example = "12.34")]
    amount: String,
    currency: Currency,
}

impl TryFrom<Written> for Money {
    type Error = MoneyError;

    fn try_from(written: Written) -> Result<Self, MoneyError> {
        Self::parse(&written.amount, written.currency)
    }
}

impl From<Money> for Written {
    fn from(money: Money) -> Self {
        Self { amount: Amount(money).to_string(), currency: money.currency }
    }
}

impl utoipa::PartialSchema for Money {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        Written::schema()
    }
}

impl utoipa::ToSchema for Money {}

#[cfg(test)]
mod tests;
