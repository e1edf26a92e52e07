//! The Linux x86_64 contract as types: numbers, names and layouts, no behaviour besides conversions.
//!
//! * [`errno`] – why a call failed.
//! * [`table`] – every system call: number, name, handler, arguments, how far it is supported.
//! * [`reg`] – register words to typed arguments, results back to a register word; [`flags`] – which bits are allowed.
//! * [`fs`], [`io`], [`event`], [`tty`], [`mm`], [`task`], [`signal`], [`time`], [`sys`], [`net`] – flags, choices and structures,
//!   by the families of the manual.
//!
//! Structures can be copied to and from bytes without unsafe code (`zerocopy`): no hidden padding, every bit pattern
//! valid. Fields keep the names of the manual pages.
//!
//! Numbers and layouts come from the manual pages and Linux' `include/uapi`. They are written here by hand and compared in
//! the tests with two independent sources, the `libc` and `linux-raw-sys` crates; neither is a dependency of the kernel.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod errno;
pub mod event;
pub mod flags;
pub mod fs;
pub mod io;
pub mod mm;
pub mod net;
pub mod prelude;
pub mod reg;
pub mod signal;
pub mod sys;
pub mod table;
pub mod task;
pub mod time;
pub mod tty;
