//! What each CPU knows about itself: the `CpuLocal` block that GS points to, and the few registers the kernel reads.
//!
//! GS belongs to the kernel on every CPU at all times: program code runs in the same ring and never changes it
//! (`arch_prctl(ARCH_SET_GS)` is refused), so no entry path needs `swapgs`.
#![expect(unsafe_code, reason = "model-specific registers and GS-relative memory")]

use core::arch::asm;
use core::arch::x86_64::__cpuid;
use core::mem::offset_of;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use x86_64::VirtAddr;
use x86_64::registers::model_specific::{FsBase, GsBase};

/// Most CPUs one image uses.
pub const MAX_CPUS: usize = 64;

/// One CPU's own data. The first fields are read by assembly through GS; their order is fixed.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct CpuLocal {
    /// Top of the current thread's kernel stack (16-byte aligned).
    pub(super) kernel_stack_top: AtomicU64,
    /// Lowest address of the current thread's kernel stack.
    pub(super) kernel_stack_bottom: AtomicU64,
    /// Where the `syscall` entry keeps the program's stack pointer for two instructions.
    pub(super) scratch: AtomicU64,
    /// How many times preemption is off on this CPU; the top bit is set while no reschedule is owed. So it is zero exactly when
    /// preemption is allowed and owed, and turning it on again is one instruction and a jump.
    preempt: AtomicU32,
    /// This CPU's number, 0 for the boot processor.
    id: AtomicU32,
    /// This block's own address.
    this: AtomicPtr<CpuLocal>,
    /// The running task, an opaque pointer that the scheduler owns.
    current: AtomicPtr<()>,
    /// What FS base is set to: reading it back from there takes long. The program cannot change it by itself (`fpu::install` keeps
    /// `wrfsbase` off).
    thread_pointer: AtomicU64,
    /// The local APIC's ID, for interrupts to this CPU.
    pub(super) apic_id: AtomicU32,
}

/// In [`CpuLocal::preempt`]: no reschedule was asked for.
const NOTHING_OWED: u32 = 1 << 31;

/// Byte offsets for assembly.
pub(super) const OFFSET_KERNEL_STACK_TOP: usize = offset_of!(CpuLocal, kernel_stack_top);
/// Where GS has the top of the running thread's kernel stack, for code that changes to it by itself.
pub const KERNEL_STACK_TOP: usize = OFFSET_KERNEL_STACK_TOP;
/// Where GS has the pointer to the running task.
pub const CURRENT_TASK: usize = OFFSET_CURRENT;
pub(super) const OFFSET_KERNEL_STACK_BOTTOM: usize = offset_of!(CpuLocal, kernel_stack_bottom);
pub(super) const OFFSET_SCRATCH: usize = offset_of!(CpuLocal, scratch);
const OFFSET_PREEMPT: usize = offset_of!(CpuLocal, preempt);
const OFFSET_ID: usize = offset_of!(CpuLocal, id);
const OFFSET_THIS: usize = offset_of!(CpuLocal, this);
const OFFSET_CURRENT: usize = offset_of!(CpuLocal, current);
const OFFSET_THREAD_POINTER: usize = offset_of!(CpuLocal, thread_pointer);

impl CpuLocal {
    const fn new() -> Self {
        Self {
            kernel_stack_top: AtomicU64::new(0),
            kernel_stack_bottom: AtomicU64::new(0),
            scratch: AtomicU64::new(0),
            preempt: AtomicU32::new(NOTHING_OWED),
            id: AtomicU32::new(0),
            this: AtomicPtr::new(core::ptr::null_mut()),
            current: AtomicPtr::new(core::ptr::null_mut()),
            thread_pointer: AtomicU64::new(0),
            apic_id: AtomicU32::new(0),
        }
    }
}

static LOCALS: [CpuLocal; MAX_CPUS] = [const { CpuLocal::new() }; MAX_CPUS];

/// The block of CPU `id`.
pub(super) fn local(id: usize) -> &'static CpuLocal {
    &LOCALS[id]
}

/// Makes GS point at the block of CPU `id`; called once on each CPU, first thing.
pub(super) fn install_local(id: usize, apic_id: u32) {
    let local = &LOCALS[id];
    local.id.store(u32::try_from(id).unwrap_or(0), Ordering::Relaxed);
    local.apic_id.store(apic_id, Ordering::Relaxed);
    local.this.store(core::ptr::from_ref(local).cast_mut(), Ordering::Relaxed);
    GsBase::write(VirtAddr::from_ptr(local));
}

/// The number of the CPU this runs on. Meaningful for longer than an instant only while preemption is off.
#[inline]
pub fn id() -> usize {
    let id: u32;
    // SAFETY: GS points at this CPU's CpuLocal since install_local.
    unsafe {
        asm!("mov {:e}, gs:[{}]", out(reg) id, const OFFSET_ID, options(nostack, preserves_flags, readonly, pure))
    };
    id as usize
}

/// Turns preemption off on this CPU (nests).
#[inline]
pub fn preempt_disable() {
    // SAFETY: one read-modify-write instruction on this CPU's own counter; no other CPU writes it.
    unsafe { asm!("inc dword ptr gs:[{}]", const OFFSET_PREEMPT, options(nostack)) };
}

/// Undoes one [`preempt_disable`]. Returns true when preemption is on again and a reschedule is owed.
#[inline]
pub fn preempt_enable() -> bool {
    // SAFETY: as in preempt_disable.
    unsafe {
        asm!("dec dword ptr gs:[{}]", "jz {}", const OFFSET_PREEMPT, label { return true }, options(nostack))
    };
    false
}

fn preempt_word() -> u32 {
    let word: u32;
    // SAFETY: reads this CPU's own block.
    unsafe {
        asm!("mov {:e}, gs:[{}]", out(reg) word, const OFFSET_PREEMPT, options(nostack, preserves_flags, readonly))
    };
    word
}

/// How many [`preempt_disable`] are open on this CPU.
#[inline]
pub fn preempt_count() -> u32 {
    preempt_word() & !NOTHING_OWED
}

/// Whether a reschedule was asked for on this CPU.
#[inline]
pub fn need_resched() -> bool {
    preempt_word() & NOTHING_OWED == 0
}

/// Asks for (or takes back) a reschedule on this CPU.
#[inline]
pub fn set_need_resched(value: bool) {
    if value {
        // SAFETY: one read-modify-write instruction on a word of this CPU's own block.
        unsafe { asm!("and dword ptr gs:[{}], 0x7fffffff", const OFFSET_PREEMPT, options(nostack)) };
    } else {
        // SAFETY: as above.
        unsafe { asm!("or dword ptr gs:[{}], 0x80000000", const OFFSET_PREEMPT, options(nostack)) };
    }
}

/// The opaque pointer stored by [`set_current`] on this CPU; null before the scheduler runs.
#[inline]
pub fn current() -> *mut () {
    let current: *mut ();
    // SAFETY: reads this CPU's own block in one instruction: always the running thread's value.
    unsafe {
        asm!("mov {}, gs:[{}]", out(reg) current, const OFFSET_CURRENT, options(nostack, preserves_flags, readonly))
    };
    current
}

/// Stores the running task and the bounds of its kernel stack. Interrupts must be off.
pub fn set_current(task: *mut (), stack_bottom: u64, stack_top: u64) {
    let this: *const CpuLocal;
    // SAFETY: reads this CPU's own block.
    unsafe {
        asm!("mov {}, gs:[{}]", out(reg) this, const OFFSET_THIS, options(nostack, preserves_flags, readonly))
    };
    // SAFETY: `this` is one of LOCALS, a static; set by install_local.
    let local = unsafe { &*this };
    local.current.store(task, Ordering::Relaxed);
    local.kernel_stack_bottom.store(stack_bottom, Ordering::Relaxed);
    local.kernel_stack_top.store(stack_top, Ordering::Relaxed);
}

/// Lowest address and top of the running thread's kernel stack. Interrupts must be off.
pub(super) fn kernel_stack() -> (u64, u64) {
    let (bottom, top);
    // SAFETY: reads this CPU's own block.
    unsafe {
        asm!(
            "mov {}, gs:[{}]", "mov {}, gs:[{}]",
            out(reg) bottom, const OFFSET_KERNEL_STACK_BOTTOM, out(reg) top, const OFFSET_KERNEL_STACK_TOP,
            options(nostack, preserves_flags, readonly)
        )
    };
    (bottom, top)
}

/// The thread pointer (FS base) of the running thread.
#[inline]
pub fn thread_pointer() -> u64 {
    let base;
    // SAFETY: reads this CPU's own block in one instruction: always the running thread's value.
    unsafe {
        asm!(
            "mov {}, gs:[{}]", out(reg) base, const OFFSET_THREAD_POINTER, options(nostack, preserves_flags, readonly)
        )
    };
    base
}

/// Sets the thread pointer of the running thread. `base` must be canonical. A switch between the two writes does no harm: it keeps the
/// first and makes both again.
#[inline]
pub fn set_thread_pointer(base: u64) {
    // SAFETY: writes this CPU's own block.
    unsafe {
        asm!("mov gs:[{}], {}", const OFFSET_THREAD_POINTER, in(reg) base, options(nostack, preserves_flags))
    };
    FsBase::write(VirtAddr::new_truncate(base));
}

/// Interrupt flag control; the scheduler and the irq-off locks are the only users.
pub mod interrupts {
    use x86_64::instructions::interrupts as cpu;

    /// Whether maskable interrupts are on.
    #[inline]
    pub fn enabled() -> bool {
        cpu::are_enabled()
    }

    /// Turns maskable interrupts on.
    #[inline]
    pub fn enable() {
        cpu::enable();
    }

    /// Turns maskable interrupts off.
    #[inline]
    pub fn disable() {
        cpu::disable();
    }

    /// Turns interrupts on and halts until one comes, with no gap between the two.
    #[inline]
    pub fn enable_and_wait() {
        cpu::enable_and_hlt();
    }
}

/// One spin of a busy-wait loop.
#[inline]
pub fn relax() {
    core::hint::spin_loop();
}

/// Whether CPUID's registers hold `text`.
pub(super) fn is_text(registers: [u32; 3], text: &[u8; 12]) -> bool {
    registers.map(u32::to_le_bytes).as_flattened() == text
}

/// Whether the CPU is a program, QEMU's TCG.
pub fn is_emulated() -> bool {
    const UNDER_HYPERVISOR: u32 = 1 << 31;
    if __cpuid(1).ecx & UNDER_HYPERVISOR == 0 {
        return false;
    }
    let name = __cpuid(0x4000_0000);
    is_text([name.ebx, name.ecx, name.edx], b"TCGTCGTCGTCG")
}
