//! Chance: repeatable where the company's script is written, unrepeatable for secrets and timing.
//!
//! Only the raw output of `ChaCha` is used, and the few ways to shape it stand here, so that a seed gives the same
//! company under every version of every library.

use aws_lc_rs::rand;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// Letters and digits, the alphabet of WeCom's tokens and secrets.
pub(crate) const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// The alphabet of WeCom's ids of people.
pub(crate) const URL_SAFE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// The alphabet of a corp id after its prefix.
pub(crate) const HEX: &[u8] = b"0123456789abcdef";

/// What a series of draws decides; two topics never share numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Topic {
    Company = 1,
    Customer = 2,
    Churn = 3,
    Provider = 4,
}

/// A series of draws.
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    /// Begins the series that belongs to `number` under `topic`: always the same one for the same seed.
    pub(crate) fn scripted(seed: u64, topic: Topic, number: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&(topic as u64).to_le_bytes());
        key[16..24].copy_from_slice(&number.to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Begins a series that nobody can foresee.
    pub(crate) fn fresh() -> Self {
        let mut key = [0; 32];
        rand::fill(&mut key).expect("the system always has randomness");
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Returns a number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let scaled = u128::from(self.0.next_u64()) * bound as u128;
        usize::try_from(scaled >> 64).expect("less than the bound")
    }

    /// Returns a number in `0.0..1.0`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exactly what an f64 holds")]
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Says yes in `rate` of all cases.
    pub(crate) fn chance(&mut self, rate: f64) -> bool {
        self.unit() < rate
    }

    /// Takes one of `choices`, which is not empty.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// Returns `length` characters of an ASCII alphabet.
    pub(crate) fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(*self.pick(alphabet))).collect()
    }

    /// Returns 16 bytes, as WeCom puts them before a message.
    pub(crate) fn bytes(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// Brings `items` into random order.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let other = self.below(i + 1);
            items.swap(i, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scripted_series_is_the_same_in_every_version() {
        let mut draw = Draw::scripted(7, Topic::Company, 0);
        let first: Vec<usize> = (0..6).map(|_| draw.below(1000)).collect();
        assert_eq!(first, [869, 53, 1, 600, 442, 54]);
    }

    #[test]
    fn shuffling_keeps_every_item() {
        let mut items: Vec<u32> = (0..100).collect();
        Draw::fresh().shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<u32>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<u32>>());
    }
}
