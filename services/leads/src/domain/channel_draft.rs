//! What an administrator says of a channel, checked field by field.

use scrm_kernel::{ChannelId, FieldError, Hours, WecomUserId};

use super::channel::{Place, Plan, Week};

/// Characters of a channel's name at most.
const MOST_NAME: usize = 60;
/// Characters of `remark` and `state` at most (WeCom document 92572).
const MOST_WORDS: usize = 30;
/// Members of one contact way at most (WeCom's 41041).
const MOST_STAFF: usize = 100;
const MOST_WEIGHT: u32 = 1000;
const MOST_CAP: u32 = 100_000;
/// Tags that a channel gives to its customers at most.
const MOST_TAGS: usize = 20;
/// Characters of WeCom's id of a tag at most.
const MOST_TAG: usize = 64;

/// A member, as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceDraft {
    /// WeCom's id.
    pub user: String,
    /// The share of customers.
    pub weight: u32,
    /// Customers a day at most.
    pub daily_cap: Option<u32>,
    /// Hours for each day of the week, Monday first.
    pub week: Option<Vec<String>>,
}

/// A channel, as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What people call it.
    pub name: String,
    /// What customers bring along; made from the id when absent.
    pub state: Option<String>,
    /// A note that WeCom keeps.
    pub remark: String,
    /// Whether a customer is connected without the member's consent.
    pub skip_verify: bool,
    /// Whether customers are handed out.
    pub is_on: bool,
    /// Who answers.
    pub staff: Vec<PlaceDraft>,
    /// Who answers when nobody else can.
    pub backup: Option<String>,
    /// WeCom's ids of the tags that customers are to have.
    pub tags: Vec<String>,
}

/// What an administrator may change of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What people call it.
    pub name: String,
    /// A note that WeCom keeps.
    pub remark: String,
    /// Whether a customer is connected without the member's consent.
    pub skip_verify: bool,
    /// Who answers.
    pub plan: Plan,
    /// WeCom's ids of the tags that customers are to have.
    pub tags: Vec<String>,
}

impl Draft {
    /// Checks everything, and returns the settings with the `state`, if one was given.
    pub fn checked(self) -> Result<(Settings, Option<String>), Vec<FieldError>> {
        let mut wrong = Vec::new();
        let name = words("name", &self.name, 1, MOST_NAME, &mut wrong);
        let remark = words("remark", &self.remark, 0, MOST_WORDS, &mut wrong);
        let state = self.state.map(|state| words("state", &state, 1, MOST_WORDS, &mut wrong));
        let backup = self.backup.and_then(|backup| member("backup_user_id", &backup, &mut wrong));
        if self.staff.is_empty() || self.staff.len() > MOST_STAFF {
            let problem = format!("must name 1 to {MOST_STAFF} members");
            wrong.push(FieldError::new("staff", problem));
        }
        let mut staff: Vec<Place> = Vec::new();
        for (index, draft) in self.staff.into_iter().enumerate() {
            let Some(place) = place(&format!("staff[{index}]"), draft, &mut wrong) else { continue };
            if staff.iter().any(|other| other.user == place.user) {
                wrong.push(FieldError::new(format!("staff[{index}].user_id"), "is named twice"));
            }
            staff.push(place);
        }
        let tags = tags_of(&self.tags, &mut wrong);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let plan = Plan { is_on: self.is_on, staff, backup };
        Ok((Settings { name, remark, skip_verify: self.skip_verify, plan, tags }, state))
    }
}

fn tags_of(ids: &[String], wrong: &mut Vec<FieldError>) -> Vec<String> {
    if ids.len() > MOST_TAGS {
        wrong.push(FieldError::new("tags", format!("must name {MOST_TAGS} tags at most")));
        return Vec::new();
    }
    let mut tags: Vec<String> = Vec::new();
    for (index, id) in ids.iter().enumerate() {
        let tag = words(&format!("tags[{index}]"), id, 1, MOST_TAG, wrong);
        if tags.contains(&tag) {
            wrong.push(FieldError::new(format!("tags[{index}]"), "is named twice"));
        }
        tags.push(tag);
    }
    tags
}

fn place(path: &str, draft: PlaceDraft, wrong: &mut Vec<FieldError>) -> Option<Place> {
    let PlaceDraft { user, weight, daily_cap, week } = draft;
    if !(1..=MOST_WEIGHT).contains(&weight) {
        wrong.push(FieldError::new(format!("{path}.weight"), format!("must be 1 to {MOST_WEIGHT}")));
    }
    if daily_cap.is_some_and(|cap| !(1..=MOST_CAP).contains(&cap)) {
        wrong.push(FieldError::new(
            format!("{path}.daily_cap"),
            format!("must be 1 to {MOST_CAP}, or absent"),
        ));
    }
    let week = week.and_then(|days| week_of(&format!("{path}.week"), &days, wrong));
    let user = member(&format!("{path}.user_id"), &user, wrong)?;
    Some(Place { user, weight, daily_cap, week })
}

fn week_of(path: &str, days: &[String], wrong: &mut Vec<FieldError>) -> Option<Week> {
    let mut week = Vec::new();
    for (index, day) in days.iter().enumerate() {
        match day.parse::<Hours>() {
            Ok(hours) => week.push(hours),
            Err(error) => wrong.push(FieldError::new(format!("{path}[{index}]"), error.to_string())),
        }
    }
    if days.len() != 7 {
        wrong.push(FieldError::new(path, "must have seven days, Monday first"));
    }
    week.try_into().ok().map(Week)
}

fn member(path: &str, text: &str, wrong: &mut Vec<FieldError>) -> Option<WecomUserId> {
    match WecomUserId::parse(text) {
        Ok(user) => Some(user),
        Err(error) => {
            wrong.push(FieldError::new(path, error.to_string()));
            None
        }
    }
}

fn words(path: &str, text: &str, least: usize, most: usize, wrong: &mut Vec<FieldError>) -> String {
    let text = text.trim();
    if !(least..=most).contains(&text.chars().count()) || text.chars().any(char::is_control) {
        wrong.push(FieldError::new(
            path,
            format!("must be {least} to {most} characters, without line breaks"),
        ));
    }
    text.to_owned()
}

/// Makes a `state` that carries the id of a channel: 26 letters and digits.
pub fn state_of(id: ChannelId) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut rest = id.as_uuid().as_u128();
    let mut digits = [b'0'; 25];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[usize::try_from(rest % 36).unwrap_or_default()];
        rest /= 36;
    }
    std::iter::once('h').chain(digits.map(char::from)).collect()
}

#[cfg(test)]
mod tests {
    use scrm_kernel::time::from_millis;

    use super::*;

    fn draft() -> Draft {
        let place = PlaceDraft { user: "LiLei".to_owned(), weight: 1, daily_cap: None, week: None };
        Draft {
            name: "Spring fair".to_owned(),
            state: None,
            remark: String::new(),
            skip_verify: true,
            is_on: true,
            staff: vec![place],
            backup: None,
            tags: Vec::new(),
        }
    }

    #[test]
    fn every_wrong_field_is_named() {
        let mut wrong = draft();
        wrong.name = " ".to_owned();
        wrong.remark = "字".repeat(31);
        wrong.state = Some("a\nb".to_owned());
        wrong.backup = Some(String::new());
        let bad = PlaceDraft {
            user: "lilei".to_owned(),
            weight: 0,
            daily_cap: Some(0),
            week: Some(vec!["9-18".to_owned()]),
        };
        wrong.staff.push(bad);
        let fields: Vec<_> = wrong.checked().unwrap_err().into_iter().map(|wrong| wrong.field).collect();
        let expected = [
            "name",
            "remark",
            "state",
            "backup_user_id",
            "staff[1].weight",
            "staff[1].daily_cap",
            "staff[1].week[0]",
            "staff[1].week",
            "staff[1].user_id",
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn nobody_is_too_few_and_a_hundred_enough() {
        let with = |count: usize| {
            let place = |index| PlaceDraft { user: format!("User{index}"), ..draft().staff[0].clone() };
            Draft { staff: (0..count).map(place).collect(), ..draft() }.checked()
        };
        assert!(with(100).is_ok());
        for count in [0, 101] {
            assert_eq!(with(count).unwrap_err()[0].field, "staff", "{count}");
        }
    }

    #[test]
    fn tags_are_twenty_at_most_and_each_named_once() {
        let with = |tags: &[&str]| {
            let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
            Draft { tags, ..draft() }.checked()
        };
        let ids: Vec<String> = (0..21).map(|number| format!("et{number}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        assert_eq!(with(&ids[..20]).unwrap().0.tags, ids[..20]);
        assert_eq!(with(&ids).unwrap_err()[0].field, "tags");
        let wrong = with(&["et1", " et1", "", &"e".repeat(65)]).unwrap_err();
        let fields: Vec<_> = wrong.iter().map(|wrong| wrong.field.as_str()).collect();
        assert_eq!(fields, ["tags[1]", "tags[2]", "tags[3]"]);
    }

    #[test]
    fn a_state_carries_the_id_in_thirty_characters() {
        let ids: Vec<_> = (0..100).map(|_| ChannelId::mint(from_millis(1_772_380_800_000))).collect();
        for id in &ids {
            let state = state_of(*id);
            let back = u128::from_str_radix(&state[1..], 36).unwrap();
            assert_eq!((back, state.len()), (id.as_uuid().as_u128(), 26));
        }
    }
}
