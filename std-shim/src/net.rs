//! Sockets: socket(2), bind(2), connect(2), accept(2), send(2), recv(2) and what else std and its relatives call on them.
//!
//! Of `struct msghdr` and `struct cmsghdr` the handlers read the halves of the lengths that musl declares: there is nothing to clear, as
//! musl's own sendmsg(3) and recvmsg(3) do before they enter.
#![expect(unsafe_code, reason = "the symbols are the interface")]

use core::arch::naked_asm;
use core::ffi::{c_int, c_void};

use kernel::syscall::net;

use crate::check::same_as_libc;
use crate::door::direct;

direct! {
    /// socket(2)
    fn socket(family: c_int, kind: c_int, protocol: c_int) -> c_int = 41 => net::sys_socket;
    /// connect(2)
    fn connect(fd: c_int, addr: *const c_void, len: u32) -> c_int = 42 => net::sys_connect;
    /// accept(2)
    fn accept(fd: c_int, addr: *mut c_void, len: *mut u32) -> c_int = 43 => net::sys_accept;
    /// sendto(2)
    fn sendto(fd: c_int, buf: *const c_void, count: usize, flags: c_int, addr: *const c_void, len: u32) -> isize = 44
        => net::sys_sendto;
    /// recvfrom(2)
    fn recvfrom(fd: c_int, buf: *mut c_void, count: usize, flags: c_int, addr: *mut c_void, len: *mut u32) -> isize = 45
        => net::sys_recvfrom;
    /// sendmsg(2)
    fn sendmsg(fd: c_int, msg: *const c_void, flags: c_int) -> isize = 46 => net::sys_sendmsg;
    /// recvmsg(2)
    fn recvmsg(fd: c_int, msg: *mut c_void, flags: c_int) -> isize = 47 => net::sys_recvmsg;
    /// shutdown(2)
    fn shutdown(fd: c_int, how: c_int) -> c_int = 48 => net::sys_shutdown;
    /// bind(2)
    fn bind(fd: c_int, addr: *const c_void, len: u32) -> c_int = 49 => net::sys_bind;
    /// listen(2)
    fn listen(fd: c_int, backlog: c_int) -> c_int = 50 => net::sys_listen;
    /// getsockname(2)
    fn getsockname(fd: c_int, addr: *mut c_void, len: *mut u32) -> c_int = 51 => net::sys_getsockname;
    /// getpeername(2)
    fn getpeername(fd: c_int, addr: *mut c_void, len: *mut u32) -> c_int = 52 => net::sys_getpeername;
    /// socketpair(2)
    fn socketpair(family: c_int, kind: c_int, protocol: c_int, fds: *mut c_int) -> c_int = 53 => net::sys_socketpair;
    /// setsockopt(2)
    fn setsockopt(fd: c_int, level: c_int, option: c_int, value: *const c_void, len: u32) -> c_int = 54
        => net::sys_setsockopt;
    /// getsockopt(2)
    fn getsockopt(fd: c_int, level: c_int, option: c_int, value: *mut c_void, len: *mut u32) -> c_int = 55
        => net::sys_getsockopt;
    /// accept4(2)
    fn accept4(fd: c_int, addr: *mut c_void, len: *mut u32, flags: c_int) -> c_int = 288 => net::sys_accept4;
}

/// send(2): sendto(2) without an address. Cleared here, so that a call that is made again after a signal has none either.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub extern "C" fn send(_: c_int, _: *const c_void, _: usize, _: c_int) -> isize {
    naked_asm!("xor r8d, r8d", "xor r9d, r9d", "jmp {sendto}", sendto = sym sendto)
}

/// recv(2): recvfrom(2) without an address.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub extern "C" fn recv(_: c_int, _: *mut c_void, _: usize, _: c_int) -> isize {
    naked_asm!("xor r8d, r8d", "xor r9d, r9d", "jmp {recvfrom}", recvfrom = sym recvfrom)
}

same_as_libc! {
    send: extern "C" fn(c_int, *const c_void, usize, c_int) -> isize;
    recv: extern "C" fn(c_int, *mut c_void, usize, c_int) -> isize;
}
