//! Does WeCom give every connected app a token?

use scrm_wecom::client::CallError;

use super::check::{Check, Fault};
use super::wecom::{Examined, UNTRUSTED, Wecom};

const NAME: &str = "credentials";

pub(super) fn check(wecom: &Wecom) -> Check {
    if let Wecom::Unreadable(problem) = wecom {
        let remedy = "Put back the file of the installation keys that this database was written with; see the data \
                      folder in services/standalone/README.md.";
        return Check::failed(
            NAME,
            &Fault::new(format!("the connected apps cannot be read: {problem}"), remedy),
        );
    }
    let apps = match wecom.apps(NAME) {
        Ok(apps) => apps,
        Err(check) => return check,
    };
    let (mut well, mut faults) = (Vec::new(), Vec::new());
    for Examined { app, token, .. } in apps {
        match token {
            Ok(()) => well.push(format!("{} gets a token", app.name())),
            // Says nothing about the secret.
            Err(error) if error.errcode() == Some(UNTRUSTED) => {
                well.push(format!("{}: not known, see trusted IP", app.name()));
            }
            Err(error) => {
                faults.push(Fault::new(format!("{}: {error}", app.name()), remedy(app.name(), error)));
            }
        }
    }
    Check::of_all(NAME, &well, faults)
}

fn remedy(app: &str, error: &CallError) -> String {
    match error.errcode() {
        Some(40001 | 40091 | 40125) => format!(
            "Copy the Secret of the app from WeCom's console (应用管理) and connect it anew: PUT /api/v1/ingest/apps/{app}."
        ),
        Some(40013) => format!(
            "Copy the 企业ID from WeCom's console (我的企业) and connect it anew: PUT /api/v1/ingest/apps/{app}."
        ),
        Some(45009) => "Too many tokens were asked for: wait, and see that nothing else uses this app's Secret.".to_owned(),
        Some(_) => "Look the code up in WeCom's documentation (全局错误码), and at the app in WeCom's console.".to_owned(),
        None => "See that this machine reaches WeCom (DNS, network, firewall), and that the app's `api_url` is right."
            .to_owned(),
    }
}
