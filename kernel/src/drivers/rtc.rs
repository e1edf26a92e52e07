//! The battery-backed clock of the PC (MC146818): the wall-clock time at boot.
#![expect(unsafe_code, reason = "port I/O")]

use crate::arch::port::{inb, outb};

const INDEX: u16 = 0x70;
const DATA: u16 = 0x71;
const STATUS_A: u8 = 0x0a;
const STATUS_B: u8 = 0x0b;
const UPDATE_IN_PROGRESS: u8 = 1 << 7;
const HOURS_24: u8 = 1 << 1;
const BINARY: u8 = 1 << 2;
const PM: u8 = 1 << 7;
/// An update takes 2 ms at most (MC146818 data sheet); a look takes a microsecond at least.
const MOST_LOOKS: u32 = 10_000;

fn register(index: u8) -> u8 {
    // SAFETY: selects an RTC register (NMI stays enabled) ...
    unsafe { outb(INDEX, index) };
    // SAFETY: ... and reads it.
    unsafe { inb(DATA) }
}

/// Seconds, minutes, hours, day, month, year, as the registers hold them.
fn raw() -> [u8; 6] {
    [0, 2, 4, 7, 8, 9].map(register)
}

/// Seconds since 1970 as the RTC says it; `None` when there is no RTC or it says nonsense.
pub fn seconds() -> Option<u64> {
    const ABSENT: u8 = 0xff;
    if register(STATUS_A) == ABSENT && register(STATUS_B) == ABSENT {
        return None;
    }
    // Two equal readings with no update in progress: no carry in between.
    for _ in 0..MOST_LOOKS {
        if register(STATUS_A) & UPDATE_IN_PROGRESS != 0 {
            continue;
        }
        let first = raw();
        if register(STATUS_A) & UPDATE_IN_PROGRESS == 0 && first == raw() {
            return decode(first, register(STATUS_B));
        }
    }
    None
}

fn decode(raw: [u8; 6], status: u8) -> Option<u64> {
    let number =
        |value: u8| u64::from(if status & BINARY != 0 { value } else { (value >> 4) * 10 + (value & 15) });
    let [second, minute, hour, day, month, year] = raw;
    let (second, minute, day, month) = (number(second), number(minute), number(day), number(month));
    let mut hours = number(hour & !PM);
    if status & HOURS_24 == 0 {
        hours = hours % 12 + if hour & PM != 0 { 12 } else { 0 };
    }
    let year = 2000 + number(year);
    let plausible =
        second < 61 && minute < 60 && hours < 24 && (1..=31).contains(&day) && (1..=12).contains(&month);
    plausible.then(|| days_before(year, month, day) * 86_400 + hours * 3600 + minute * 60 + second)
}

/// Days from 1970-01-01 to the given day of the Gregorian calendar.
fn days_before(year: u64, month: u64, day: u64) -> u64 {
    // Count years from March, so that the leap day is a year's last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 306 + 5) / 10 + day - 1 - 719_468
}
