//! futex(2): waiting on a word of memory and waking who waits. The queues are `logic::futex`.

use abi::errno::Errno;
use abi::prelude::*;
use core::sync::atomic::Ordering;

use abi::task::{
    FUTEX_BITSET_MATCH_ANY, FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS, FutexCommand, ROBUST_LIST_LIMIT,
};

use crate::kernel::Kernel;
use crate::mm::user;
use crate::task::Task;

use super::Ctx;

/// futex(2)
pub fn sys_futex(
    cx: &Ctx<'_>,
    word: UserPtr<u32>,
    op: FutexOp,
    val: u32,
    timeout: UserPtr<Timespec>,
    word2: UserPtr<u32>,
    val3: u32,
) -> Result<usize, Errno> {
    match op.command()? {
        FutexCommand::Wait => wait(cx, word, val, FUTEX_BITSET_MATCH_ANY, deadline(cx, op, timeout, false)?),
        FutexCommand::WaitBitset => wait(cx, word, val, val3, deadline(cx, op, timeout, true)?),
        FutexCommand::Wake => wake(cx, word, val, FUTEX_BITSET_MATCH_ANY),
        FutexCommand::WakeBitset => wake(cx, word, val, val3),
        // Where a command has no time-out, its pointer is a second number.
        command => with_second(cx, command, (word, word2), (val, timeout.addr() as u32, val3)),
    }
}

/// The commands that concern a second word.
#[inline(never)]
fn with_second(
    cx: &Ctx<'_>,
    command: FutexCommand,
    (word, word2): (UserPtr<u32>, UserPtr<u32>),
    (val, val2, val3): (u32, u32, u32),
) -> Result<usize, Errno> {
    match command {
        FutexCommand::Requeue => requeue(cx, word, word2, val, val2, None),
        FutexCommand::CmpRequeue => requeue(cx, word, word2, val, val2, Some(val3)),
        FutexCommand::WakeOp => wake_op(cx, word, word2, val, val2, val3),
        _ => Err(Errno::ENOSYS),
    }
}

/// The monotonic time at which a wait ends, if it does: relative for `FUTEX_WAIT`, absolute for `FUTEX_WAIT_BITSET`.
#[inline]
fn deadline(
    cx: &Ctx<'_>,
    op: FutexOp,
    timeout: UserPtr<Timespec>,
    absolute: bool,
) -> Result<Option<u64>, Errno> {
    timeout.non_null().map(|timeout| monotonic(cx, op, timeout, absolute)).transpose()
}

#[inline(never)]
fn monotonic(cx: &Ctx<'_>, op: FutexOp, timeout: UserPtr<Timespec>, absolute: bool) -> Result<u64, Errno> {
    let ns = cx.read_struct(timeout)?.to_ns()?;
    Ok(match (absolute, op.is_clock_realtime()) {
        (false, _) => cx.now().saturating_add(ns),
        (true, false) => ns,
        (true, true) => cx.now().saturating_add(ns.saturating_sub(cx.realtime())),
    })
}

fn key(word: UserPtr<u32>) -> Result<u64, Errno> {
    if word.addr().is_multiple_of(4) { Ok(word.addr() as u64) } else { Err(Errno::EINVAL) }
}

fn wait(
    cx: &Ctx<'_>,
    word: UserPtr<u32>,
    val: u32,
    bitset: u32,
    deadline: Option<u64>,
) -> Result<usize, Errno> {
    let key = key(word)?;
    if bitset == 0 {
        return Err(Errno::EINVAL);
    }
    let (futexes, task) = (&cx.kernel().futexes, cx.task());
    let queue = || futexes.prepare_wait(key, bitset, task, || Ok(user::load_u32(word)? == val));
    let mut queued = queue();
    // Under the queue's lock no page can be brought in; without it the look does that.
    while queued == Err(Errno::EFAULT) {
        user::load_u32(word)?;
        queued = queue();
    }
    queued?;
    let answer = cx.block_on(deadline, |_| if task.futex.is_woken() { Ok(0) } else { Err(Errno::EAGAIN) });
    match answer {
        // A wake-up that came while we were giving up was ours.
        Err(_) if !futexes.cancel(task) => Ok(0),
        answer => answer,
    }
}

fn wake(cx: &Ctx<'_>, word: UserPtr<u32>, most: u32, bitset: u32) -> Result<usize, Errno> {
    if bitset == 0 {
        return Err(Errno::EINVAL);
    }
    Ok(cx.kernel().futexes.wake(key(word)?, most as usize, bitset))
}

fn requeue(
    cx: &Ctx<'_>,
    from: UserPtr<u32>,
    to: UserPtr<u32>,
    most: u32,
    move_most: u32,
    expected: Option<u32>,
) -> Result<usize, Errno> {
    if most.cast_signed() < 0 || move_most.cast_signed() < 0 {
        return Err(Errno::EINVAL);
    }
    let (from_key, to_key) = (key(from)?, key(to)?);
    user::load_u32(from)?;
    let still = || match expected {
        Some(value) => Ok(user::load_u32(from)? == value),
        None => Ok(true),
    };
    let futexes = &cx.kernel().futexes;
    let (woken, moved) = futexes.requeue(from_key, to_key, most as usize, move_most as usize, still)?;
    // futex(2) says that FUTEX_REQUEUE counts only those that were woken; Linux counts both for both commands.
    Ok(woken + moved)
}

/// `FUTEX_WAKE_OP`: changes the second word as `operation` says, wakes waiters of the first, and of the second if its old value compares.
fn wake_op(
    cx: &Ctx<'_>,
    word: UserPtr<u32>,
    word2: UserPtr<u32>,
    most: u32,
    most2: u32,
    operation: u32,
) -> Result<usize, Errno> {
    let (first, second) = (key(word)?, key(word2)?);
    // Two signed 12-bit arguments, two 4-bit operators (futex(2), FUTEX_OP).
    let argument = |shift: u32| ((operation << shift).cast_signed() >> 20).cast_unsigned();
    let (mut operand, compared) = (argument(8), argument(20));
    let (change, compare) = (operation >> 28, operation >> 24 & 15);
    const OPERAND_IS_SHIFT: u32 = 8;
    if change & OPERAND_IS_SHIFT != 0 {
        operand = 1u32.checked_shl(operand).ok_or(Errno::EINVAL)?;
    }
    let mut old = user::load_u32(word2)?;
    loop {
        let new = match change & 7 {
            0 => operand,
            1 => old.wrapping_add(operand),
            2 => old | operand,
            3 => old & !operand,
            4 => old ^ operand,
            _ => return Err(Errno::ENOSYS),
        };
        let found = user::compare_exchange_u32(word2, old, new)?;
        if found == old {
            break;
        }
        old = found;
    }
    let (a, b) = (old.cast_signed(), compared.cast_signed());
    let also = match compare {
        0 => a == b,
        1 => a != b,
        2 => a < b,
        3 => a <= b,
        4 => a > b,
        5 => a >= b,
        _ => return Err(Errno::ENOSYS),
    };
    let futexes = &cx.kernel().futexes;
    let woken = futexes.wake(first, most as usize, FUTEX_BITSET_MATCH_ANY);
    Ok(woken + if also { futexes.wake(second, most2 as usize, FUTEX_BITSET_MATCH_ANY) } else { 0 })
}

/// Lets go of the robust futexes a thread holds that ends: each word says that its owner died, and one waiter is woken
/// (get_robust_list(2)). A list that is broken or goes round is left where it breaks.
pub(super) fn release_robust_list(kernel: &Kernel, task: &Task) {
    let head = UserPtr::<RobustListHead>::new(task.robust_list.load(Ordering::Relaxed) as usize);
    if head.is_null() {
        return;
    }
    let Ok(list) = user::read_struct(head) else { return };
    let word_of = |entry: usize| UserPtr::<u32>::new(entry.wrapping_add_signed(list.futex_offset as isize));
    let mut entry = list.list;
    for _ in 0..ROBUST_LIST_LIMIT {
        // Bit 0 marks priority-inheritance locks, which there are none of.
        if entry & !1 == head.addr() {
            break;
        }
        let next = user::read_struct(UserPtr::<usize>::new(entry & !1));
        if entry != list.list_op_pending {
            owner_died(kernel, task.tid, word_of(entry & !1));
        }
        let Ok(next) = next else { return };
        entry = next;
    }
    if list.list_op_pending != 0 {
        owner_died(kernel, task.tid, word_of(list.list_op_pending & !1));
    }
}

fn owner_died(kernel: &Kernel, tid: u32, word: UserPtr<u32>) {
    let Ok(mut held) = user::load_u32(word) else { return };
    while held & FUTEX_TID_MASK == tid {
        match user::compare_exchange_u32(word, held, held & FUTEX_WAITERS | FUTEX_OWNER_DIED) {
            Ok(found) if found == held => {
                if held & FUTEX_WAITERS != 0 {
                    kernel.futexes.wake(word.addr() as u64, 1, FUTEX_BITSET_MATCH_ANY);
                }
                return;
            }
            Ok(found) => held = found,
            Err(_) => return,
        }
    }
}
