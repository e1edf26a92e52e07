//! Sockets: socket(2), bind(2), connect(2), listen(2), accept(2), shutdown(2), getsockname(2).
//!
//! All of it goes through `logic::net::socket::Socket`; [`new_socket`] is the one place that knows the families. Messages
//! ([`message`], [`control`]) and options have files of their own below.

mod control;
mod interface;
mod message;
mod options;
mod paths;

use alloc::sync::Arc;
use core::net::SocketAddr;

use abi::errno::Errno;
use abi::fs::OpenFlags;
use abi::net::{SOMAXCONN, SockaddrStorage, SocketType};
use abi::prelude::*;
use logic::file::open::OpenFile;
use logic::file::{File, Io};
use logic::fs::special::SocketInode;
use logic::net::address::SocketAddress;
use logic::net::inet::stack::Stack;
use logic::net::socket::{Socket, Target};
use logic::net::{inet, netlink, unix};
use zerocopy::FromZeros as _;
use zerocopy::IntoBytes as _;

use crate::net;
use crate::process::PID;

use super::Ctx;

pub(super) use interface::ioctl;
pub use message::{sys_recvfrom, sys_recvmmsg, sys_recvmsg, sys_sendmmsg, sys_sendmsg, sys_sendto};
pub use options::{sys_getsockopt, sys_setsockopt};
use paths::CallerPaths;

/// A new socket of a family.
fn new_socket(cx: &Ctx<'_>, family: Family, kind: SocketType, protocol: i32) -> Result<Arc<dyn File>, Errno> {
    match family {
        Family::Unix => unix::new_socket(&cx.kernel().unix, kind, protocol),
        Family::Inet | Family::Inet6 => inet::new_socket(stack(cx)?, family, kind, protocol),
        Family::Netlink => netlink::new_socket(settled_stack(cx)?, kind, protocol, PID),
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

/// Two new sockets of a family, connected.
fn new_pair(
    cx: &Ctx<'_>,
    family: Family,
    kind: SocketType,
    protocol: i32,
) -> Result<[Arc<dyn File>; 2], Errno> {
    match family {
        Family::Unix => unix::new_pair(&cx.kernel().unix, &cx.io(None), kind, protocol),
        Family::Inet | Family::Inet6 | Family::Netlink => Err(Errno::EOPNOTSUPP),
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

/// The socket that `open` is.
fn socket_of(open: &OpenFile) -> Result<&dyn Socket, Errno> {
    open.check_not_path()?;
    open.file.socket().ok_or(Errno::ENOTSOCK)
}

/// Gives a socket a descriptor.
fn install(cx: &Ctx<'_>, file: Arc<dyn File>, flags: SocketFlags) -> Result<Fd, Errno> {
    let files = &cx.process().files;
    let inode = Arc::new(SocketInode::new(files.next_pipe(), cx.wall_time()));
    let status = if flags.contains(SocketFlags::NONBLOCK) { OpenFlags::NONBLOCK } else { OpenFlags::empty() };
    let open = OpenFile::new(file, inode, OpenFlags::RDWR | status);
    files.table.lock().insert(open, flags.contains(SocketFlags::CLOEXEC), 0)
}

/// Tries once, or waits for at most `patience` nanoseconds.
fn wait<R>(
    cx: &Ctx<'_>,
    open: &OpenFile,
    patience: Option<u64>,
    mut attempt: impl FnMut(&Io<'_>) -> Result<R, Errno>,
) -> Result<R, Errno> {
    if open.is_nonblocking() { attempt(&cx.io(None)) } else { cx.block_for(patience, attempt) }
}

/// Waits until it is known how `to` is reached, or that it is not, if a link asks for its address just now. It does not matter whether the caller
/// would wait: on Linux it would have run after that.
fn settle(cx: &Ctx<'_>, to: Option<&SocketAddress>) -> Result<(), Errno> {
    let remote = match to {
        Some(SocketAddress::V4(remote)) => SocketAddr::V4(*remote),
        Some(SocketAddress::V6(remote)) => match remote.ip().to_ipv4_mapped() {
            Some(ip) => SocketAddr::new(ip.into(), remote.port()),
            None => SocketAddr::V6(*remote),
        },
        _ => return Ok(()),
    };
    let stack = stack(cx)?;
    cx.block_for(None, |io| stack.settle(remote, io))
}

/// The network.
fn stack(cx: &Ctx<'_>) -> Result<&'static Arc<Stack>, Errno> {
    net::stack(cx.kernel().memory, &cx.kernel().options)
}

/// The network, when all links know their addresses: on Linux they would have had them before the program began.
fn settled_stack(cx: &Ctx<'_>) -> Result<&'static Arc<Stack>, Errno> {
    let stack = stack(cx)?;
    cx.block_for(None, |io| stack.settle_all(io))?;
    Ok(stack)
}

/// The address at `at`.
fn read_address(cx: &Ctx<'_>, at: UserPtr<u8>, length: u32) -> Result<SocketAddress, Errno> {
    let mut room = SockaddrStorage::new_zeroed();
    let bytes = room.as_mut_bytes().get_mut(..length as usize).ok_or(Errno::EINVAL)?;
    cx.read_bytes(at, bytes)?;
    SocketAddress::parse(bytes)
}

/// Writes `address` to `at`, as much of it as `most` bytes hold; answers how long it is.
fn write_address_to(
    cx: &Ctx<'_>,
    address: Option<&SocketAddress>,
    at: UserPtr<u8>,
    most: u32,
) -> Result<u32, Errno> {
    let raw = address.map(SocketAddress::to_raw);
    let bytes = raw.as_ref().map_or(&[][..], |raw| raw.bytes());
    // Linux takes the length as an `int`.
    let most = usize::try_from(most.cast_signed()).map_err(|_| Errno::EINVAL)?;
    cx.write_bytes(at, &bytes[..bytes.len().min(most)])?;
    u32::try_from(bytes.len()).map_err(|_| Errno::EINVAL)
}

/// Writes `address` to `at` and its length to `length`, which says how much room there is.
fn write_address(
    cx: &Ctx<'_>,
    address: Option<&SocketAddress>,
    at: UserPtr<u8>,
    length: UserPtr<u32>,
) -> Result<(), Errno> {
    let whole = write_address_to(cx, address, at, cx.read_struct(length)?)?;
    cx.write_struct(length, &whole)
}

/// socket(2)
pub fn sys_socket(
    cx: &Ctx<'_>,
    family: Late<Family>,
    kind: TypeAndFlags,
    protocol: i32,
) -> Result<Fd, Errno> {
    cx.check_memory()?;
    let file = new_socket(cx, family?, kind.socket_type()?, protocol)?;
    install(cx, file, kind.flags)
}

/// socketpair(2)
pub fn sys_socketpair(
    cx: &Ctx<'_>,
    family: Late<Family>,
    kind: TypeAndFlags,
    protocol: i32,
    fds: UserPtr<[i32; 2]>,
) -> Result<(), Errno> {
    cx.check_memory()?;
    let [one, other] = new_pair(cx, family?, kind.socket_type()?, protocol)?;
    let remove = |fd| drop(cx.process().files.table.lock().remove(fd));
    let one = install(cx, one, kind.flags)?;
    let made = install(cx, other, kind.flags).and_then(|other| {
        let told = cx.write_struct(fds, &[one.0, other.0]);
        told.inspect_err(|_| remove(other))
    });
    made.inspect_err(|_| remove(one))
}

/// bind(2)
pub fn sys_bind(cx: &Ctx<'_>, fd: Fd, addr: UserPtr<u8>, len: u32) -> Result<(), Errno> {
    let open = cx.file(fd)?;
    let socket = socket_of(&open)?;
    cx.check_memory()?;
    let address = read_address(cx, addr, len)?;
    socket.bind(&cx.io(None), Target { address: &address, paths: &CallerPaths(cx) })
}

/// listen(2): a negative backlog is the longest there can be.
pub fn sys_listen(cx: &Ctx<'_>, fd: Fd, backlog: i32) -> Result<(), Errno> {
    let open = cx.file(fd)?;
    socket_of(&open)?.listen(&cx.io(None), backlog.cast_unsigned().min(SOMAXCONN))
}

/// accept(2)
pub fn sys_accept(cx: &Ctx<'_>, fd: Fd, addr: UserPtr<u8>, len: UserPtr<u32>) -> Result<Fd, Errno> {
    sys_accept4(cx, fd, addr, len, SocketFlags::empty())
}

/// accept4(2)
pub fn sys_accept4(
    cx: &Ctx<'_>,
    fd: Fd,
    addr: UserPtr<u8>,
    len: UserPtr<u32>,
    flags: SocketFlags,
) -> Result<Fd, Errno> {
    let open = cx.file(fd)?;
    let socket = socket_of(&open)?;
    // Without a descriptor or memory no connection is taken.
    cx.check_memory()?;
    cx.process().files.table.lock().check_room()?;
    let accepted = wait(cx, &open, socket.common().receive_patience(), |io| socket.accept(io))?;
    if !addr.is_null() {
        write_address(cx, Some(&accepted.peer), addr, len)?;
    }
    install(cx, accepted.file, flags)
}

/// connect(2)
pub fn sys_connect(cx: &Ctx<'_>, fd: Fd, addr: UserPtr<u8>, len: u32) -> Result<(), Errno> {
    let open = cx.file(fd)?;
    let socket = socket_of(&open)?;
    // The other end of a connection is one more object.
    cx.check_memory()?;
    let address = read_address(cx, addr, len)?;
    settle(cx, Some(&address))?;
    let to = Target { address: &address, paths: &CallerPaths(cx) };
    let patience = socket.common().send_patience();
    match wait(cx, &open, patience, |io| socket.connect(io, to)) {
        Err(Errno::EINPROGRESS | Errno::EALREADY) if !open.is_nonblocking() => {
            match cx.block_for(patience, |io| socket.connected(io)) {
                // It goes on without the caller (socket(7), `SO_SNDTIMEO`).
                Err(Errno::EAGAIN) => Err(Errno::EINPROGRESS),
                answer => answer,
            }
        }
        answer => answer,
    }
}

/// shutdown(2)
pub fn sys_shutdown(cx: &Ctx<'_>, fd: Fd, how: Late<Shutdown>) -> Result<(), Errno> {
    let open = cx.file(fd)?;
    socket_of(&open)?.shutdown(&cx.io(None), how?)
}

/// getsockname(2)
pub fn sys_getsockname(cx: &Ctx<'_>, fd: Fd, addr: UserPtr<u8>, len: UserPtr<u32>) -> Result<(), Errno> {
    let open = cx.file(fd)?;
    write_address(cx, Some(&socket_of(&open)?.local_address()), addr, len)
}

/// getpeername(2)
pub fn sys_getpeername(cx: &Ctx<'_>, fd: Fd, addr: UserPtr<u8>, len: UserPtr<u32>) -> Result<(), Errno> {
    let open = cx.file(fd)?;
    write_address(cx, Some(&socket_of(&open)?.peer_address()?), addr, len)
}
