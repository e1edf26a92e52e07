//! The program's first step: its stack as the psABI draws it, then a jump to its entry in ring 0.

use abi::errno::Errno;
use logic::boot::stack_image::{self, Start};

use crate::arch;
use crate::arch::{TrapFrame, enter_frame};
use crate::image;
use crate::kernel::Kernel;
use crate::rng;
use crate::signal;

/// The main thread's stack in bytes, as Linux's default RLIMIT_STACK; pages are found when touched.
pub const STACK_BYTES: u64 = 8 << 20;

/// Room kept at the top of the stack for arguments, environment and auxiliary vector.
const MOST_START_BYTES: usize = 2 << 20;

// Entries of the auxiliary vector (getauxval(3)).
const AT_PHDR: u64 = 3;
const AT_PHENT: u64 = 4;
const AT_PHNUM: u64 = 5;
const AT_PAGESZ: u64 = 6;
const AT_ENTRY: u64 = 9;
const AT_UID: u64 = 11;
const AT_EUID: u64 = 12;
const AT_GID: u64 = 13;
const AT_EGID: u64 = 14;
const AT_HWCAP: u64 = 16;
const AT_CLKTCK: u64 = 17;
const AT_SECURE: u64 = 23;
const AT_MINSIGSTKSZ: u64 = 51;

/// Builds the stack and enters the program on the calling thread.
///
/// # Errors
/// `E2BIG` when arguments and environment do not fit, `ENOMEM` when there is no room for the stack.
pub fn enter(kernel: &'static Kernel) -> Result<core::convert::Infallible, Errno> {
    let top = kernel.memory.map_stack(STACK_BYTES)?;
    let mut random = [0u8; 16];
    rng::fill(&mut random);
    let auxv = [
        // First: std asks for it twice in each thread, and musl looks one by one.
        (AT_MINSIGSTKSZ, signal::least_stack()),
        (AT_PHDR, image::program_headers_address()),
        (AT_PHENT, size_of::<image::ProgramHeader>() as u64),
        (AT_PHNUM, image::program_header_count()),
        (AT_PAGESZ, 4096),
        (AT_ENTRY, image::entry()),
        (AT_UID, 0),
        (AT_EUID, 0),
        (AT_GID, 0),
        (AT_EGID, 0),
        (AT_HWCAP, u64::from(core::arch::x86_64::__cpuid(1).edx)),
        (AT_CLKTCK, abi::task::CLOCK_TICKS),
        (AT_SECURE, 0),
    ];
    let start = Start {
        argv: &kernel.options.argv,
        envp: &kernel.options.env,
        auxv: &auxv,
        random,
        platform: b"x86_64",
    };
    let (stack_pointer, bytes) = stack_image::build(&start, top, MOST_START_BYTES)?;
    kernel.memory.write_program(stack_pointer, &bytes)?;
    arch::fpu::reset();
    let frame = TrapFrame {
        rip: image::entry(),
        rsp: stack_pointer,
        rflags: arch::INTERRUPT_FLAG | 2,
        cs: u64::from(arch::CODE_SELECTOR),
        ss: u64::from(arch::DATA_SELECTOR),
        ..TrapFrame::default()
    };
    #[expect(unsafe_code, reason = "the jump into the program")]
    // SAFETY: the frame names the program's entry (musl's _start) and the stack just built, as the psABI wants them.
    unsafe {
        enter_frame(&frame)
    }
}
