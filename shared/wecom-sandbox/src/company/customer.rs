//! The endless series of customers: customer `n` is a function of the seed and `n`, so nothing has to be stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::{Company, names};
use crate::draw::{Draw, Topic, URL_SAFE};

/// Characters of an id that hold the customer's number, after the prefix `wm`.
const NUMBER_CHARS: usize = 11;

/// Somebody on WeChat who adds a member of the company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Customer {
    /// The place in the series, from 1.
    pub number: u64,
    /// WeCom's id: `wm` and 22 to 30 characters.
    pub external_user_id: String,
    /// The name chosen on WeChat; anything may stand in it.
    pub name: String,
    /// 0 unknown, 1 a man, 2 a woman.
    pub gender: u8,
    /// Where the picture would be.
    pub avatar: String,
    /// Which of the company's channels the customer came through, if any.
    pub channel: Option<usize>,
    /// Whom the customer adds.
    pub user_id: String,
}

impl Company {
    /// Returns customer `number` of the series.
    pub fn customer(&self, number: u64) -> Customer {
        let mut draw = Draw::scripted(self.seed, Topic::Customer, number);
        let tail_length = 22 - NUMBER_CHARS + draw.below(9);
        let tail = draw.text(URL_SAFE, tail_length);
        let (name, gender) = names::customer(&mut draw);
        // One in eight finds a member by phone or business card, where no `state` comes along.
        let channel = (!draw.chance(0.125)).then(|| self.busy_channel(&mut draw));
        let staff = match channel {
            Some(channel) => draw.pick(&self.channels[channel].staff).clone(),
            None => draw.pick(&self.staff).user_id.clone(),
        };
        Customer {
            number,
            external_user_id: format!("wm{}{tail}", self.number_code(number)),
            name,
            gender,
            avatar: format!("https://avatar.wecom.example/{}/0", draw.text(URL_SAFE, 20)),
            channel,
            user_id: staff,
        }
    }

    /// Finds the customer with this id, without keeping a list of them.
    pub fn customer_by_id(&self, external_user_id: &str) -> Option<Customer> {
        let code = external_user_id.strip_prefix("wm")?.get(..NUMBER_CHARS)?;
        let bytes: [u8; 8] = URL_SAFE_NO_PAD.decode(code).ok()?.try_into().ok()?;
        let customer = self.customer(unmix(u64::from_le_bytes(bytes)) ^ self.id_key());
        (customer.external_user_id == external_user_id).then_some(customer)
    }

    /// Returns name, picture and the like of anybody with a customer's id, even one that is not of the series.
    pub(crate) fn profile(&self, external_user_id: &str) -> Customer {
        self.customer_by_id(external_user_id).unwrap_or_else(|| {
            let folded = |number, byte| mix(number ^ u64::from(byte));
            self.customer(external_user_id.bytes().fold(self.seed, folded))
        })
    }

    /// Takes a channel; the first ones are the busiest.
    fn busy_channel(&self, draw: &mut Draw) -> usize {
        let busy = self.channels.len();
        draw.below(busy).min(draw.below(busy))
    }

    fn number_code(&self, number: u64) -> String {
        URL_SAFE_NO_PAD.encode(mix(number ^ self.id_key()).to_le_bytes())
    }

    /// Returns what sets the ids of this company apart from those of another seed.
    fn id_key(&self) -> u64 {
        mix(self.seed ^ 0x9e37_79b9_7f4a_7c15)
    }
}

/// Scatters numbers so that ids look random, and loses nothing (the last step of splitmix64).
const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Undoes [`mix`].
const fn unmix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 31) ^ (bits >> 62)).wrapping_mul(0x3196_42b2_d24d_8ec3);
    bits = (bits ^ (bits >> 27) ^ (bits >> 54)).wrapping_mul(0x96de_1b17_3f11_9089);
    bits ^ (bits >> 30) ^ (bits >> 60)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_customer_depends_on_seed_and_number_alone() {
        let company = Company::scripted(42);
        assert_eq!(company.customer(1000), Company::scripted(42).customer(1000));
        assert_ne!(company.customer(1000), Company::scripted(43).customer(1000));
    }

    #[test]
    fn a_seed_means_the_same_people_in_every_version() {
        let company = Company::scripted(1);
        let customer = company.customer(1);
        let shown = [&company.corp_id, &customer.external_user_id, &customer.name, &customer.user_id];
        assert_eq!(shown, ["ww3d75e12ca374db9e", "wmPbMTuOaKQxk4LWD0G-_UCYjWH", "何子轩", "Xuzihan96"]);
    }

    #[test]
    fn ids_are_as_wecom_makes_them_and_lead_back_to_the_customer() {
        let company = Company::scripted(42);
        let mut seen = HashSet::new();
        for number in (1..2000).chain([u64::MAX]) {
            let customer = company.customer(number);
            let id = &customer.external_user_id;
            assert!((24..=32).contains(&id.len()) && id.starts_with("wm"), "{id}");
            assert!(id.bytes().all(|byte| URL_SAFE.contains(&byte)), "{id}");
            assert!(seen.insert(id.clone()));
            assert_eq!(company.customer_by_id(id).as_ref(), Some(&customer));
        }
        for foreign in ["", "wm", "wmAJ2GCAAAXtWyujaWJHDDGi0mACHAAA", "woAJ2GCAAAXtWyujaWJHDDGi0mACHAAA"] {
            assert_eq!(company.customer_by_id(foreign), None);
        }
    }

    #[test]
    fn the_series_holds_plain_and_awkward_names() {
        let company = Company::scripted(1);
        let customers: Vec<Customer> = (1..=5000).map(|number| company.customer(number)).collect();
        let share =
            |claim: fn(&Customer) -> bool| customers.iter().filter(|customer| claim(customer)).count();
        assert!(
            customers.iter().all(|customer| !customer.name.is_empty() && customer.name.chars().count() <= 64)
        );
        assert!(share(|customer| customer.name.chars().count() <= 4) > 2500);
        assert!(share(|customer| customer.name.contains('\u{200d}') || customer.name.contains('🌸')) > 20);
        assert!(share(|customer| customer.name.is_ascii()) > 200);
        assert!(share(|customer| customer.name.chars().count() >= 50) > 5);
        assert!(share(|customer| customer.name.contains(' ')) > 100);
        assert!(share(|customer| customer.name.contains('𠮷')) > 1);
        assert!(share(|customer| customer.channel.is_none()) > 400);
        assert!(share(|customer| customer.gender == 0) > 500);
    }
}
