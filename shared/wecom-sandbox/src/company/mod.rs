//! The company that the seed describes: departments, members, tags, channels, and its [customers](customer).

pub(crate) mod customer;
mod names;
mod provider;

use std::collections::HashSet;

use serde::Serialize;

pub use customer::Customer;
pub(crate) use provider::Provider;

use crate::draw::{ALPHANUMERIC, Draw, HEX, Topic};

/// How many members the company has.
const STAFF: usize = 50;

const BRANDS: &[&str] = &["云杉", "鸿达", "晨曦", "海棠", "青禾", "蓝鲸", "星河", "沐光"];
const TRADES: &[&str] = &["家居", "教育", "医美", "汽车", "母婴", "健身", "文旅"];

/// Departments by id, parent and name; id 1 is the company itself.
const DEPARTMENTS: &[(u32, u32, &str)] = &[
    (2, 1, "销售中心"),
    (3, 1, "客户成功部"),
    (4, 1, "市场部"),
    (5, 2, "华东一组"),
    (6, 2, "华东二组"),
    (7, 2, "华南组"),
    (8, 2, "线上组"),
    (9, 3, "售后服务组"),
];

/// Where new members are put, the sales groups first and most often.
const PLACES: &[u32] = &[5, 5, 6, 6, 7, 7, 8, 8, 8, 9, 3, 4];

const TAG_GROUPS: &[(&str, &[&str])] = &[
    ("客户等级", &["重点客户", "普通客户", "潜在客户", "无效客户"]),
    ("客户来源", &["抖音", "小红书", "公众号", "门店", "老客推荐", "展会"]),
    ("意向程度", &["高意向", "中意向", "低意向"]),
    ("跟进阶段", &["已加微信", "已报价", "已到店", "已成交", "已流失"]),
    ("关注内容", &["价格", "质量", "售后", "活动"]),
];

/// Channels by name and `state`, the busiest first. WeCom allows a `state` of up to 30 characters.
const CHANNELS: &[(&str, &str)] = &[
    ("抖音直播间", "douyin-live"),
    ("小红书笔记", "xhs-note-2024"),
    ("公众号菜单", "mp_menu"),
    ("门店海报·静安寺", "门店-静安寺"),
    ("官网浮窗", "web?src=float&v=2"),
    ("老客推荐", "referral"),
    ("短信召回", "sms_0618"),
    ("展会易拉宝", "expo/A12"),
    ("包裹卡", "package-card-00000000000000001"),
    ("视频号", "channels:feed"),
];

/// A department; the one with id 1 is the company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Department {
    /// WeCom's number.
    pub id: u32,
    /// The department above, 0 for the company.
    pub parent_id: u32,
    /// The name shown.
    pub name: String,
}

/// A member of the company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Staff {
    /// WeCom's id, as the company spells it.
    pub user_id: String,
    /// The name shown.
    pub name: String,
    /// 1 a man, 2 a woman.
    pub gender: u8,
    /// The department.
    pub department: u32,
    /// The position shown.
    pub position: String,
    /// Whether this is the first one of the department.
    pub is_leader: bool,
}

/// A group of customer tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TagGroup {
    /// WeCom's id.
    pub id: String,
    /// The name shown.
    pub name: String,
    /// The tags, in order.
    pub tags: Vec<Tag>,
}

/// A customer tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tag {
    /// WeCom's id.
    pub id: String,
    /// The name shown.
    pub name: String,
}

/// A way by which customers find members, for instance a printed code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Channel {
    /// The name shown.
    pub name: String,
    /// What WeCom hands back when somebody comes this way, at most 30 characters.
    pub state: String,
    /// The members that customers of this channel may meet.
    pub staff: Vec<String>,
}

/// Everything about the company that follows from the seed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Company {
    #[serde(skip)]
    seed: u64,
    /// WeCom's id: `ww` and 16 hexadecimal digits.
    pub corp_id: String,
    /// The name shown.
    pub name: String,
    /// The departments, parents before children.
    pub departments: Vec<Department>,
    /// The members.
    pub staff: Vec<Staff>,
    /// The tags for customers.
    pub tag_groups: Vec<TagGroup>,
    /// The channels, the busiest first.
    pub channels: Vec<Channel>,
}

impl Company {
    /// Writes the company of a seed.
    pub fn scripted(seed: u64) -> Self {
        let mut draw = Draw::scripted(seed, Topic::Company, 0);
        let corp_id = format!("ww{}", draw.text(HEX, 16));
        let name = format!("{}{}", draw.pick(BRANDS), draw.pick(TRADES));
        let staff = staff(&mut draw);
        let channels = CHANNELS.iter().map(|channel| staffed(channel, &staff, &mut draw)).collect();
        Self {
            seed,
            corp_id,
            departments: departments(&name),
            name,
            staff,
            tag_groups: TAG_GROUPS.iter().map(|group| tag_group(group, &mut draw)).collect(),
            channels,
        }
    }

    /// Returns what everything follows from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns the channel through which `customer` came.
    pub fn channel_of(&self, customer: &Customer) -> Option<&Channel> {
        self.channels.get(customer.channel?)
    }

    /// Finds a member.
    pub fn member(&self, user_id: &str) -> Option<&Staff> {
        self.staff.iter().find(|staff| staff.user_id.eq_ignore_ascii_case(user_id))
    }
}

fn departments(company: &str) -> Vec<Department> {
    let root = Department { id: 1, parent_id: 0, name: company.to_owned() };
    let below =
        DEPARTMENTS.iter().map(|&(id, parent_id, name)| Department { id, parent_id, name: name.to_owned() });
    std::iter::once(root).chain(below).collect()
}

fn staff(draw: &mut Draw) -> Vec<Staff> {
    let mut taken = HashSet::new();
    let mut led = HashSet::new();
    let mut staff = Vec::with_capacity(STAFF);
    while staff.len() < STAFF {
        let (name, read, gender) = names::member(draw);
        // Administrators type userids by hand; WeCom compares them without regard to case.
        let read = if draw.chance(0.08) { capitalised(&read) } else { read };
        let user_id = format!("{read}{:02}", draw.below(100));
        if !taken.insert(user_id.to_lowercase()) {
            continue;
        }
        let department = PLACES[staff.len() % PLACES.len()];
        let is_leader = led.insert(department);
        let position = match (is_leader, department) {
            (true, _) => "主管",
            (_, 3 | 9) => "客户成功经理",
            (_, 4) => "市场专员",
            _ => "销售顾问",
        };
        staff.push(Staff { user_id, name, gender, department, position: position.to_owned(), is_leader });
    }
    staff
}

fn capitalised(word: &str) -> String {
    let mut word = word.to_owned();
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    word
}

fn staffed(&(name, state): &(&str, &str), staff: &[Staff], draw: &mut Draw) -> Channel {
    let mut members: Vec<String> = staff.iter().map(|staff| staff.user_id.clone()).collect();
    draw.shuffle(&mut members);
    members.truncate(3 + draw.below(10));
    Channel { name: name.to_owned(), state: state.to_owned(), staff: members }
}

fn tag_group(&(name, tags): &(&str, &[&str]), draw: &mut Draw) -> TagGroup {
    let mut id = || format!("et{}", draw.text(ALPHANUMERIC, 30));
    let group = id();
    let tags = tags.iter().map(|&name| Tag { id: id(), name: name.to_owned() }).collect();
    TagGroup { id: group, name: name.to_owned(), tags }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_writes_the_same_company() {
        assert_eq!(Company::scripted(9), Company::scripted(9));
        assert_ne!(Company::scripted(9).corp_id, Company::scripted(10).corp_id);
    }

    #[test]
    fn a_company_looks_like_one() {
        let company = Company::scripted(0);
        assert!(company.corp_id.len() == 18 && company.corp_id.starts_with("ww"));
        let ids: HashSet<String> = company.staff.iter().map(|staff| staff.user_id.to_lowercase()).collect();
        assert_eq!(ids.len(), 50);
        for staff in &company.staff {
            assert!(staff.user_id.is_ascii() && staff.user_id.len() <= 64, "{}", staff.user_id);
            assert!(company.departments.iter().any(|department| department.id == staff.department));
        }
        for channel in &company.channels {
            assert!(channel.state.chars().count() <= 30 && !channel.staff.is_empty());
            assert!(channel.staff.iter().all(|user_id| company.member(user_id).is_some()));
        }
    }
}
