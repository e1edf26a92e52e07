//! A runner for cases that must behave the same on Linux and on Caracal.
//!
//! Each binary is a family of system calls. A case is a function that panics when the system answers differently from what the
//! manual says; `// covers: name` above it names the rows of the system call table it exercises (`cargo xtask tidy` counts them).
//! Arguments: `--list`, or parts of names to run only those.
#![expect(unsafe_code, reason = "C functions are what is tested")]

pub mod epoll;
pub mod inet;
pub mod memory;
pub mod sockets;

use std::ffi::{CString, OsStr, c_int, c_void};
use std::os::unix::ffi::OsStrExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A case: its name and what it does.
pub type Case = (&'static str, fn());

/// Defines `main` for a binary of cases, e.g. `cases! { read_at_end, write_to_closed }`.
#[macro_export]
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        fn main() -> std::process::ExitCode {
            $crate::run(&[$((stringify!($name), $name as fn())),*])
        }
    };
}

/// Runs the cases that the arguments select; fails when one does.
pub fn run(cases: &[Case]) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (mut passed, mut failed) = (0, 0);
    for (name, case) in cases {
        if arguments.first().is_some_and(|first| first == "--list") {
            println!("{name}");
            continue;
        }
        if !arguments.is_empty() && !arguments.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        if catch_unwind(AssertUnwindSafe(case)).is_ok() {
            passed += 1;
            println!("ok {name}");
        } else {
            failed += 1;
            println!("FAIL {name}");
        }
    }
    println!("{passed} passed, {failed} failed");
    ExitCode::from(u8::from(failed > 0))
}

/// A signal handler with three arguments.
pub type Action = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

/// Has `action` run when `signal` comes; `SA_SIGINFO` is set.
pub fn handle(signal: c_int, flags: c_int, action: Action) {
    // SAFETY: an all-zero sigaction is valid; the handler has the signature that SA_SIGINFO means.
    unsafe {
        let mut new: libc::sigaction = std::mem::zeroed();
        new.sa_sigaction = action as *const () as usize;
        new.sa_flags = flags | libc::SA_SIGINFO;
        assert_eq!(libc::sigaction(signal, &new, std::ptr::null_mut()), 0);
    }
}

/// Whether the cases run on Caracal: for the few answers that are documented to differ.
pub fn is_caracal() -> bool {
    std::fs::read_to_string("/proc/sys/kernel/osrelease").is_ok_and(|release| release.contains("caracal"))
}

/// The error number of the last C call of this thread.
pub fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// A C call's answer, or its error number.
pub fn check<T: PartialEq + From<i8>>(answer: T) -> Result<T, i32> {
    if answer == T::from(-1) { Err(errno()) } else { Ok(answer) }
}

/// A system call by number, through C's `syscall`.
pub fn call(number: i64, words: [usize; 6]) -> Result<i64, i32> {
    let [a, b, c, d, e, f] = words;
    // SAFETY: the cases pass what they mean to, wild pointers included: the kernel must survive them.
    check(unsafe { libc::syscall(number, a, b, c, d, e, f) })
}

/// A system call by the instruction itself.
pub fn raw(number: i64, words: [usize; 6]) -> i64 {
    let [a, b, c, d, e, f] = words;
    let answer: i64;
    // SAFETY: as for `call`; the instruction clobbers rcx and r11.
    unsafe {
        std::arch::asm!("syscall", inlateout("rax") number => answer, in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d,
            in("r8") e, in("r9") f, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    answer
}

/// A C string of a path.
pub fn c(path: impl AsRef<OsStr>) -> CString {
    CString::new(path.as_ref().as_bytes()).expect("no zero inside")
}

/// A directory of its own for a case, removed at the end.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// A fresh directory whose name holds `name`.
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("abi-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).expect("a scratch directory");
        Self(path)
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A path in it for C.
    pub fn c(&self, name: &str) -> CString {
        c(self.path(name))
    }

    /// Itself.
    pub fn root(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A descriptor that is closed at the end.
#[derive(Debug)]
pub struct Fd(pub i32);

impl Drop for Fd {
    fn drop(&mut self) {
        // SAFETY: closes what the case opened.
        unsafe { libc::close(self.0) };
    }
}

/// open(2) with mode 0644.
pub fn open(path: impl AsRef<OsStr>, flags: i32) -> Result<Fd, i32> {
    let path = c(path);
    // SAFETY: the path is a C string.
    check(unsafe { libc::open(path.as_ptr(), flags, 0o644) }).map(Fd)
}
