//! Does WeCom let the connected apps call from this machine's address?

use super::check::{Check, Fault};
use super::wecom::{Examined, UNTRUSTED, Wecom, address_in};

const NAME: &str = "trusted IP";

pub(super) fn check(wecom: &Wecom) -> Check {
    let apps = match wecom.apps(NAME) {
        Ok(apps) => apps,
        Err(check) => return check,
    };
    let (mut well, mut faults, mut is_known) = (Vec::new(), Vec::new(), false);
    for Examined { app, token, call, .. } in apps {
        let name = app.name();
        let outcome = call.as_ref().unwrap_or(token);
        match outcome {
            Ok(()) => {
                is_known = true;
                well.push(format!("{name} may call from here"));
            }
            Err(error) if error.errcode() == Some(UNTRUSTED) => {
                let words = error.to_string();
                let address = address_in(&words).unwrap_or("the public address of this machine");
                let remedy = format!("Enter {address} in WeCom's console: 应用管理 → {name} → 企业可信IP.");
                faults.push(Fault::new(format!("WeCom does not trust {address} for {name}"), remedy));
            }
            // Any other answer to a call came past the check of the address.
            Err(error) if call.is_some() && error.errcode().is_some() => {
                is_known = true;
                well.push(format!("{name} may call from here, and is refused for another reason: {error}"));
            }
            Err(_) => well.push(format!("{name}: not known without a token")),
        }
    }
    if faults.is_empty() && !is_known {
        return Check::skipped(NAME, well.join("; "));
    }
    Check::of_all(NAME, &well, faults)
}
