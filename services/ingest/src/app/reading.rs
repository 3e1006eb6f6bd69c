//! What was read from WeCom, as the events that tell it.

use scrm_db::{Cause, Txn, outbox};
use scrm_kernel::{CorpId, ExternalUserId, ReconciliationId, Timestamp, WecomUserId};
use scrm_proto::wecom::v1::{
    self, CustomerGone, CustomerRead, DepartmentsRead, MemberGone, MemberPlace, MemberRead, MemberStatus,
    TagsRead,
};
use scrm_wecom::client::{Customer, Department, Follower, Member, Tag, TagGroup};
use sea_orm::DbErr;

use crate::domain::relation::Standing;
use crate::store;

/// What WeCom said about a subject, all of it.
pub(crate) enum Reading {
    /// The member is there.
    Member(MemberRead),
    /// The member is not.
    MemberGone(MemberGone),
    /// Every department.
    Departments(DepartmentsRead),
    /// Every tag.
    Tags(TagsRead),
    /// Somebody knows the customer.
    Customer(CustomerRead),
    /// Nobody does.
    CustomerGone(CustomerGone),
}

impl Reading {
    /// Tells it; what is told was so at `began_at` or later.
    pub(crate) async fn tell(&self, txn: &Txn, corp: CorpId, began_at: Timestamp) -> Result<(), DbErr> {
        self.tell_found(txn, corp, began_at, None).await
    }

    /// Tells what a comparison has had.
    pub(super) async fn tell_listed(
        &self,
        txn: &Txn,
        corp: CorpId,
        began_at: Timestamp,
        run: ReconciliationId,
    ) -> Result<(), DbErr> {
        self.tell_found(txn, corp, began_at, Some(run)).await
    }

    async fn tell_found(
        &self,
        txn: &Txn,
        corp: CorpId,
        began_at: Timestamp,
        run: Option<ReconciliationId>,
    ) -> Result<(), DbErr> {
        if let Some((user_id, standing)) = self.member() {
            let user = WecomUserId::parse(user_id).map_err(|error| DbErr::Custom(error.to_string()))?;
            store::member::note(txn, corp, &user, standing, began_at, run).await?;
        }
        let cause = Cause::here(began_at);
        let told = match self {
            Self::Member(event) => outbox::put(txn, corp, &cause, event).await,
            Self::MemberGone(event) => outbox::put(txn, corp, &cause, event).await,
            Self::Departments(event) => outbox::put(txn, corp, &cause, event).await,
            Self::Tags(event) => outbox::put(txn, corp, &cause, event).await,
            Self::Customer(event) => outbox::put(txn, corp, &cause, event).await,
            Self::CustomerGone(event) => outbox::put(txn, corp, &cause, event).await,
        };
        told.map(drop)
    }

    /// Returns which member it tells of, and how they stand.
    fn member(&self) -> Option<(&str, Standing)> {
        match self {
            Self::Member(read) => Some((&read.user_id, Standing::Present)),
            Self::MemberGone(gone) => Some((&gone.user_id, Standing::Gone)),
            _ => None,
        }
    }
}

pub(super) fn of_member(corp: CorpId, member: &Member) -> Reading {
    let leads = |place: usize| member.is_leader_in_dept.get(place).is_some_and(|leads| *leads == 1);
    let departments = member.departments.iter().enumerate();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Reading::Member(MemberRead {
        corp_id: corp.to_string(),
        user_id: member.user.as_str().to_owned(),
        name: member.name.clone(),
        alias: text(&member.alias),
        position: text(&member.position),
        departments: departments
            .map(|(place, department_id)| MemberPlace { department_id: *department_id, leads: leads(place) })
            .collect(),
        main_department: member.main_department.unwrap_or_default(),
        leader_user_ids: names(&member.direct_leaders),
        status: status_of(member.status).into(),
        avatar: text(&member.avatar),
    })
}

const fn status_of(number: Option<i64>) -> MemberStatus {
    match number {
        Some(1) => MemberStatus::Active,
        Some(2) => MemberStatus::Disabled,
        Some(4) => MemberStatus::NotActivated,
        Some(5) => MemberStatus::Left,
        _ => MemberStatus::Unspecified,
    }
}

pub(super) fn of_nobody(corp: CorpId, user: &WecomUserId) -> Reading {
    Reading::MemberGone(MemberGone { corp_id: corp.to_string(), user_id: user.as_str().to_owned() })
}

pub(super) fn of_departments(corp: CorpId, departments: &[Department]) -> Reading {
    let department = |department: &Department| v1::Department {
        id: department.id,
        name: department.name.clone(),
        parent_id: department.parent,
        order: department.order,
        leader_user_ids: names(&department.leaders),
    };
    let departments = departments.iter().map(department).collect();
    Reading::Departments(DepartmentsRead { corp_id: corp.to_string(), departments })
}

fn names(users: &[WecomUserId]) -> Vec<String> {
    users.iter().map(|user| user.as_str().to_owned()).collect()
}

pub(super) fn of_tags(corp: CorpId, groups: &[TagGroup]) -> Reading {
    let tag = |tag: &Tag| v1::Tag { id: tag.id.clone(), name: tag.name.clone(), order: tag.order };
    let group = |group: &TagGroup| v1::TagGroup {
        id: group.id.clone(),
        name: group.name.clone(),
        order: group.order,
        tags: group.tags.iter().filter(|tag| !tag.is_deleted).map(tag).collect(),
    };
    let groups = groups.iter().filter(|group| !group.is_deleted).map(group).collect();
    Reading::Tags(TagsRead { corp_id: corp.to_string(), groups })
}

pub(super) fn of_customer(corp: CorpId, customer: &Customer) -> Reading {
    let contact = &customer.contact;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Reading::Customer(CustomerRead {
        corp_id: corp.to_string(),
        external_user_id: contact.id.as_str().to_owned(),
        name: contact.name.clone(),
        r#type: contact.kind.unwrap_or_default(),
        gender: contact.gender.unwrap_or_default(),
        avatar: text(&contact.avatar),
        unionid: text(&contact.unionid),
        corp_name: text(&contact.corp_full_name.clone().or_else(|| contact.corp_name.clone())),
        position: text(&contact.position),
        followers: customer.followers.iter().map(follower_of).collect(),
    })
}

fn follower_of(follower: &Follower) -> v1::Follower {
    v1::Follower {
        user_id: follower.user.as_str().to_owned(),
        remark: follower.remark.clone().unwrap_or_default(),
        added_at: follower.created_at.map_or(0, |moment| moment.timestamp()),
        tag_ids: follower.corp_tag_ids().map(str::to_owned).collect(),
        add_way: follower.add_way.unwrap_or_default(),
        state: follower.state.clone().unwrap_or_default(),
        operator: follower.operator.clone().unwrap_or_default(),
    }
}

pub(super) fn of_no_customer(corp: CorpId, customer: &ExternalUserId) -> Reading {
    let external_user_id = customer.as_str().to_owned();
    Reading::CustomerGone(CustomerGone { corp_id: corp.to_string(), external_user_id })
}
