//! What the kernel leaves on the stack of a signal handler on x86_64, and what rt_sigreturn(2) reads back.
//!
//! ```text
//!   higher addresses
//!   +------------------------+
//!   | extended state (XSAVE) |  64-byte aligned; McContext::fpstate points here
//!   +------------------------+
//!   | SigFrame: info         |  third argument points at context, second at info
//!   |           context      |
//!   |           restorer     |  <- rsp when the handler starts: its return address; rsp + 8 is 16-byte aligned
//!   +------------------------+
//! ```
//!
//! Source: Linux `arch/x86/include/uapi/asm/{sigcontext,ucontext}.h`. Not here: building one, which needs program memory.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{SigInfo, SigSet, SigStack};

/// `struct sigcontext` (`mcontext_t`): the interrupted registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
#[expect(missing_docs, reason = "registers are called what they are called")]
pub struct McContext {
    pub r8: u64,
    pub r9: u64,
    pub r10: u64,
    pub r11: u64,
    pub r12: u64,
    pub r13: u64,
    pub r14: u64,
    pub r15: u64,
    pub rdi: u64,
    pub rsi: u64,
    pub rbp: u64,
    pub rbx: u64,
    pub rdx: u64,
    pub rax: u64,
    pub rcx: u64,
    pub rsp: u64,
    pub rip: u64,
    pub rflags: u64,
    pub cs: u16,
    pub gs: u16,
    pub fs: u16,
    pub ss: u16,
    /// Error code of the last fault.
    pub err: u64,
    /// Vector of the last fault.
    pub trapno: u64,
    /// The blocked signals, again.
    pub oldmask: u64,
    /// Address of the last page fault.
    pub cr2: u64,
    /// Address of the saved extended state, or zero.
    pub fpstate: usize,
    /// Always zero.
    pub reserved: [u64; 8],
}

/// `struct ucontext` of the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct UContext {
    /// [`UC_FP_XSTATE`] and relatives.
    pub uc_flags: u64,
    /// Always zero.
    pub uc_link: usize,
    /// The alternate stack.
    pub uc_stack: SigStack,
    /// The interrupted registers.
    pub uc_mcontext: McContext,
    /// The signals blocked before.
    pub uc_sigmask: SigSet,
}

/// In [`UContext::uc_flags`]: the extended state is in XSAVE form.
pub const UC_FP_XSTATE: u64 = 1;
/// In [`UContext::uc_flags`]: `ss` is saved.
pub const UC_SIGCONTEXT_SS: u64 = 2;
/// In [`UContext::uc_flags`]: `ss` is restored as saved.
pub const UC_STRICT_RESTORE_SS: u64 = 4;

/// `struct rt_sigframe`: the whole of it, at the handler's stack pointer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SigFrame {
    /// Where the handler returns to: `sa_restorer`.
    pub restorer: usize,
    /// Third argument of the handler points here.
    pub context: UContext,
    /// Second argument of the handler points here.
    pub info: SigInfo,
}

/// `struct _fpx_sw_bytes`: stands in bytes 464..512 of the saved state and tells its extent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FpxSwBytes {
    /// [`FP_XSTATE_MAGIC1`].
    pub magic1: u32,
    /// Bytes of the saved state with the second magic number.
    pub extended_size: u32,
    /// State components saved, as in XCR0.
    pub xfeatures: u64,
    /// Bytes of the XSAVE area.
    pub xstate_size: u32,
    /// Always zero.
    pub padding: [u32; 7],
}

impl FpxSwBytes {
    /// Where it stands in the saved state, in bytes.
    pub const OFFSET: usize = 464;
}

/// First magic number of an extended frame.
pub const FP_XSTATE_MAGIC1: u32 = 0x4650_5853;
/// Second magic number, after the XSAVE area.
pub const FP_XSTATE_MAGIC2: u32 = 0x4650_5845;
