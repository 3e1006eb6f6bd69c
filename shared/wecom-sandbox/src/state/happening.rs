//! What happens to relations after they began: people change, leave, or are handed on.

use serde_json::Value;

use super::meeting::Met;
use super::{Corp, DONE, Entry, Member, REFUSED, Relation, Standing, Transfer};
use crate::event::Event;

/// WeCom's `add_way` of a customer whom an administrator assigned.
const ASSIGNED: u32 = 202;
/// `add_way` when nothing is known.
const UNKNOWN: u32 = 0;
const SCANNED: u32 = 1;

/// What members type after the name of a customer.
const NOTES: &[&str] = &["已报价", "周末联系", "看过样品", "对比中", "预算待定", "老板决定"];

impl Corp {
    /// Lets a relation end from either side; says whether there was one.
    pub(crate) fn part(&mut self, user_id: &str, external_user_id: &str, standing: Standing) -> bool {
        let Some(relation) = self.relations.find(user_id, external_user_id) else { return false };
        let changed = Relation { standing, ..relation.clone() };
        self.put(Entry::Relation(changed));
        true
    }

    /// Lets a member put a tag on a customer or write a note, as members do in the client.
    pub(crate) fn edit(&mut self, user_id: &str, external_user_id: &str) {
        let Some(relation) = self.relations.find(user_id, external_user_id) else { return };
        let mut changed = relation.clone();
        let groups: Vec<_> = self.tags.groups.iter().flat_map(super::Group::live).collect();
        if self.chance.chance(0.5) && !groups.is_empty() {
            let tag = &self.chance.pick(&groups).id;
            if !changed.tags.contains(tag) {
                changed.tags.push(tag.clone());
            }
        } else {
            (*self.chance.pick(NOTES)).clone_into(&mut changed.description);
        }
        self.put(Entry::Relation(changed));
    }

    /// Makes true what an event on request says, as far as it concerns members of this company.
    pub(crate) fn believe(&mut self, event: &Event, now: i64) {
        let Some((name, Some(change_type))) = event.kind() else { return };
        let text = |field: &str| event.text(field).unwrap_or_default().to_owned();
        let (user_id, external_user_id) = (text("UserID"), text("ExternalUserID"));
        match (name, change_type) {
            ("change_external_contact", "add_external_contact" | "add_half_external_contact") => {
                self.allow_welcome(&text("WelcomeCode"), &user_id, &external_user_id, now);
                let state = event.text("State").map(str::to_owned);
                let add_way = if state.is_some() { SCANNED } else { UNKNOWN };
                let member = self.book.find(&user_id).map(|member| member.user_id.clone());
                if let Some(user_id) = member.filter(|_| !external_user_id.is_empty()) {
                    self.befriend(&external_user_id, &Met { user_id, state, channel: None, add_way }, now);
                }
            }
            ("change_external_contact", "msg_audit_approved") => {
                self.allow_welcome(&text("WelcomeCode"), &user_id, &external_user_id, now);
                self.agree(&user_id, &external_user_id);
            }
            ("change_external_contact", "del_external_contact") => {
                self.part(&user_id, &external_user_id, Standing::Over);
            }
            ("change_external_contact", "del_follow_user") => {
                self.part(&user_id, &external_user_id, Standing::LeftByCustomer);
            }
            ("change_contact", "create_user" | "update_user" | "delete_user") => {
                self.staff_changed(event, change_type, user_id);
            }
            _ => {}
        }
    }

    /// Lets a customer agree that chats with a member are archived.
    fn agree(&mut self, user_id: &str, external_user_id: &str) {
        let relation = self.relations.find(user_id, external_user_id).filter(|relation| !relation.agreed);
        if let Some(relation) = relation.cloned() {
            self.put(Entry::Relation(Relation { agreed: true, ..relation }));
        }
    }

    fn staff_changed(&mut self, event: &Event, change_type: &str, user_id: String) {
        let known = self.book.find(&user_id).cloned();
        let mut member = match (change_type, known) {
            ("create_user", None) if !user_id.is_empty() => Member {
                name: user_id.clone(),
                user_id,
                departments: vec![1],
                position: String::new(),
                is_leader: false,
                gone: false,
            },
            (_, Some(known)) => known,
            _ => return,
        };
        member.gone = change_type == "delete_user";
        if let Some(name) = event.text("Name") {
            name.clone_into(&mut member.name);
        }
        if let Some(position) = event.text("Position") {
            position.clone_into(&mut member.position);
        }
        let departments = match event.value("Department") {
            Some(Value::String(ids)) => ids.split(',').filter_map(|id| id.trim().parse().ok()).collect(),
            Some(Value::Number(id)) => {
                id.as_u64().and_then(|id| u32::try_from(id).ok()).into_iter().collect()
            }
            _ => Vec::new(),
        };
        if !departments.is_empty() {
            member.departments = departments;
        }
        let from = member.user_id.clone();
        self.put(Entry::Member(member));
        let to = event.text("NewUserID").unwrap_or_default();
        // What is taken, by somebody else or with other capitals by the same member, stays.
        if change_type == "update_user" && !to.is_empty() && self.book.find(to).is_none() {
            self.put(Entry::Renamed { from, to: to.to_owned() });
        }
    }

    /// Carries out the transfers whose time has come at `now`, and returns what WeCom tells `app` about them.
    pub(crate) fn settle(&mut self, app: &str, now: i64) -> Vec<Event> {
        let mut told = Vec::new();
        while let Some(transfer) = self.transfers.due(now).cloned() {
            self.put(Entry::Transfer(Transfer {
                status: if transfer.refuses { REFUSED } else { DONE },
                ..transfer.clone()
            }));
            let event = |change_type, user_id: &str| {
                Event::new(app, "change_external_contact", Some(change_type))
                    .field("UserID", user_id)
                    .field("ExternalUserID", transfer.external_user_id.as_str())
            };
            if transfer.refuses {
                let failed = event("transfer_fail", &transfer.takeover);
                told.push(failed.field("FailReason", "customer_refused"));
            } else if self.hand_over(&transfer) {
                told.push(event("add_external_contact", &transfer.takeover));
                let deleted = event("del_external_contact", &transfer.handover);
                told.push(deleted.field("Source", "DELETE_BY_TRANSFER"));
            }
        }
        told
    }

    /// Moves a customer with remark and tags; says whether there was still somebody to move.
    fn hand_over(&mut self, transfer: &Transfer) -> bool {
        let Some(old) = self.relations.find(&transfer.handover, &transfer.external_user_id).cloned() else {
            return false;
        };
        self.put(Entry::Relation(Relation { standing: Standing::Over, ..old.clone() }));
        self.put(Entry::Relation(Relation {
            user_id: transfer.takeover.clone(),
            standing: Standing::Friends,
            created_at: transfer.due_at.div_euclid(1000),
            add_way: ASSIGNED,
            oper_user_id: transfer.handover.clone(),
            state: None,
            // Customers agree for a member.
            agreed: false,
            ..old
        }));
        true
    }
}
