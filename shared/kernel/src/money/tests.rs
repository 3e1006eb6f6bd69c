//! Amounts that people write, sums, shares and parts.

use proptest::prelude::*;

use super::*;

const JPY: Currency = Currency(*b"JPY");
const KWD: Currency = Currency(*b"KWD");

fn yuan(amount: &str) -> Money {
    Money::parse(amount, Currency::CNY).unwrap()
}

fn json(money: Money) -> String {
    serde_json::to_string(&money).unwrap()
}

#[test]
fn an_amount_is_an_exact_text() {
    assert_eq!(json(yuan("12.3")), r#"{"amount":"12.30","currency":"CNY"}"#);
    assert_eq!(json(Money::of_minor(-5, Currency::CNY)), r#"{"amount":"-0.05","currency":"CNY"}"#);
    assert_eq!(json(Money::of_minor(1234, JPY)), r#"{"amount":"1234","currency":"JPY"}"#);
    assert_eq!(Money::of_minor(-1234, KWD).to_string(), "-1.234 KWD");
    assert_eq!(Money::of_minor(i64::MIN, Currency::CNY).to_string(), "-92233720368547758.08 CNY");
    let read: Money = serde_json::from_str(r#"{"amount":"92233720368547758.07","currency":"CNY"}"#).unwrap();
    assert_eq!(read.minor(), i64::MAX);
}

#[test]
fn what_is_no_amount_is_refused() {
    for text in
        ["", "-", ".", "1.", ".5", "+1", " 1", "1 ", "1,000", "1e3", "１２", "--1", "1.2.3", "1.-2", "NaN"]
    {
        assert_eq!(Money::parse(text, Currency::CNY), Err(MoneyError::BadAmount), "{text:?}");
    }
    for text in ["92233720368547758.08", "-92233720368547758.09", "99999999999999999999999"] {
        assert_eq!(Money::parse(text, Currency::CNY), Err(MoneyError::OutOfRange), "{text}");
    }
    for code in ["", "CN", "CNYY", "cny", "C1Y", "元", "ＣＮＹ"] {
        assert_eq!(Currency::parse(code), Err(MoneyError::BadCurrency), "{code:?}");
    }
    for json in [r#"{"amount":12.34,"currency":"CNY"}"#, r#"{"amount":"1","currency":"CNY","x":1}"#, "12.34"]
    {
        assert!(serde_json::from_str::<Money>(json).is_err(), "{json}");
    }
}

#[test]
fn too_many_decimals_are_refused_and_counted() {
    let error = |text, currency| Money::parse(text, currency).unwrap_err().to_string();
    assert_eq!(error("12.340", Currency::CNY), "has 3 decimals, but CNY has 2");
    assert_eq!(error("12.0", JPY), "has 1 decimals, but JPY has 0");
    assert_eq!(Money::parse("1.5", KWD).unwrap().minor(), 1500);
    assert_eq!(Money::parse("-0", JPY).unwrap().minor(), 0);
}

#[test]
fn currencies_do_not_mix_and_sums_do_not_overflow() {
    let most = Money::of_minor(i64::MAX, Currency::CNY);
    assert_eq!(yuan("1").checked_add(yuan("0.01")), Ok(yuan("1.01")));
    assert_eq!(yuan("1").checked_sub(yuan("1.01")), Ok(yuan("-0.01")));
    assert_eq!(most.checked_add(yuan("0.01")), Err(MoneyError::OutOfRange));
    let mixed = MoneyError::OtherCurrency { found: JPY, expected: Currency::CNY };
    assert_eq!(most.checked_add(Money::of_minor(0, JPY)), Err(mixed.clone()));
    assert_eq!(mixed.to_string(), "is in JPY, but CNY is needed");
}

#[test]
fn a_share_is_rounded_half_up_on_both_sides_of_nought() {
    let cases = [
        ("100.00", 600, "6.00"),
        ("0.01", 5000, "0.01"),
        ("0.01", 4999, "0.00"),
        ("-0.01", 5000, "-0.01"),
        ("0.03", 5000, "0.02"),
        ("0.05", 5000, "0.03"),
        ("100.00", -1, "-0.01"),
        ("1.00", 25_000, "2.50"),
    ];
    for (whole, basis_points, share) in cases {
        assert_eq!(yuan(whole).share(basis_points), Ok(yuan(share)), "{basis_points} of {whole}");
    }
    let most = Money::of_minor(i64::MAX, Currency::CNY);
    assert_eq!(most.share(10_000), Ok(most));
    assert_eq!(most.share(10_001), Err(MoneyError::OutOfRange));
    assert_eq!(Money::of_minor(i64::MIN, JPY).share(i32::MIN), Err(MoneyError::OutOfRange));
}

#[test]
fn a_computed_amount_is_rounded_half_up() {
    let round = |text: &str, currency| Money::rounded(text.parse().unwrap(), currency).unwrap().to_string();
    assert_eq!(round("2.345", Currency::CNY), "2.35 CNY");
    assert_eq!(round("-2.345", Currency::CNY), "-2.35 CNY");
    assert_eq!(round("2.3449999", Currency::CNY), "2.34 CNY");
    assert_eq!(round("2.5", JPY), "3 JPY");
    assert_eq!(Money::rounded(Decimal::MAX, Currency::CNY), Err(MoneyError::OutOfRange));
}

proptest! {
    #[test]
    fn an_amount_survives_its_text(minor: i64, code in "CNY|JPY|KWD|CLF|USD") {
        let money = Money::of_minor(minor, Currency::parse(&code).unwrap());
        prop_assert_eq!(serde_json::from_str::<Money>(&json(money)).unwrap(), money);
        prop_assert_eq!(Money::rounded(money.decimal(), money.currency()), Ok(money));
    }

    #[test]
    fn parts_are_the_whole_and_nearly_equal(minor: i64, parts in 1_u32..500) {
        let whole = Money::of_minor(minor, Currency::CNY);
        let split: Vec<i64> = whole.split(NonZeroU32::new(parts).unwrap()).map(Money::minor).collect();
        prop_assert_eq!(split.len(), parts as usize);
        prop_assert_eq!(split.iter().map(|part| i128::from(*part)).sum::<i128>(), i128::from(minor));
        let (least, most) = (*split.iter().min().unwrap(), *split.iter().max().unwrap());
        prop_assert!(most - least <= 1);
    }

    #[test]
    fn a_share_is_the_exact_one_rounded(minor in -1_000_000_000_000_i64..1_000_000_000_000, points in -20_000_i32..20_000) {
        let product = i128::from(minor) * i128::from(points);
        let expected = (product.abs() + 5000) / 10_000 * product.signum();
        let share = Money::of_minor(minor, Currency::CNY).share(points).unwrap();
        prop_assert_eq!(i128::from(share.minor()), expected);
    }
}
