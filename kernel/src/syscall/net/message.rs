//! Messages: send(2), recv(2), sendmsg(2), recvmsg(2), sendmmsg(2), recvmmsg(2).

use abi::errno::Errno;
use abi::io::IOV_MAX;
use abi::net::SockaddrStorage;
use abi::prelude::*;
use logic::file::open::OpenFile;
use logic::net::control::low_half;
use logic::net::socket::{Incoming, Outgoing, Socket, Target};

use super::super::Ctx;
use super::super::buffers::{Buffers, Direction, Until, move_at_once, parts, transfer};
use super::super::signal::broken_pipe;
use super::paths::CallerPaths;
use super::{control, read_address, settle, socket_of, write_address, write_address_to};

/// Sends what is in `buffers`.
fn send(
    cx: &Ctx<'_>,
    (open, socket): (&OpenFile, &dyn Socket),
    buffers: &mut Buffers<'_>,
    message: &mut Outgoing<'_>,
) -> Result<usize, Errno> {
    let flags = message.flags;
    let nonblocking = open.is_nonblocking() || flags.contains(MsgFlags::DONTWAIT);
    settle(cx, message.to.as_ref().map(|to| to.address))?;
    transfer(cx, open, buffers, nonblocking, Until::Done, |io, from| socket.send(io, from, message))
        .inspect_err(|&errno| {
            let signals = !open.keeps_records() && !flags.contains(MsgFlags::NOSIGNAL);
            if errno == Errno::EPIPE && signals {
                broken_pipe(cx);
            }
        })
}

/// Receives into `buffers`.
fn receive(
    cx: &Ctx<'_>,
    (open, socket): (&OpenFile, &dyn Socket),
    buffers: &mut Buffers<'_>,
    message: &mut Incoming,
) -> Result<usize, Errno> {
    let flags = message.flags;
    let nonblocking = open.is_nonblocking() || flags.contains(MsgFlags::DONTWAIT);
    if flags.contains(MsgFlags::PEEK) {
        return move_at_once(cx, open, buffers, nonblocking, &mut |io, out| {
            message.control.clear();
            socket.receive(io, out, message)
        });
    }
    let until = if flags.contains(MsgFlags::WAITALL) { Until::Done } else { Until::Some };
    transfer(cx, open, buffers, nonblocking, until, |io, out| {
        // What came with control messages is not mixed with what comes behind.
        if message.control.is_empty() { socket.receive(io, out, message) } else { Ok(0) }
    })
}

/// sendto(2), and send(2) without an address
pub fn sys_sendto(
    cx: &Ctx<'_>,
    fd: Fd,
    buf: UserPtr<u8>,
    count: usize,
    flags: MsgFlags,
    addr: UserPtr<u8>,
    len: u32,
) -> Result<usize, Errno> {
    let open = cx.file(fd)?;
    let socket = socket_of(&open)?;
    let address = addr.non_null().map(|addr| read_address(cx, addr, len)).transpose()?;
    let paths = &CallerPaths(cx);
    let to = address.as_ref().map(|address| Target { address, paths });
    let mut buffers = Buffers::one(buf, count, Direction::Out);
    send(cx, (&open, socket), &mut buffers, &mut Outgoing { to, flags, ..Outgoing::default() })
}

/// recvfrom(2), and recv(2) without an address
pub fn sys_recvfrom(
    cx: &Ctx<'_>,
    fd: Fd,
    buf: UserPtr<u8>,
    count: usize,
    flags: MsgFlags,
    addr: UserPtr<u8>,
    len: UserPtr<u32>,
) -> Result<usize, Errno> {
    let open = cx.file(fd)?;
    let socket = socket_of(&open)?;
    let mut message = Incoming::new(flags, !addr.is_null());
    let mut buffers = Buffers::one(buf, count, Direction::In);
    let received = receive(cx, (&open, socket), &mut buffers, &mut message)?;
    if !addr.is_null() {
        write_address(cx, message.from.as_ref(), addr, len)?;
    }
    Ok(received)
}

/// The header at `at` with its lengths as musl declares them: `int`, and words of padding behind that hold anything.
fn read_header(cx: &Ctx<'_>, at: UserPtr<MsgHdr>) -> Result<MsgHdr, Errno> {
    let mut header: MsgHdr = cx.read_struct(at)?;
    header.msg_iovlen = low_half(header.msg_iovlen);
    header.msg_controllen = low_half(header.msg_controllen);
    if header.msg_name == 0 {
        header.msg_namelen = 0;
    }
    if header.msg_namelen.cast_signed() < 0 {
        return Err(Errno::EINVAL);
    }
    if header.msg_iovlen > IOV_MAX {
        return Err(Errno::EMSGSIZE);
    }
    Ok(header)
}

fn send_message(
    cx: &Ctx<'_>,
    (open, socket): (&OpenFile, &dyn Socket),
    header: &MsgHdr,
    flags: MsgFlags,
) -> Result<usize, Errno> {
    let length = header.msg_namelen.min(size_of::<SockaddrStorage>() as u32);
    let address =
        (length > 0).then(|| read_address(cx, UserPtr::new(header.msg_name), length)).transpose()?;
    let paths = &CallerPaths(cx);
    let to = address.as_ref().map(|address| Target { address, paths });
    let parts = parts(cx, UserPtr::new(header.msg_iov), header.msg_iovlen)?;
    let control = control::read(cx, socket.common().family, header)?;
    let mut buffers = Buffers::many(&parts, Direction::Out);
    send(cx, (open, socket), &mut buffers, &mut Outgoing { to, flags, control })
}

/// sendmsg(2)
pub fn sys_sendmsg(cx: &Ctx<'_>, fd: Fd, msg: UserPtr<MsgHdr>, flags: MsgFlags) -> Result<usize, Errno> {
    let open = cx.file(fd)?;
    let socket = socket_of(&open)?;
    let header = read_header(cx, msg)?;
    send_message(cx, (&open, socket), &header, flags)
}

/// Receives as the header at `at` says, and writes back what it is told.
fn receive_message(
    cx: &Ctx<'_>,
    (open, socket): (&OpenFile, &dyn Socket),
    at: UserPtr<MsgHdr>,
    flags: MsgFlags,
) -> Result<usize, Errno> {
    let mut header = read_header(cx, at)?;
    let parts = parts(cx, UserPtr::new(header.msg_iov), header.msg_iovlen)?;
    let mut message = Incoming::new(flags, header.msg_name != 0);
    let mut buffers = Buffers::many(&parts, Direction::In);
    let received = receive(cx, (open, socket), &mut buffers, &mut message)?;
    if header.msg_name != 0 {
        let name = UserPtr::new(header.msg_name);
        header.msg_namelen = write_address_to(cx, message.from.as_ref(), name, header.msg_namelen)?;
    }
    let close_on_exec = flags & MsgFlags::CMSG_CLOEXEC;
    let written = control::write(cx, message.control, &header, close_on_exec)?;
    header.msg_controllen = written.bytes;
    header.msg_flags = (message.told | written.told | close_on_exec).bits();
    cx.write_struct(at, &header)?;
    Ok(received)
}

/// recvmsg(2)
pub fn sys_recvmsg(cx: &Ctx<'_>, fd: Fd, msg: UserPtr<MsgHdr>, flags: MsgFlags) -> Result<usize, Errno> {
    let open = cx.file(fd)?;
    receive_message(cx, (&open, socket_of(&open)?), msg, flags)
}

/// Writes how long the message at `at` was.
fn write_length(cx: &Ctx<'_>, at: UserPtr<MMsgHdr>, count: usize) -> Result<(), Errno> {
    let field = at.byte_offset(core::mem::offset_of!(MMsgHdr, msg_len))?;
    cx.write_struct(field.cast(), &u32::try_from(count).unwrap_or(u32::MAX))
}

/// sendmmsg(2): an error counts only when nothing was sent before.
pub fn sys_sendmmsg(
    cx: &Ctx<'_>,
    fd: Fd,
    msgs: UserPtr<MMsgHdr>,
    count: u32,
    flags: MsgFlags,
) -> Result<usize, Errno> {
    let open = cx.file(fd)?;
    let socket = socket_of(&open)?;
    for index in 0..(count as usize).min(IOV_MAX) {
        let sent = msgs.offset(index).and_then(|at| {
            let header = read_header(cx, at.cast())?;
            write_length(cx, at, send_message(cx, (&open, socket), &header, flags)?)
        });
        match sent {
            Ok(()) => {}
            Err(errno) if index == 0 => return Err(errno),
            Err(_) => return Ok(index),
        }
    }
    Ok((count as usize).min(IOV_MAX))
}

/// recvmmsg(2): the timeout is looked at after each message, as on Linux (recvmmsg(2), "BUGS"), and what is left of it written back.
pub fn sys_recvmmsg(
    cx: &Ctx<'_>,
    fd: Fd,
    msgs: UserPtr<MMsgHdr>,
    count: u32,
    mut flags: MsgFlags,
    timeout: UserPtr<Timespec>,
) -> Result<usize, Errno> {
    let given = timeout.non_null().map(|at| cx.read_struct(at)?.to_ns()).transpose()?;
    let until_ns = given.map(|ns| cx.now().saturating_add(ns));
    let open = cx.file(fd)?;
    let socket = socket_of(&open)?;
    let (mut done, waits_for_one) = (0, flags.contains(MsgFlags::WAITFORONE));
    flags.remove(MsgFlags::WAITFORONE);
    while done < count as usize {
        let received = msgs
            .offset(done)
            .and_then(|at| write_length(cx, at, receive_message(cx, (&open, socket), at.cast(), flags)?));
        match received {
            Ok(()) => done += 1,
            Err(errno) if done == 0 => return Err(errno),
            Err(_) => break,
        }
        flags.set(MsgFlags::DONTWAIT, waits_for_one || flags.contains(MsgFlags::DONTWAIT));
        if until_ns.is_some_and(|until_ns| cx.now() >= until_ns) {
            break;
        }
    }
    if let Some(until_ns) = until_ns {
        cx.write_struct(timeout, &Timespec::from_ns(until_ns.saturating_sub(cx.now())))?;
    }
    Ok(done)
}
