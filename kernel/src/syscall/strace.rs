//! `strace` on the command line: each call, its argument words and its answer, in the kernel log. Names come from the table.

use abi::errno::Errno;

use super::{Ctx, dispatch};

/// Runs the call and logs it.
pub(super) fn traced(cx: &Ctx<'_>, number: u64, words: [u64; 6]) -> isize {
    let row = usize::try_from(number).ok().and_then(abi::table::row);
    let name = row.map_or("?", |row| row.name);
    let count = row.map_or(6, |row| row.args.len());
    let answer = dispatch(cx, number, words);
    let shown = &words[..count.min(6)];
    let errno = i32::try_from(answer).ok().filter(|answer| (-4095..0).contains(answer)).and_then(|e| Errno::from_raw(-e));
    match errno {
        Some(errno) => log::info!(target: "strace", "[{}] {name}({shown:x?}) = -1 {errno}", cx.task().tid),
        None => log::info!(target: "strace", "[{}] {name}({shown:x?}) = {answer:#x}", cx.task().tid),
    }
    answer
}
