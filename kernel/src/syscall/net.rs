//! Sockets: no address family is there yet (the network comes with its own issue), so nothing is a socket.
//!
//! The answers are Linux's for a kernel without the family (`EAFNOSUPPORT`) and for a descriptor that is not a socket
//! (`ENOTSOCK`), or is none at all (`EBADF`).

use abi::errno::Errno;
use abi::prelude::*;

use super::Ctx;

fn not_a_socket(cx: &Ctx<'_>, fd: Fd) -> Result<usize, Errno> {
    cx.process().files.get(fd)?;
    Err(Errno::ENOTSOCK)
}

/// socket(2)
pub fn sys_socket(_cx: &Ctx<'_>, _domain: i32, _kind: i32, _protocol: i32) -> Result<usize, Errno> {
    Err(Errno::EAFNOSUPPORT)
}

/// socketpair(2)
pub fn sys_socketpair(
    _cx: &Ctx<'_>,
    _domain: i32,
    _kind: i32,
    _protocol: i32,
    _fds: UserPtr<[i32; 2]>,
) -> Result<usize, Errno> {
    Err(Errno::EAFNOSUPPORT)
}

macro_rules! not_sockets {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $ty:ty),*);)*) => { $(
        $(#[$doc])*
        pub fn $name(cx: &Ctx<'_>, fd: Fd $(, $arg: $ty)*) -> Result<usize, Errno> {
            $(let _ = $arg;)*
            not_a_socket(cx, fd)
        }
    )* };
}

not_sockets! {
    /// connect(2)
    sys_connect(addr: UserPtr<u8>, len: u32);
    /// accept(2)
    sys_accept(addr: UserPtr<u8>, len: UserPtr<u32>);
    /// accept4(2)
    sys_accept4(addr: UserPtr<u8>, len: UserPtr<u32>, flags: u32);
    /// sendto(2)
    sys_sendto(buf: UserPtr<u8>, count: usize, flags: u32, addr: UserPtr<u8>, len: u32);
    /// recvfrom(2)
    sys_recvfrom(buf: UserPtr<u8>, count: usize, flags: u32, addr: UserPtr<u8>, len: UserPtr<u32>);
    /// sendmsg(2)
    sys_sendmsg(msg: UserPtr<MsgHdr>, flags: u32);
    /// recvmsg(2)
    sys_recvmsg(msg: UserPtr<MsgHdr>, flags: u32);
    /// sendmmsg(2)
    sys_sendmmsg(msgs: UserPtr<MMsgHdr>, count: u32, flags: u32);
    /// recvmmsg(2)
    sys_recvmmsg(msgs: UserPtr<MMsgHdr>, count: u32, flags: u32, timeout: UserPtr<Timespec>);
    /// shutdown(2)
    sys_shutdown(how: i32);
    /// bind(2)
    sys_bind(addr: UserPtr<u8>, len: u32);
    /// listen(2)
    sys_listen(backlog: i32);
    /// getsockname(2)
    sys_getsockname(addr: UserPtr<u8>, len: UserPtr<u32>);
    /// getpeername(2)
    sys_getpeername(addr: UserPtr<u8>, len: UserPtr<u32>);
    /// setsockopt(2)
    sys_setsockopt(level: i32, option: i32, value: UserPtr<u8>, len: u32);
    /// getsockopt(2)
    sys_getsockopt(level: i32, option: i32, value: UserPtr<u8>, len: UserPtr<u32>);
}
