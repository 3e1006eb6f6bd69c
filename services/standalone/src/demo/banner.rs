//! What stands before the feed and after it.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use scrm_wecom_sandbox::Sandbox;

use super::Plan;
use super::screen::{Look, Screen};
use super::story;
use crate::shown::Shown;
use crate::tally::{Report, Spread};

/// Says what runs where, and what one could try.
///
/// Programs read the two addresses: the first ends the first line that has one, the second the next one.
pub(super) fn greet(plan: &Plan, shown: &Shown, sandbox: &Sandbox, sandbox_address: SocketAddr) {
    let screen = Screen::of_stderr();
    let company = sandbox.company();
    let customers = sandbox.customers();
    let mut lines = vec![
        format!("{}          {}", screen.paint(Look::Strong, "鸿雁"), shown.leads),
        format!("{}  http://{sandbox_address}", screen.paint(Look::Strong, "模拟企业微信")),
        String::new(),
        format!(
            "{}：{} 名员工，{} 个渠道，种子 {}",
            screen.paint(Look::Strong, &company.name),
            company.staff.len(),
            company.channels.len(),
            company.seed(),
        ),
    ];
    let known =
        if customers > 0 { format!("，接着上次的 {customers} 位客户") } else { String::new() };
    lines.push(format!("数据在 {}{known}", plan.data.display()));
    if plan.once.is_none() {
        lines.extend(tries(plan, shown, sandbox_address, screen));
    }
    lines.push(String::new());
    lines.push(screen.paint(Look::Soft, &pace(plan)));
    lines.push(String::new());
    if plan.speed > 0.0 {
        lines.push(story::head(screen));
    }
    Screen::print(&lines);
}

/// Returns what one could do next, in another terminal and in a browser.
fn tries(plan: &Plan, shown: &Shown, sandbox_address: SocketAddr, screen: Screen) -> Vec<String> {
    let (program, data) = (quoted(&plan.program), quoted(&plan.data));
    let (url, bearer) = (&shown.leads, "-H \"Authorization: Bearer $TOKEN\"");
    let soft = |text: &str| screen.paint(Look::Soft, text);
    vec![
        String::new(),
        soft("看公司、手机、回调和接口调用，让客户扫码，制造故障："),
        format!("  http://{sandbox_address}/"),
        soft("在另一个终端里看线索："),
        format!("  TOKEN=$({program} token --role admin --data {data})"),
        format!("  curl {bearer} '{url}/api/v1/leads/leads?limit=3'"),
        soft("接口说明："),
        format!("  {url}/api/docs"),
    ]
}

fn pace(plan: &Plan) -> String {
    match plan.once {
        Some(leads) => format!("到 {leads} 条线索为止，平均每秒 {} 位客户到来", plan.speed),
        None if plan.speed > 0.0 => format!("平均每秒 {} 位客户到来，Ctrl-C 结束", plan.speed),
        None => "没有客户自己到来：在页面里让客户扫码。Ctrl-C 结束".to_owned(),
    }
}

/// Returns a path as a shell takes it.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |char: char| char.is_alphanumeric() || "/._-+=:@%".contains(char);
    if !path.is_empty() && path.chars().all(is_plain) {
        path
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

/// Says that what has begun comes to its end.
pub(super) fn wait() {
    let screen = Screen::of_stderr();
    if screen.width.is_some() {
        // Below the ^C of the terminal.
        Screen::print(&[String::new(), screen.paint(Look::Soft, "正在收尾…")]);
    }
}

/// Says in one line how it went.
pub(super) fn sum_up(report: &Report, ran: Duration) {
    let screen = Screen::of_stderr();
    let Report { leads_assigned, welcomes_sent, lost, doubled, .. } = report;
    let well = format!(
        "{}里 {leads_assigned} 条线索都有归属{}，{welcomes_sent} 条欢迎语已发{}",
        length(ran),
        spread(&report.assign_ms),
        spread(&report.welcome_ms),
    );
    let ungreeted = leads_assigned.saturating_sub(*welcomes_sent);
    let wrong = [(*lost, "位客户还没有线索"), (*doubled, "条线索重复"), (ungreeted, "条欢迎语没有发出")];
    let wrong = wrong.into_iter().filter(|(count, _)| *count > 0);
    let wrong = wrong.map(|(count, what)| format!("，{count} {what}")).collect::<Vec<_>>().concat();
    let look = if wrong.is_empty() { Look::Good } else { Look::Bad };
    Screen::print(&[format!("{}{well}{wrong}", screen.paint(look, "结束："))]);
}

fn spread(spread: &Spread) -> String {
    spread.p99.map(|most| format!("（99% 在 {} 内）", story::wait(most))).unwrap_or_default()
}

fn length(time: Duration) -> String {
    match time.as_secs() {
        seconds @ ..60 => format!("{seconds} 秒"),
        seconds @ 60..3600 => format!("{} 分 {} 秒", seconds / 60, seconds % 60),
        seconds => format!("{} 小时 {} 分", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_what_a_shell_takes() {
        assert_eq!(quoted(Path::new("target/demo/scrm")), "target/demo/scrm");
        assert_eq!(quoted(Path::new("数据")), "数据");
        assert_eq!(quoted(Path::new("my data")), "'my data'");
        assert_eq!(quoted(Path::new("it's")), r"'it'\''s'");
    }

    #[test]
    fn lengths_are_in_the_units_that_people_say() {
        let said = [0, 59, 60, 3599, 7384].map(|seconds| length(Duration::from_secs(seconds)));
        assert_eq!(said, ["0 秒", "59 秒", "1 分 0 秒", "59 分 59 秒", "2 小时 3 分"]);
    }
}
