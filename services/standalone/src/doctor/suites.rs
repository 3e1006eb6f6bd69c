//! Does every suite of a provider get its tickets, and a token for the newest one?

use std::time::Duration;

use scrm_kernel::Timestamp;
use scrm_wecom::client::CallError;

use super::check::{Check, Fault};
use super::patient::Patient;
use super::wecom::{ExaminedSuite, UNTRUSTED, Wecom, address_in};

const NAME: &str = "suites";
/// How long a ticket is good; the next ones come every ten minutes (WeCom document 90628).
const TICKET_LIFE: Duration = Duration::from_mins(30);

pub(super) fn check(patient: &Patient, wecom: &Wecom) -> Check {
    let suites = match wecom.suites(NAME) {
        Ok(suites) => suites,
        Err(check) => return check,
    };
    let now = patient.clock.now();
    let (mut well, mut faults) = (Vec::new(), Vec::new());
    for ExaminedSuite { suite, token } in suites {
        match judge(suite.name(), suite.ticket_at(), token.as_ref(), now) {
            Ok(found) => well.push(found),
            Err(fault) => faults.push(fault),
        }
    }
    Check::of_all(NAME, &well, faults)
}

fn judge(
    suite: &str,
    ticket_at: Option<Timestamp>,
    token: Option<&Result<(), CallError>>,
    now: Timestamp,
) -> Result<String, Fault> {
    let age = ticket_at.map(|at| (now - at).to_std().unwrap_or_default());
    match (age, token) {
        (None, _) | (_, None) => Err(no_ticket(suite, "WeCom has sent it no ticket yet")),
        (Some(age), _) if age > TICKET_LIFE => {
            let minutes = age.as_secs() / 60;
            Err(no_ticket(suite, &format!("its newest ticket is {minutes} minutes old")))
        }
        (Some(_), Some(Ok(()))) => Ok(format!("{suite} gets tickets and a token")),
        (Some(_), Some(Err(error))) => Err(Fault::new(format!("{suite}: {error}"), remedy(suite, error))),
    }
}

fn no_ticket(suite: &str, found: &str) -> Fault {
    let remedy = format!(
        "See in WeCom's provider console that the 指令回调URL of {suite} ends with /callback/wecom/{suite} and reaches this \
         installation, and let it send a ticket at once (刷新Ticket)."
    );
    Fault::new(format!("{suite}: {found}"), remedy)
}

fn remedy(suite: &str, error: &CallError) -> String {
    match error.errcode() {
        Some(UNTRUSTED) => {
            let words = error.to_string();
            let address = address_in(&words).unwrap_or("this machine's address");
            format!("Enter {address} in WeCom's provider console (服务商信息, IP白名单).")
        }
        Some(40080 | 40083) => format!(
            "Copy SuiteID and Secret of the suite from WeCom's provider console: PUT /api/v1/ingest/suites/{suite}."
        ),
        Some(40085) => format!(
            "WeCom has made a newer ticket that did not get here: let it send one at once (刷新Ticket), and see that \
             callbacks of {suite} come."
        ),
        Some(_) => {
            "Look the code up in WeCom's documentation (全局错误码), and at the suite in WeCom's provider console."
                .to_owned()
        }
        None => "See that this machine reaches WeCom (DNS, network, firewall), and that the suite's `api_url` is right."
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use scrm_kernel::Clock;

    use super::*;

    #[test]
    fn a_ticket_is_good_for_half_an_hour() {
        let now = Clock::system().now();
        let found = |age: u64, token| judge("it", Some(now - Duration::from_mins(age)), token, now);
        assert_eq!(found(30, Some(&Ok(()))), Ok("it gets tickets and a token".to_owned()));
        assert_eq!(found(31, Some(&Ok(()))).unwrap_err().found, "it: its newest ticket is 31 minutes old");
        assert_eq!(judge("it", None, None, now).unwrap_err().found, "it: WeCom has sent it no ticket yet");
        // A ticket of a clock that is ahead is not too old.
        assert!(judge("it", Some(now + Duration::from_mins(1)), Some(&Ok(())), now).is_ok());
    }
}
