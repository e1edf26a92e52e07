//! How a CPU waits for another one without a lock to sleep on. The other one may be a virtual CPU that the host has put aside: then spinning
//! keeps from it the very CPU it needs. So who has spun for long sleeps for a moment.

use spinning_top::relax::Relax;

use crate::hooks;
use crate::prim::spin_loop;

/// Spins before the first sleep: longer than any lock is held, and all CPUs take to answer, on a machine whose CPUs all run.
const SPINS: u32 = 1000;

/// One wait for another CPU.
#[derive(Debug, Default)]
pub struct Patience {
    spins: u32,
}

impl Patience {
    /// What was waited for is not there yet.
    #[inline]
    pub fn wait(&mut self) {
        if self.spins < SPINS {
            self.spins += 1;
            spin_loop();
        } else {
            hooks::nap();
        }
    }
}

impl Relax for Patience {
    #[inline]
    fn relax(&mut self) {
        self.wait();
    }
}
