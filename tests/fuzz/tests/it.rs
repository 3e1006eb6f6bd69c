//! The targets on their seeds and on changed copies of them: the same ones every time.

use std::path::Path;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// Changed copies of each seed.
const COPIES: usize = 3000;
/// Changes of a copy at most.
const CHANGES: u64 = 6;
/// What parsers find hard, put in anywhere.
const HARD: [&[u8]; 14] = [
    b"<![CDATA[",
    b"]]>",
    b"<!DOCTYPE x [<!ENTITY e \"f\">]>",
    b"&e;",
    b"&#x0;",
    b"<xml>",
    b"</xml>",
    b"%",
    b"&nonce=",
    b"\n\n",
    b"\\u0000",
    b"1e999",
    b"[[[[",
    b"\xff\xfe",
];

/// Returns the seeds of a target, in the order of their names.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the target has a folder of seeds")
        .map(|entry| entry.expect("a folder of ours can be listed").path())
        .collect();
    files.sort();
    files.into_iter().map(|file| std::fs::read(file).expect("a seed is readable")).collect()
}

fn below(chance: &mut ChaCha8Rng, end: usize) -> usize {
    usize::try_from(chance.next_u64() % end.max(1) as u64).expect("it is below a usize")
}

/// Changes one place.
fn change(bytes: &mut Vec<u8>, others: &[Vec<u8>], chance: &mut ChaCha8Rng) {
    let at = below(chance, bytes.len() + 1);
    let length = below(chance, 24).min(bytes.len() - at);
    match chance.next_u64() % 6 {
        0 if at < bytes.len() => bytes[at] ^= 1 << below(chance, 8),
        1 => drop(bytes.drain(at..at + length)),
        2 => drop(bytes.splice(at..at, HARD[below(chance, HARD.len())].iter().copied())),
        3 => {
            let twice: Vec<u8> = bytes[at..at + length].repeat(1 + below(chance, 40));
            drop(bytes.splice(at..at, twice));
        }
        4 => {
            let other = &others[below(chance, others.len())];
            let from = below(chance, other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        _ => bytes.truncate(at),
    }
}

fn try_all(target: &str, check: fn(&[u8])) {
    let seeds = seeds(target);
    assert!(seeds.len() >= 3, "{target} has seeds");
    let mut chance = ChaCha8Rng::seed_from_u64(7);
    for seed in &seeds {
        check(seed);
        for _ in 0..COPIES {
            let mut copy = seed.clone();
            for _ in 0..=chance.next_u64() % CHANGES {
                change(&mut copy, &seeds, &mut chance);
            }
            check(&copy);
        }
    }
}

#[test]
fn no_stranger_gets_through_the_door_and_every_true_message_does() {
    try_all("door", scrm_fuzz::door);
}

#[test]
fn whatever_is_in_a_callback_is_an_event_or_an_error() {
    try_all("event", scrm_fuzz::event);
}

#[test]
fn whatever_a_source_sends_is_within_its_limits_or_names_its_fields() {
    try_all("webhook", scrm_fuzz::webhook);
}
