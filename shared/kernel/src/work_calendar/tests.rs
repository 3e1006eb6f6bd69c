//! Holidays, deadlines, and clocks that are changed.

use proptest::prelude::*;

use super::*;
use crate::time::from_millis;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn hours(text: &str) -> Hours {
    text.parse().unwrap()
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

/// China's spring festival of 2026: a week off, and two Saturdays made up for it.
fn spring_festival() -> WorkCalendar {
    let mut calendar = WorkCalendar::default();
    for day in date("2026-02-15").iter_days().take(9) {
        calendar = calendar.except(day, Hours::closed());
    }
    let workday = || hours("09:00-12:00,13:30-18:00");
    calendar.except(date("2026-02-14"), workday()).except(date("2026-02-28"), workday())
}

#[test]
fn holidays_are_closed_and_make_up_days_are_open() {
    let calendar = spring_festival();
    let cases = [
        ("2026-02-13T09:00:00+08:00", true),
        ("2026-02-13T18:00:00+08:00", false),
        ("2026-02-14T13:29:59.999+08:00", false),
        ("2026-02-14T13:30:00+08:00", true),
        ("2026-02-17T10:00:00+08:00", false),
        ("2026-02-24T10:00:00+08:00", true),
        ("2026-02-28T10:00:00+08:00", true),
        ("2026-03-01T10:00:00+08:00", false),
    ];
    for (text, open) in cases {
        assert_eq!(calendar.is_open(at(text)), open, "{text}");
    }
}

#[test]
fn working_time_skips_what_is_closed() {
    let calendar = spring_festival();
    // Half an hour on Friday, 7.5 hours on Saturday, and one more minute after the holidays.
    let start = at("2026-02-13T17:30:00+08:00");
    assert_eq!(calendar.add_working(start, minutes(8 * 60)), Ok(at("2026-02-14T18:00:00+08:00")));
    assert_eq!(calendar.add_working(start, minutes(8 * 60 + 1)), Ok(at("2026-02-24T09:01:00+08:00")));
    assert_eq!(calendar.working_between(start, at("2026-02-24T09:01:00+08:00")), minutes(8 * 60 + 1));
    assert_eq!(
        calendar.add_working(at("2026-02-17T10:00:00+08:00"), Duration::ZERO),
        Ok(at("2026-02-17T02:00:00Z"))
    );
    assert_eq!(calendar.working_between(start, start - minutes(1)), Duration::ZERO);
}

#[test]
fn a_day_is_the_corps() {
    let calendar = WorkCalendar::default();
    assert_eq!(calendar.day_of(at("2026-01-31T15:59:59.999Z")), date("2026-01-31"));
    assert_eq!(calendar.day_of(at("2026-01-31T16:00:00Z")), date("2026-02-01"));
    let (begin, end) = calendar.day_bounds(date("2026-02-01"));
    assert_eq!((begin, end), (at("2026-01-31T16:00:00Z"), at("2026-02-01T16:00:00Z")));
}

#[test]
fn days_on_which_clocks_change_are_shorter_or_longer() {
    let hours_of = |zone: Tz, day: &str| {
        let calendar = WorkCalendar::always(zone);
        let (begin, end) = calendar.day_bounds(date(day));
        assert_eq!(
            calendar.working_between(begin, end).as_secs(),
            (end - begin).num_seconds().unsigned_abs()
        );
        (end - begin).num_hours()
    };
    assert_eq!(hours_of(Tz::Europe__Berlin, "2026-03-29"), 23);
    assert_eq!(hours_of(Tz::Europe__Berlin, "2026-10-25"), 25);
    // China had it, too.
    assert_eq!(hours_of(Tz::Asia__Shanghai, "1988-04-17"), 23);
    // Clocks went from midnight to one, and from midnight to eleven.
    assert_eq!(hours_of(Tz::America__Sao_Paulo, "2018-11-04"), 23);
    assert_eq!(hours_of(Tz::America__Sao_Paulo, "2018-02-17"), 25);
    // From 0:01 back to 23:01 of the day before.
    assert_eq!(hours_of(Tz::America__St_Johns, "2010-11-07"), 25);
    // A day that never was.
    assert_eq!(hours_of(Tz::Pacific__Apia, "2011-12-30"), 0);
    assert_eq!(hours_of(Tz::Pacific__Apia, "2011-12-31"), 24);
}

#[test]
fn hours_that_clocks_leave_out_are_no_working_time() {
    let calendar = WorkCalendar::new(Tz::Europe__Berlin, std::array::from_fn(|_| hours("02:15-02:45")));
    let (begin, end) = calendar.day_bounds(date("2026-03-29"));
    assert_eq!(calendar.working_between(begin, end), Duration::ZERO);
    assert_eq!(calendar.add_working(begin, minutes(1)), Ok(at("2026-03-30T02:16:00+02:00")));
}

#[test]
fn a_calendar_that_never_opens_says_so() {
    let never = WorkCalendar::new(Tz::UTC, std::array::from_fn(|_| Hours::closed()));
    let start = at("2026-01-01T00:00:00Z");
    assert_eq!(never.add_working(start, minutes(1)), Err(CalendarError::NeverOpen));
    assert_eq!(never.working_between(start, from_millis(253_402_300_799_999)), Duration::ZERO);

    let once = never.except(date("2030-05-01"), hours("09:00-10:00"));
    assert_eq!(once.add_working(start, minutes(60)), Ok(at("2030-05-01T10:00:00Z")));
    assert_eq!(once.add_working(start, minutes(61)), Err(CalendarError::NeverOpen));
}

#[test]
fn what_is_too_far_is_said_to_be() {
    let calendar = WorkCalendar::default();
    let start = at("2026-01-01T00:00:00Z");
    for time in [Duration::MAX, Duration::from_hours(24 * 365 * 100)] {
        assert_eq!(calendar.add_working(start, time), Err(CalendarError::TooFar));
    }
    // The first and the last moment that can be stored.
    for edge in [-62_135_596_800_000, 253_402_300_799_999].map(from_millis) {
        let (begin, end) = calendar.day_bounds(calendar.day_of(edge));
        assert!(begin <= edge && edge < end, "{edge}");
        assert!(calendar.add_working(edge, minutes(1)).is_ok());
    }
}

fn zone() -> impl Strategy<Value = Tz> {
    prop::sample::select(vec![
        Tz::Asia__Shanghai,
        Tz::UTC,
        Tz::Europe__Berlin,
        Tz::America__Sao_Paulo,
        Tz::America__St_Johns,
        Tz::Australia__Lord_Howe,
        Tz::Pacific__Apia,
        Tz::Asia__Kathmandu,
    ])
}

fn day() -> impl Strategy<Value = Hours> {
    prop::collection::btree_set(0..=DAY, 0..7).prop_map(|ends| {
        let ends: Vec<u16> = ends.into_iter().collect();
        Hours::new(ends.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()).unwrap()
    })
}

/// Calendars that are open some time, with exceptions in the years of [`moment`].
fn calendar() -> impl Strategy<Value = WorkCalendar> {
    let exceptions = prop::collection::btree_map((0..9000_u64).prop_map(day_of_1987), day(), 0..20);
    let open = |week: &[Hours; 7]| week.iter().any(|hours| !hours.is_closed());
    let week = prop::array::uniform7(day()).prop_filter("it opens", open);
    (zone(), week, exceptions).prop_map(|(zone, week, exceptions)| WorkCalendar { zone, week, exceptions })
}

fn day_of_1987(number: u64) -> NaiveDate {
    date("1987-01-01") + Days::new(number)
}

/// From 1987 on: China, and Newfoundland's odd minutes, changed their clocks then.
fn moment() -> impl Strategy<Value = Timestamp> {
    (536_457_600_000..1_300_000_000_000_i64).prop_map(from_millis)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn time_that_is_added_is_the_time_between(calendar in calendar(), start in moment(), millis in 0..5_000_000_000_u64) {
        let time = Duration::from_millis(millis);
        // A week may be open for a minute only.
        if let Ok(end) = calendar.add_working(start, time) {
            prop_assert!(end >= start);
            prop_assert_eq!(calendar.working_between(start, end), time);
        }
    }

    #[test]
    fn the_time_between_leads_to_the_end(calendar in calendar(), start in moment(), days in 0..60_i64, millis in 0..86_400_000_i64) {
        let end = start + TimeDelta::days(days) + TimeDelta::milliseconds(millis);
        let between = calendar.working_between(start, end);
        let reached = calendar.add_working(start, between).unwrap();
        prop_assert!(reached <= end);
        prop_assert_eq!(calendar.working_between(reached, end), Duration::ZERO);
        if calendar.is_open(end) {
            prop_assert!(between.is_zero() || calendar.working_between(start, end + TimeDelta::milliseconds(1)) > between);
        }
    }

    #[test]
    fn times_add_up(calendar in calendar(), start in moment(), one in 0..50_000_000_000_i64, two in 0..5_000_000_000_i64) {
        let middle = start + TimeDelta::milliseconds(one % 5_000_000_000);
        let end = middle + TimeDelta::milliseconds(two);
        let sum = calendar.working_between(start, middle) + calendar.working_between(middle, end);
        prop_assert_eq!(calendar.working_between(start, end), sum);
    }

    #[test]
    fn every_moment_is_within_its_day(zone in zone(), at in moment()) {
        let calendar = WorkCalendar::always(zone);
        let day = calendar.day_of(at);
        let (begin, end) = calendar.day_bounds(day);
        prop_assert!(begin <= at && at < end, "{} is not in {}: {} to {}", at, day, begin, end);
        prop_assert_eq!(calendar.day_bounds(day.succ_opt().unwrap()).0, end);
        prop_assert!(calendar.is_open(at));
    }
}
