//! Stacks of joined threads, kept for the next ones: mapping, protecting, filling and unmapping one is half of a thread's life.
//!
//! As glibc does: the memory of a joined thread stays mapped. Here a few small ones stay, and only what musl itself maps and unmaps is
//! looked at; a munmap(2) of the program's is one. A stack is handed out as fresh memory is, full of zeros.
#![expect(unsafe_code, reason = "clears the memory of a stack that is nobody's")]

use core::ffi::c_void;

use kernel::arch::bulk;
use kernel::kernel::Kernel;
use sync::Lock;

use crate::door;

/// Most stacks kept.
const MOST: usize = 32;
/// Of a stack that was used more than this, the memory is worth more than the work.
const MOST_TOUCHED: usize = 64 << 10;

/// A stack with its guard.
#[derive(Clone, Copy, Debug)]
struct Stack {
    /// First address of the guard.
    start: usize,
    /// First address that can be used.
    above_guard: usize,
    end: usize,
    /// The part that may not be zeros.
    touched: (usize, usize),
    /// pthread_create(3) has it and will say next where its guard ends.
    handed_out: bool,
}

/// The stacks, the last one kept at the end.
struct Stacks {
    stacks: [Stack; MOST],
    count: usize,
}

static STACKS: Lock<Stacks> = Lock::new(Stacks {
    stacks: [Stack { start: 0, above_guard: 0, end: 0, touched: (0, 0), handed_out: false }; MOST],
    count: 0,
});

impl Stacks {
    fn find(&mut self, is_meant: impl Fn(&Stack) -> bool) -> Option<usize> {
        self.stacks[..self.count].iter().rposition(is_meant)
    }

    /// Forgets a stack; answers where it begins and where its guard ends.
    fn remove(&mut self, at: usize) -> (usize, usize) {
        let Stack { start, above_guard, .. } = self.stacks[at];
        self.count -= 1;
        if at != self.count {
            self.stacks[at] = self.stacks[self.count];
        }
        (start, above_guard)
    }
}

/// Memory of `length` bytes for a thread, if a stack of that size is there.
pub(crate) fn take(length: usize) -> Option<*mut c_void> {
    let stack = {
        let mut stacks = STACKS.lock();
        let at = stacks.find(|stack| !stack.handed_out && stack.end - stack.start == length)?;
        stacks.stacks[at].handed_out = true;
        stacks.stacks[at]
    };
    let (from, to) = stack.touched;
    // SAFETY: whole pages of a stack that was readable and writable when it was kept, and has been nobody's since.
    unsafe { bulk::zero_pages(from as u64, (to - from) as u64) };
    Some(stack.start as *mut c_void)
}

/// The stack that was handed out and of which `length` bytes from `address` up to its end are to be used: where it begins, and where its guard
/// ends. It is the thread's from now on.
pub(crate) fn is_below(address: usize, length: usize) -> Option<(usize, usize)> {
    let mut stacks = STACKS.lock();
    let is_meant = |stack: &Stack| {
        stack.handed_out && stack.start < address && stack.end == address.wrapping_add(length)
    };
    let at = stacks.find(is_meant)?;
    Some(stacks.remove(at))
}

/// Keeps the `length` bytes from `start` on if they are a thread's stack and there is room.
pub(crate) fn keep(start: usize, length: usize) -> bool {
    extern "C" fn keep_inside(start: u64, end: u64, _: u64, _: u64, _: u64) -> i64 {
        i64::from(keep_stack(start as usize, end as usize))
    }
    let Some(end) = start.checked_add(length) else { return false };
    door::enter(keep_inside, [start as u64, end as u64, 0, 0, 0]) != 0
}

fn keep_stack(start: usize, end: usize) -> bool {
    let Some((above_guard, touched)) = Kernel::get().memory.stack_in(start as u64, end as u64) else {
        return false;
    };
    let touched = (touched.start as usize, touched.end as usize);
    let mut stacks = STACKS.lock();
    let count = stacks.count;
    if count == MOST || touched.1 - touched.0 > MOST_TOUCHED {
        return false;
    }
    stacks.stacks[count] =
        Stack { start, above_guard: above_guard as usize, end, touched, handed_out: false };
    stacks.count += 1;
    true
}
