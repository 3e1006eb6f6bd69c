#![doc = include_str!("README.md")]
#![expect(unsafe_code, reason = "it stands in for functions of libc")]

mod log;

use std::ffi::{CStr, c_char, c_int, c_long, c_void};
use std::path::PathBuf;

use libc::{iovec, mode_t, off_t, size_t, ssize_t};

/// Stands in for libc's function: opens, and notes files that are new or emptied.
///
/// # Safety
/// As libc's own. The mode is read whether it is given or not, and passed on unread if it is not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    let is_of_interest = flags & (libc::O_CREAT | libc::O_TRUNC) != 0;
    // SAFETY: the caller gives a path that ends with zero.
    let is_there = is_of_interest && unsafe { libc::access(path, libc::F_OK) } == 0;
    let at = c_long::from(libc::AT_FDCWD);
    // SAFETY: the very call that was asked for.
    let fd = unsafe { libc::syscall(libc::SYS_openat, at, path, c_long::from(flags), c_long::from(mode)) };
    let fd = c_int::try_from(fd).unwrap_or(-1);
    if fd >= 0 && is_of_interest {
        if is_there && flags & libc::O_TRUNC != 0 {
            log::truncated(fd, 0);
        } else if !is_there {
            log::created(fd);
        }
    }
    fd
}

/// Stands in for libc's function of this name.
///
/// # Safety
/// As [`open`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the caller's promise is the same.
    unsafe { open(path, flags | libc::O_LARGEFILE, mode) }
}

/// Stands in for libc's function: writes, and notes what was written where.
///
/// # Safety
/// As libc's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(fd: c_int, bytes: *const c_void, length: size_t) -> ssize_t {
    // SAFETY: the very call that was asked for.
    let written = unsafe { libc::syscall(libc::SYS_write, c_long::from(fd), bytes, length) };
    let written = as_length(written);
    if written > 0 {
        // SAFETY: the kernel has read so many bytes from there.
        log::written(fd, None, &[unsafe { slice(bytes, written) }]);
    }
    written
}

/// Stands in for libc's function: writes, and notes what was written where.
///
/// # Safety
/// As libc's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn writev(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    // SAFETY: the very call that was asked for.
    let written = unsafe { libc::syscall(libc::SYS_writev, c_long::from(fd), parts, c_long::from(count)) };
    let written = as_length(written);
    let (mut rest, mut slices) = (written, Vec::new());
    for index in 0..usize::try_from(count).unwrap_or_default() {
        if rest <= 0 {
            break;
        }
        // SAFETY: the kernel has read these parts, from the first one on, as far as it has written them.
        let part = unsafe { &*parts.add(index) };
        let taken = rest.min(ssize_t::try_from(part.iov_len).unwrap_or(rest));
        // SAFETY: see above.
        slices.push(unsafe { slice(part.iov_base, taken) });
        rest -= taken;
    }
    if written > 0 {
        log::written(fd, None, &slices);
    }
    written
}

/// Stands in for libc's function: writes, and notes what was written where.
///
/// # Safety
/// As libc's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite(fd: c_int, bytes: *const c_void, length: size_t, offset: off_t) -> ssize_t {
    // SAFETY: the very call that was asked for.
    let written = unsafe { libc::syscall(libc::SYS_pwrite64, c_long::from(fd), bytes, length, offset) };
    let written = as_length(written);
    if written > 0 {
        // SAFETY: the kernel has read so many bytes from there.
        log::written(fd, Some(offset), &[unsafe { slice(bytes, written) }]);
    }
    written
}

/// Stands in for libc's function of this name.
///
/// # Safety
/// As [`pwrite`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite64(fd: c_int, bytes: *const c_void, length: size_t, offset: off_t) -> ssize_t {
    // SAFETY: the caller's promise is the same.
    unsafe { pwrite(fd, bytes, length, offset) }
}

/// Stands in for libc's function: truncates, and notes it.
#[unsafe(no_mangle)]
pub extern "C" fn ftruncate(fd: c_int, length: off_t) -> c_int {
    // SAFETY: two numbers.
    let outcome = unsafe { libc::syscall(libc::SYS_ftruncate, c_long::from(fd), length) };
    if outcome == 0 {
        log::truncated(fd, length);
    }
    as_outcome(outcome)
}

/// Stands in for libc's function of this name.
#[unsafe(no_mangle)]
pub extern "C" fn ftruncate64(fd: c_int, length: off_t) -> c_int {
    ftruncate(fd, length)
}

/// Stands in for libc's function: syncs, and notes it when it is done.
#[unsafe(no_mangle)]
pub extern "C" fn fsync(fd: c_int) -> c_int {
    sync(fd, libc::SYS_fsync)
}

/// Stands in for libc's function: syncs, and notes it when it is done.
#[unsafe(no_mangle)]
pub extern "C" fn fdatasync(fd: c_int) -> c_int {
    sync(fd, libc::SYS_fdatasync)
}

fn sync(fd: c_int, call: c_long) -> c_int {
    let begun = log::begin_sync(fd);
    // SAFETY: a number.
    let outcome = unsafe { libc::syscall(call, c_long::from(fd)) };
    if let Some(begun) = begun.filter(|_| outcome == 0) {
        log::synced(&begun);
    }
    as_outcome(outcome)
}

/// Returns what a caller of libc expects of a count.
fn as_length(outcome: c_long) -> ssize_t {
    ssize_t::try_from(outcome).unwrap_or(-1)
}

/// Returns what a caller of libc expects of success or failure.
fn as_outcome(outcome: c_long) -> c_int {
    c_int::try_from(outcome).unwrap_or(-1)
}

/// Returns bytes of the process.
///
/// # Safety
/// There must be so many, and nobody may change them meanwhile.
unsafe fn slice<'a>(bytes: *const c_void, length: ssize_t) -> &'a [u8] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(bytes.cast(), usize::try_from(length).unwrap_or_default()) }
}

/// Returns a variable of the environment; this library is no part of the product, whose configuration reads it.
fn variable(name: &CStr) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    // SAFETY: the name ends with zero; the process does not change its environment while it starts.
    let value = unsafe { libc::getenv(name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: values of the environment end with zero.
    let value = unsafe { CStr::from_ptr(value) };
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(value.to_bytes())))
}
