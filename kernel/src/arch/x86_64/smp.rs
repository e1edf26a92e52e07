//! Starting the other CPUs, and asking them for things: reschedule, drop TLB entries, stop.
//!
//! A CPU leaves reset in real mode below 1 MiB. The trampoline is copied to `TRAMPOLINE` (what was there is put back), climbs
//! to long mode on the boot page tables and continues in `ap_entry`, one CPU at a time, on the stack left in the mailbox.
#![expect(unsafe_code, reason = "application processors start without Rust")]

use core::arch::global_asm;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use sync::{Changes, IdleMask, Request, Seen};

use super::super::up;
use super::{apic, cpu, fpu, paging, syscall, tables};

/// Physical page where CPUs start. Conventional memory that no boot protocol we know leaves live data in once boot information is read.
const TRAMPOLINE: u64 = 0x8000;

global_asm!(
    ".pushsection .krodata.trampoline, \"a\", @progbits",
    ".balign 8",
    "caracal_trampoline:",
    ".code16",
    "cli",
    "cld",
    "xor ax, ax",
    "mov ds, ax",
    // lgdt [6f], spelled in bytes: the assembler takes no difference of symbols as an address.
    ".byte 0x0f, 0x01, 0x16",
    ".word {base} + 6f - caracal_trampoline",
    "mov eax, cr0",
    "or al, 1",
    "mov cr0, eax",
    // Far jump to 32-bit code, spelled in bytes.
    ".byte 0x66, 0xea",
    ".long {base} + 2f - caracal_trampoline",
    ".word 0x18",
    ".code32",
    "2: mov ax, 16",
    "mov ds, ax",
    "mov es, ax",
    "mov ss, ax",
    "mov eax, 0x620",
    "mov cr4, eax",
    "mov eax, offset caracal_boot_pml4",
    "mov cr3, eax",
    "mov ecx, 0xc0000080",
    "rdmsr",
    "or eax, 0x901",
    "wrmsr",
    "mov eax, 0x80010023",
    "mov cr0, eax",
    ".byte 0xea",
    ".long caracal_ap_entry",
    ".word 8",
    ".balign 8",
    // null, 64-bit code, data, 32-bit code
    "5: .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cf9b000000ffff",
    "6: .word 31",
    ".long {base} + 5b - caracal_trampoline",
    "caracal_trampoline_end:",
    ".popsection",
    ".pushsection .ktext.ap, \"ax\", @progbits",
    ".code64",
    "caracal_ap_entry:",
    "mov ax, 16",
    "mov ds, ax",
    "mov es, ax",
    "mov ss, ax",
    "xor eax, eax",
    "mov fs, ax",
    "mov gs, ax",
    "mov rax, [{cr3}]",
    "mov rsp, [{stack}]",
    "mov cr3, rax",
    "xor ebp, ebp",
    "call {entry}",
    "ud2",
    ".popsection",
    base = const TRAMPOLINE,
    cr3 = sym MAILBOX_CR3,
    stack = sym MAILBOX_STACK,
    entry = sym ap_entry,
);

unsafe extern "C" {
    static caracal_trampoline: u8;
    static caracal_trampoline_end: u8;
}

/// Page table root for the CPU that is starting.
static MAILBOX_CR3: AtomicU64 = AtomicU64::new(0);
/// Kernel stack top for the CPU that is starting.
static MAILBOX_STACK: AtomicU64 = AtomicU64::new(0);
/// Number and APIC ID for the CPU that is starting.
static MAILBOX_ID: AtomicU64 = AtomicU64::new(0);
/// CPUs that run, the boot processor among them.
static ONLINE: AtomicUsize = AtomicUsize::new(1);

extern "C" fn ap_entry() -> ! {
    let mailbox = MAILBOX_ID.load(Ordering::Acquire);
    install_cpu((mailbox & 0xffff_ffff) as usize, (mailbox >> 32) as u32);
    up::start_ap()
}

/// Number of CPUs that run.
pub fn online() -> usize {
    ONLINE.load(Ordering::Acquire)
}

/// The CPUs that run, a bit each.
pub fn online_mask() -> u64 {
    u64::MAX >> (cpu::MAX_CPUS - online())
}

/// Called by a started CPU when it is ready to be given work.
pub fn announce() {
    ONLINE.fetch_add(1, Ordering::Release);
}

/// Where the trampoline page lies in the direct map, and how to wait; supplied by the kernel above.
#[derive(Clone, Copy, Debug)]
pub struct Starter {
    /// Virtual address of physical page `0x8000`, writable.
    pub trampoline: u64,
    /// Physical address of the page table root.
    pub page_table: u64,
    /// Busy-waits the given number of microseconds.
    pub wait_us: fn(u64),
}

/// Physical address of the page the trampoline needs.
pub const fn trampoline_page() -> u64 {
    TRAMPOLINE
}

impl Starter {
    /// Starts the CPU with local APIC ID `apic_id` as CPU `id` on the kernel stack `stack_top`. Returns false when it does not
    /// come up within 200 ms.
    ///
    /// # Safety
    /// The stack is mapped, unused and lives for ever; `trampoline` maps the page; one start at a time.
    pub unsafe fn start(&self, id: usize, apic_id: u32, stack_top: u64) -> bool {
        MAILBOX_CR3.store(self.page_table, Ordering::Relaxed);
        MAILBOX_STACK.store(stack_top, Ordering::Relaxed);
        MAILBOX_ID.store(id as u64 | u64::from(apic_id) << 32, Ordering::Release);
        let target = self.trampoline as *mut [u8; 4096];
        // SAFETY: the caller maps the page; nobody else uses it meanwhile.
        let saved = unsafe { target.read() };
        let length = (&raw const caracal_trampoline_end) as usize - (&raw const caracal_trampoline) as usize;
        // SAFETY: source is the blob between its two symbols, the target a whole page.
        unsafe { core::ptr::copy_nonoverlapping(&raw const caracal_trampoline, target.cast(), length) };
        let before = online();
        apic::send_init(apic_id);
        (self.wait_us)(200);
        let mut up = false;
        for _ in 0..2 {
            apic::send_startup(apic_id, (TRAMPOLINE >> 12) as u8);
            for _ in 0..1000 {
                if online() > before {
                    up = true;
                    break;
                }
                (self.wait_us)(100);
            }
            if up {
                break;
            }
        }
        // SAFETY: as above; the started CPU left the page before it announced itself.
        unsafe { target.write(saved) };
        up
    }
}

/// CPUs that idle.
static IDLE: IdleMask = IdleMask::new();
/// Shoot-downs, for CPUs that idled meanwhile.
static CHANGES: Changes = Changes::new();
/// Those that each CPU has acted on.
static SEEN: [Seen; cpu::MAX_CPUS] = [const { Seen::new() }; cpu::MAX_CPUS];

/// This CPU idles: it uses nothing that a shoot-down takes away, until [`leave_idle`]. It must look for work once more after this.
pub fn enter_idle() {
    IDLE.enter(cpu::id());
}

/// This CPU has something to do. Interrupts are off.
pub fn leave_idle() {
    IDLE.leave(cpu::id());
    catch_up();
}

/// CPUs that idle, bit per CPU.
#[inline]
pub fn idle_mask() -> u64 {
    IDLE.all()
}

/// Whether this CPU idles.
#[inline]
pub fn is_idle() -> bool {
    IDLE.contains(cpu::id())
}

/// What was taken out of the page tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Pages, or rights to them: a CPU that idles drops its translations when it stops to.
    Pages,
    /// Tables too: a CPU may walk those at any time, whatever it does.
    Tables,
}

/// Shoot-downs that other CPUs are asked for.
static SHOOTDOWN: Request = Request::new();

/// Makes every other CPU drop its whole TLB (global entries stay) before it uses what was changed; waits until all have that could.
///
/// Must not be called with interrupts off by a CPU that another one might be waiting for: it serves requests while it waits.
pub fn shootdown(change: Change) {
    if online() == 1 {
        return;
    }
    cpu::preempt_disable();
    CHANGES.count();
    let idle = if change == Change::Tables { 0 } else { IDLE.all() };
    let others = online_mask() & !idle & !(1 << cpu::id());
    if others != 0 {
        SHOOTDOWN.ask(others, serve_shootdown, || send_shootdown(others));
    }
    // The kernel's own hook looks at need_resched; nothing to do here.
    let _ = cpu::preempt_enable();
}

fn send_shootdown(others: u64) {
    for id in (0..online()).filter(|id| others & 1 << id != 0) {
        apic::send(id, apic::vector::SHOOTDOWN);
    }
}

/// Serves a request to this CPU, if there is one: from the interrupt, or from a CPU that waits for its own turn.
pub fn serve_shootdown() {
    SHOOTDOWN.answer(cpu::id(), catch_up);
}

/// Drops this CPU's translations if some were changed since it last did.
#[inline]
fn catch_up() {
    CHANGES.catch_up(&SEEN[cpu::id()], paging::flush_all);
}

/// Tells every other CPU to stop; does not wait.
pub fn stop_others() {
    let me = cpu::id();
    for id in (0..online()).filter(|&id| id != me) {
        apic::send(id, apic::vector::STOP);
    }
}

/// Sets up everything a CPU needs before Rust proper runs on it: GS, descriptor tables, `syscall`, vector state.
pub(super) fn install_cpu(id: usize, apic_id: u32) {
    // First: another CPU has said that there are vector registers, and what follows copies memory with them.
    fpu::install();
    cpu::install_local(id, apic_id);
    tables::install();
    syscall::install();
}
