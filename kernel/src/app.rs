//! The program's first step: its stack as the psABI draws it, then a jump to its entry in ring 0.

use alloc::vec;

use abi::errno::Errno;
use logic::boot::stack_image::{self, Start};

use crate::arch::{TrapFrame, enter_frame};
use crate::image;
use crate::kernel::Kernel;
use crate::rng;

/// The main thread's stack in bytes, as Linux's default RLIMIT_STACK; pages are found when touched.
pub const STACK_BYTES: usize = 8 << 20;

/// Room kept at the top of the stack for arguments, environment and auxiliary vector.
const MOST_START_BYTES: usize = 2 << 20;

/// Builds the stack and enters the program on the calling thread.
///
/// # Errors
/// `E2BIG` when arguments and environment do not fit, `ENOMEM` when there is no room for the stack.
pub fn enter(kernel: &'static Kernel) -> Result<core::convert::Infallible, Errno> {
    let top = kernel.memory.map_stack(STACK_BYTES)?;
    let mut random = [0u8; 16];
    rng::fill(&mut random);
    let mut bytes = vec![0u8; 0];
    let start = Start {
        argv: &kernel.options.argv,
        envp: &kernel.options.env,
        program_headers: image::program_headers_address(),
        program_header_count: image::program_header_count(),
        entry: image::entry(),
        random,
        platform: b"x86_64",
        hwcap: u64::from(core::arch::x86_64::__cpuid(1).edx),
    };
    let stack_pointer = stack_image::build(&start, top, MOST_START_BYTES, &mut bytes)?;
    kernel.memory.write_program(stack_pointer, &bytes)?;
    let frame = TrapFrame {
        rip: image::entry(),
        rsp: stack_pointer,
        rflags: crate::arch::INTERRUPT_FLAG | 2,
        cs: u64::from(crate::arch::CODE_SELECTOR),
        ss: u64::from(crate::arch::DATA_SELECTOR),
        ..TrapFrame::default()
    };
    #[expect(unsafe_code, reason = "the jump into the program")]
    // SAFETY: the frame names the program's entry (musl's _start) and the stack just built, as the psABI wants them.
    unsafe {
        enter_frame(&frame)
    }
}
