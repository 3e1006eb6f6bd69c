//! Does this machine's clock agree with the databases' and with WeCom's? WeCom's callbacks count for 10 minutes.

use scrm_db::Db;
use scrm_kernel::Clock;
use sea_orm::{DbErr, FromQueryResult, Statement};

use super::check::{Check, Fault};
use super::patient::Patient;
use super::wecom::{Wecom, middle};

const NAME: &str = "clock";
/// By how much clocks may differ.
const MOST_MS: u64 = 60_000;

pub(super) async fn check(patient: &Patient, wecom: &Wecom) -> Check {
    let (mut well, mut faults) = (Vec::new(), Vec::new());
    let mut note = |whose: String, ahead_ms: i64| match judge(&whose, ahead_ms) {
        Ok(found) => well.push(found),
        Err(fault) => faults.push(fault),
    };
    for opened in &patient.databases {
        // SQLite has no clock but this machine's.
        let Ok(Some(db)) = &opened.db else { continue };
        if !db.is_sqlite()
            && let Ok(ahead_ms) = ahead(db, &patient.clock).await
        {
            note(format!("the database of {}", opened.service), ahead_ms);
        }
    }
    for examined in wecom.apps(NAME).unwrap_or_default() {
        if let Some(ahead_ms) = examined.ahead_ms {
            note(format!("WeCom ({})", examined.app.name()), ahead_ms);
        }
    }
    if well.is_empty() && faults.is_empty() {
        return Check::skipped(NAME, "there is no other clock to compare with yet");
    }
    Check::of_all(NAME, &well, faults)
}

/// Returns by how many milliseconds a database's clock is ahead of ours.
async fn ahead(db: &Db, clock: &Clock) -> Result<i64, DbErr> {
    #[derive(FromQueryResult)]
    struct Row {
        ms: i64,
    }
    let sql = "SELECT CAST(EXTRACT(EPOCH FROM now()) * 1000 AS BIGINT) AS ms";
    let statement = Statement::from_string(db.reader().get_database_backend(), sql);
    let before = clock.now();
    let row = Row::find_by_statement(statement).one(db.reader()).await?;
    let theirs = row.ok_or_else(|| DbErr::RecordNotFound("the time".to_owned()))?.ms;
    Ok(theirs - middle(before, clock.now()))
}

fn judge(whose: &str, ahead_ms: i64) -> Result<String, Fault> {
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let seconds = ahead_ms.unsigned_abs() as f64 / 1000.0;
    let direction = if ahead_ms < 0 { "behind" } else { "ahead of" };
    let found = format!("{whose} is {seconds:.1} s {direction} this machine");
    if ahead_ms.unsigned_abs() <= MOST_MS {
        return Ok(found);
    }
    let remedy = "Set the clocks by NTP on this machine and on the database's (`timedatectl set-ntp true`): callbacks \
                  that look older than 10 minutes are kept as late and not processed.";
    Err(Fault::new(found, remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_differ_by_a_minute() {
        assert_eq!(judge("It", 60_000), Ok("It is 60.0 s ahead of this machine".to_owned()));
        assert_eq!(judge("It", -1_500), Ok("It is 1.5 s behind this machine".to_owned()));
        assert!(judge("It", 60_001).is_err() && judge("It", -60_001).is_err());
    }
}
