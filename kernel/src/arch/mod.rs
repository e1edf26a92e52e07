//! Picks the CPU, and names the doors through which it calls up into the kernel.
//!
//! Each architecture module defines the same names: `cpu`, `paging`, `interrupts`, `fpu`, `switch`, `smp`, `timer`, `power`, `port`
//! (x86 only), `user_copy`. `arch` is the lowest layer of the kernel; it reaches upward through the functions of [`up`] and in no
//! other way.

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
pub use x86_64::*;

/// What the boot protocol left us: where its information lies, not yet read.
#[derive(Clone, Copy, Debug)]
pub enum Handoff {
    /// Xen PVH: the physical address of `hvm_start_info`.
    Pvh {
        /// Physical address, below 1 GiB.
        start_info: u64,
    },
    /// Hermit's loader or uhyve: the address of `RawBootInfo`.
    Hermit {
        /// Physical (identity mapped) address, below 1 GiB.
        raw_boot_info: u64,
    },
}

/// The doors upward: declared here, each defined in one place above.
pub mod up {
    use super::{Handoff, TrapFrame};

    #[expect(unsafe_code, reason = "the doors are linked by name")]
    unsafe extern "Rust" {
        /// Runs the system; never returns. Defined in `start.rs`.
        #[link_name = "caracal_up_start"]
        pub safe fn start(handoff: Handoff) -> !;
        /// An application processor is in long mode with its `CpuLocal` in place. Defined in `start.rs`.
        #[link_name = "caracal_up_start_ap"]
        pub safe fn start_ap() -> !;
        /// The `syscall` instruction. Defined in `syscall/mod.rs`; the result goes to `frame.rax`.
        #[link_name = "caracal_up_syscall"]
        pub safe fn on_syscall(frame: &mut TrapFrame);
        /// A device, timer or inter-processor interrupt, already on the kernel stack. Defined in `irq.rs`.
        #[link_name = "caracal_up_irq"]
        pub safe fn on_irq(vector: u8, frame: &mut TrapFrame);
        /// The program goes on after an interrupt or exception; interrupts are off. Defined in `signal.rs`.
        #[link_name = "caracal_up_return"]
        pub safe fn on_return(frame: &mut TrapFrame);
        /// A CPU exception; `address` is the faulting address of a page fault. Defined in `fault.rs`.
        #[link_name = "caracal_up_fault"]
        pub safe fn on_fault(vector: u8, address: u64, frame: &mut TrapFrame);
    }
}
