//! The one global: everything the running system consists of, made by `start` and never taken apart.

use alloc::sync::Arc;

use logic::boot::cmdline::Options;
use logic::futex::Futexes;
use logic::net::unix;
use sync::Once;

use crate::mm::Memory;
use crate::process::Process;
use crate::task::Task;

/// The running system.
#[derive(Debug)]
pub struct Kernel {
    /// What the command line asked for.
    pub options: Options,
    /// Frames, the address space, the kernel heap's growth.
    pub memory: &'static Memory,
    /// Who waits on which address (futex(2)).
    pub futexes: Futexes<Task>,
    /// The sockets of this machine: names in no directory, open files on their way.
    pub unix: Arc<unix::Domain>,
    /// The program: open files, threads, limits, signals.
    pub process: Process,
}

static KERNEL: Once<Kernel> = Once::new();

impl Kernel {
    /// Installs the system; once.
    pub fn install(kernel: Self) -> &'static Self {
        KERNEL.set(kernel);
        Self::get()
    }

    /// The system. Callers run after `start` has installed it: system calls, faults of the program.
    ///
    /// # Panics
    /// Before [`Kernel::install`].
    pub fn get() -> &'static Self {
        KERNEL.get().unwrap_or_else(|| too_early())
    }

    /// The system, or `None` while it is still being made: for reports that can happen at any time.
    pub fn try_get() -> Option<&'static Self> {
        KERNEL.get()
    }
}

/// Out of line: what asks for the system does so in a hundred places.
#[cold]
#[inline(never)]
fn too_early() -> ! {
    panic!("system calls come after start")
}
