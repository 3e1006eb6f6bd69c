//! What a process does below the folder is in the log, in order, and nothing else is.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::programs;

/// Returns kind, number and bytes of each record.
fn records(log: &Path) -> Vec<(u8, u64, String)> {
    let (bytes, mut at, mut records) = (fs::read(log).expect("there is a log"), 0, Vec::new());
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("it is 8 bytes"));
    while at < bytes.len() {
        let length = usize::try_from(number(at + 17)).expect("records are short");
        let text = String::from_utf8_lossy(&bytes[at + 25..at + 25 + length]).into_owned();
        records.push((bytes[at], number(at + 9), text));
        at += 25 + length;
    }
    records
}

#[test]
fn writes_truncations_and_syncs_are_in_the_log_in_order() {
    let place = tempfile::tempdir().unwrap();
    let (root, log) = (place.path().join("root"), place.path().join("log"));
    fs::create_dir(&root).unwrap();
    // Not by the shell itself, which writes from within libc.
    let script = "append() { dd conv=notrunc oflag=append status=none of=$1; }; echo outside | append ../other && \
                  echo one | append file && echo two | append file && sync file && echo three | dd status=none of=file \
                  && truncate -s 3 file && sync -d file . && rm file && sync .";
    let status = Command::new("bash")
        .args(["-c", script])
        .current_dir(&root)
        .env("LD_PRELOAD", programs().join("examples/libpower_cut.so"))
        .env("SCRM_POWER_CUT_ROOT", &root)
        .env("SCRM_POWER_CUT_LOG", &log)
        .status();
    assert!(status.unwrap().success());
    let records = records(&log);
    let told: Vec<(u8, &str)> =
        records.iter().map(|(kind, _, text)| (*kind, text.split('\0').next().unwrap())).collect();
    let expected = [
        (3, "file"),
        (1, "one\n"),
        (1, "two\n"),
        (4, "file"),
        (2, ""),
        (1, "three\n"),
        (2, ""),
        (4, "file"),
        (5, ""),
        (5, ""),
    ];
    assert_eq!(told, expected);
    let numbers: Vec<u64> = records.iter().map(|(_, number, _)| *number).collect();
    assert_eq!((numbers[1], numbers[2], numbers[4], numbers[6]), (0, 4, 0, 3));
    let listings: Vec<&str> = records[8..].iter().map(|(_, _, text)| text.as_str()).collect();
    assert!(listings[0].starts_with("\0file\0") && listings[1].is_empty(), "{listings:?}");
}
