//! Two apps of one enterprise: WeCom tells both of everybody who comes.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use scrm_db::Db;
use scrm_kernel::Clock;
use scrm_mq::topology::{LEADS_CONTACT, LEADS_WELCOME};
use scrm_testing::{APP, eventually_within};
use scrm_tests::{Company, Installation, Outside};
use sea_orm::{ConnectionTrait as _, Statement};

use crate::started;

/// The other one.
const SECOND: &str = "demo-2";
const PEOPLE: usize = 20;
const WELCOME: &str = "externalcontact/send_welcome_msg";
const PATIENCE: Duration = Duration::from_mins(1);

/// Returns how many messages of a queue the service leads has handled to the end.
async fn handled(installation: &Installation, queue: &str) -> i64 {
    let db = Db::peek(&installation.database_of("leads"), Clock::system()).await.unwrap();
    let text = "SELECT count(*) AS handled FROM inbox WHERE consumer = $1";
    let statement = Statement::from_sql_and_values(db.reader().get_database_backend(), text, [queue.into()]);
    let row = db.reader().query_one_raw(statement).await.unwrap().unwrap();
    let handled = row.try_get("", "handled").unwrap();
    db.close().await.unwrap();
    handled
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_before_two_apps_is_one_lead_and_greeted_once() {
    let installation = started().await;
    let company = Company::connect(&installation).await;
    company.connect_also(&installation, SECOND).await;
    let outside = Outside::of(&installation);
    let customers = join_all((0..PEOPLE).map(|_| company.come_before(&[APP, SECOND]))).await;

    for queue in [LEADS_CONTACT, LEADS_WELCOME] {
        let what = format!("{} has handled what both apps tell", queue.name);
        let both = i64::try_from(2 * PEOPLE).unwrap();
        eventually_within(PATIENCE, &what, async || {
            (handled(&installation, queue.name).await == both).then_some(())
        })
        .await;
    }
    for customer in &customers {
        let leads = outside.leads_of(customer).await.unwrap();
        let [lead] = leads.as_slice() else { panic!("{customer} has {} leads", leads.len()) };
        assert_eq!(lead["welcome"]["state"], "sent", "{lead}");
        assert!(lead["owner"]["user_id"].is_string(), "{lead}");
    }
    // Each of the two codes would have let a message through.
    let calls = company.wecom.calls(WELCOME);
    let delivered = calls.iter().filter(|(_, answer)| answer["errcode"] == 0);
    let greeted: Vec<_> = delivered
        .map(|(body, _)| {
            body["welcome_code"].as_str().unwrap().trim_end_matches(SECOND).trim_end_matches(APP)
        })
        .collect();
    let people: BTreeSet<_> = greeted.iter().copied().collect();
    assert_eq!((greeted.len(), people.len()), (PEOPLE, PEOPLE), "{calls:?}");
    assert_eq!(outside.dead_letters().await.unwrap(), Vec::<serde_json::Value>::new());
    installation.finish().await;
    company.wecom.finish().await;
}
