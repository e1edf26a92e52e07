//! The libc edge, and the crate that becomes `kernel.o` in every image.
//!
//! Symbols defined here win over musl's: the linker sees `kernel.o` before it looks into `libc.a`, so `libc.a`'s member of that name is
//! never pulled in. A symbol that is missing here is merely slower: musl's own version enters through the `syscall`
//! instruction and ends in the same handler (design: two doors, one implementation; `tests/abi` proves it on both).
//!
//! | here | left to musl |
//! |---|---|
//! | `open openat close fstat`, `read write readv writev pread pwrite lseek`, `mmap munmap mprotect madvise`, `socket socketpair bind listen accept accept4 connect send recv sendto recvfrom sendmsg recvmsg shutdown getsockname getpeername getsockopt setsockopt`, `poll ppoll`, `epoll_create` and relatives, `eventfd` and relatives, `timerfd_create` and relatives, `clock_gettime nanosleep`, `sched_yield`, `getpid`, `getrandom`, `syscall`, `sigaltstack`, `pthread_key_create` and relatives, `malloc` and relatives, `memcpy memmove memset memcmp bcmp memchr strlen` | everything else |
//!
//! Not here: behaviour. Each function names a handler of `kernel::syscall`, turns its answer into C's and that is all. These
//! functions are not cancellation points of `pthread_cancel`; Rust programs have no use for those.
#![no_std]
#![deny(unsafe_code)]
#![expect(unreachable_pub, reason = "the symbols are for the linker")]
#![expect(clippy::cast_possible_truncation, reason = "the kernel answers what fits the C type")]

mod check;
mod door;
mod entropy;
mod errno;
mod event;
mod fs;
mod heap;
mod io;
mod keys;
mod malloc;
mod memory;
mod mm;
mod net;
mod raw;
mod signal;
mod stacks;
mod task;
mod time;
