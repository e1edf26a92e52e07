//! Sockets, for the cases about them: the calls with their errors as numbers, addresses, messages with control data.

use std::mem::{offset_of, size_of, zeroed};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use libc::{AF_UNIX, SOCK_CLOEXEC, SOL_SOCKET, c_int, c_void, pollfd, sockaddr_un, socklen_t};

use crate::{Fd, check};

/// A socket address with its length.
#[derive(Clone, Copy)]
pub struct Address {
    /// The address.
    pub raw: sockaddr_un,
    /// How much of it counts.
    pub length: socklen_t,
}

impl Address {
    /// Of the family, with `tail` behind.
    pub fn new(tail: &[u8]) -> Self {
        // SAFETY: all zero is an address.
        let mut raw: sockaddr_un = unsafe { zeroed() };
        raw.sun_family = AF_UNIX as u16;
        for (to, &from) in raw.sun_path.iter_mut().zip(tail) {
            *to = from as _;
        }
        Self { raw, length: (offset_of!(sockaddr_un, sun_path) + tail.len()) as socklen_t }
    }

    /// A file's.
    pub fn path(path: impl AsRef<Path>) -> Self {
        let mut tail = path.as_ref().as_os_str().as_bytes().to_vec();
        tail.push(0);
        Self::new(&tail)
    }

    /// In no directory.
    pub fn hidden(name: &str) -> Self {
        Self::new(format!("\0{name}-{}", std::process::id()).as_bytes())
    }

    /// None at all.
    pub fn none() -> Self {
        Self { length: 0, ..Self::new(b"") }
    }

    /// The bytes behind the family.
    pub fn tail(&self) -> Vec<u8> {
        let count = (self.length as usize).saturating_sub(offset_of!(sockaddr_un, sun_path));
        self.raw.sun_path.iter().take(count).map(|&byte| byte as u8).collect()
    }

    fn at(&self) -> *const libc::sockaddr {
        (&raw const self.raw).cast()
    }
}

/// socket(2) of `AF_UNIX`.
pub fn socket(kind: c_int) -> Fd {
    // SAFETY: no memory is passed.
    Fd(check(unsafe { libc::socket(AF_UNIX, kind | SOCK_CLOEXEC, 0) }).expect("a socket"))
}

/// socketpair(2) of `AF_UNIX`.
pub fn pair(kind: c_int) -> (Fd, Fd) {
    let mut fds = [0; 2];
    // SAFETY: room for two numbers.
    check(unsafe { libc::socketpair(AF_UNIX, kind, 0, fds.as_mut_ptr()) }).expect("a pair");
    (Fd(fds[0]), Fd(fds[1]))
}

/// bind(2).
pub fn bind(fd: &Fd, to: &Address) -> Result<c_int, i32> {
    // SAFETY: the address is as long as it says.
    check(unsafe { libc::bind(fd.0, to.at(), to.length) })
}

/// listen(2).
pub fn listen(fd: &Fd, backlog: c_int) -> Result<c_int, i32> {
    // SAFETY: no memory is passed.
    check(unsafe { libc::listen(fd.0, backlog) })
}

/// connect(2).
pub fn connect(fd: &Fd, to: &Address) -> Result<c_int, i32> {
    // SAFETY: the address is as long as it says.
    check(unsafe { libc::connect(fd.0, to.at(), to.length) })
}

/// accept(2).
pub fn accept(fd: &Fd) -> Result<Fd, i32> {
    // SAFETY: no address is asked for.
    check(unsafe { libc::accept(fd.0, std::ptr::null_mut(), std::ptr::null_mut()) }).map(Fd)
}

/// What a call writes that tells an address.
fn told(call: impl FnOnce(*mut libc::sockaddr, *mut socklen_t) -> c_int) -> Result<Address, i32> {
    let mut address = Address { length: size_of::<sockaddr_un>() as socklen_t, ..Address::new(b"") };
    let answer = call((&raw mut address.raw).cast(), &raw mut address.length);
    check(answer).map(|_| address)
}

/// accept(2) with the peer's address.
pub fn accept_from(fd: &Fd) -> Result<(Fd, Address), i32> {
    let mut accepted = -1;
    let from = told(|at, length| {
        // SAFETY: the address has its room.
        accepted = unsafe { libc::accept(fd.0, at, length) };
        accepted
    })?;
    Ok((Fd(accepted), from))
}

/// getsockname(2).
pub fn name(fd: &Fd) -> Result<Address, i32> {
    // SAFETY: the address has its room.
    told(|at, length| unsafe { libc::getsockname(fd.0, at, length) })
}

/// getpeername(2).
pub fn peer(fd: &Fd) -> Result<Address, i32> {
    // SAFETY: the address has its room.
    told(|at, length| unsafe { libc::getpeername(fd.0, at, length) })
}

/// send(2).
pub fn send(fd: &Fd, bytes: &[u8], flags: c_int) -> Result<isize, i32> {
    // SAFETY: a slice.
    check(unsafe { libc::send(fd.0, bytes.as_ptr().cast(), bytes.len(), flags) })
}

/// sendto(2).
pub fn send_to(fd: &Fd, bytes: &[u8], flags: c_int, to: &Address) -> Result<isize, i32> {
    // SAFETY: a slice, and an address as long as it says.
    check(unsafe { libc::sendto(fd.0, bytes.as_ptr().cast(), bytes.len(), flags, to.at(), to.length) })
}

/// recv(2).
pub fn receive(fd: &Fd, most: usize, flags: c_int) -> Result<Vec<u8>, i32> {
    let mut bytes = vec![0; most];
    // SAFETY: a slice.
    let count = check(unsafe { libc::recv(fd.0, bytes.as_mut_ptr().cast(), most, flags) })?;
    bytes.truncate(count as usize);
    Ok(bytes)
}

/// recvfrom(2).
pub fn receive_from(fd: &Fd, most: usize, flags: c_int) -> Result<(Vec<u8>, Address), i32> {
    let mut bytes = vec![0; most];
    let mut count = -1;
    let from = told(|at, length| {
        // SAFETY: a slice, and an address with its room.
        count = unsafe { libc::recvfrom(fd.0, bytes.as_mut_ptr().cast(), most, flags, at, length) };
        count as c_int
    })?;
    bytes.truncate(count as usize);
    Ok((bytes, from))
}

/// shutdown(2).
pub fn shutdown(fd: &Fd, how: c_int) -> Result<c_int, i32> {
    // SAFETY: no memory is passed.
    check(unsafe { libc::shutdown(fd.0, how) })
}

/// setsockopt(2) of `SOL_SOCKET`.
pub fn set<T>(fd: &Fd, option: c_int, value: T) -> Result<c_int, i32> {
    let length = size_of::<T>() as socklen_t;
    // SAFETY: a value as long as it says.
    check(unsafe { libc::setsockopt(fd.0, SOL_SOCKET, option, (&raw const value).cast(), length) })
}

/// getsockopt(2) of `SOL_SOCKET`, for plain numbers.
pub fn get<T: Copy>(fd: &Fd, option: c_int) -> Result<T, i32> {
    let mut length = size_of::<T>() as socklen_t;
    // SAFETY: all zero is a value of the numbers asked for.
    let mut value: T = unsafe { zeroed() };
    // SAFETY: room as long as it says.
    let answer =
        unsafe { libc::getsockopt(fd.0, SOL_SOCKET, option, (&raw mut value).cast(), &raw mut length) };
    check(answer).map(|_| value)
}

/// Sets or clears `O_NONBLOCK`.
pub fn set_nonblocking(fd: &Fd, on: bool) {
    let flag = if on { libc::O_NONBLOCK } else { 0 };
    // SAFETY: no memory is passed.
    check(unsafe { libc::fcntl(fd.0, libc::F_SETFL, flag) }).expect("the flag");
}

/// What poll(2) says at once of everything that can be asked.
pub fn events(fd: &Fd) -> i16 {
    let all = libc::POLLIN | libc::POLLPRI | libc::POLLOUT | libc::POLLRDHUP;
    let mut entry = pollfd { fd: fd.0, events: all, revents: 0 };
    // SAFETY: one entry.
    check(unsafe { libc::poll(&raw mut entry, 1, 0) }).expect("poll");
    entry.revents
}

/// A control message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Whose.
    pub level: c_int,
    /// Which.
    pub kind: c_int,
    /// Its data.
    pub data: Vec<u8>,
}

impl Control {
    /// Descriptors.
    pub fn rights(fds: &[i32]) -> Self {
        let data = fds.iter().flat_map(|fd| fd.to_ne_bytes()).collect();
        Self { level: SOL_SOCKET, kind: libc::SCM_RIGHTS, data }
    }

    /// Who sends.
    pub fn credentials(pid: i32, uid: u32, gid: u32) -> Self {
        let data = [pid.to_ne_bytes(), uid.to_ne_bytes(), gid.to_ne_bytes()].concat();
        Self { level: SOL_SOCKET, kind: libc::SCM_CREDENTIALS, data }
    }

    /// The descriptors in it, now the case's.
    pub fn fds(&self) -> Vec<Fd> {
        let (numbers, _) = self.data.as_chunks();
        numbers.iter().map(|&number| Fd(i32::from_ne_bytes(number))).collect()
    }
}

/// `controls` as they lie in memory; words, for their alignment.
fn laid_out(controls: &[Control]) -> Vec<usize> {
    // SAFETY: they only compute.
    let (space, length) = (|n| unsafe { libc::CMSG_SPACE(n) } as usize, |n| unsafe { libc::CMSG_LEN(n) });
    let mut words = Vec::new();
    for control in controls {
        let (start, count) = (words.len(), control.data.len() as u32);
        words.resize(start + space(count) / size_of::<usize>(), 0);
        let header = words[start..].as_mut_ptr().cast::<libc::cmsghdr>();
        // SAFETY: the words hold a header and the data behind it.
        unsafe {
            (*header).cmsg_len = length(count) as _;
            (*header).cmsg_level = control.level;
            (*header).cmsg_type = control.kind;
            std::ptr::copy_nonoverlapping(control.data.as_ptr(), libc::CMSG_DATA(header), control.data.len());
        }
    }
    words
}

/// sendmsg(2) of `parts` with `controls`.
pub fn send_message(fd: &Fd, parts: &[&[u8]], controls: &[Control], flags: c_int) -> Result<isize, i32> {
    let mut buffers: Vec<libc::iovec> = parts
        .iter()
        .map(|part| libc::iovec { iov_base: part.as_ptr().cast_mut().cast(), iov_len: part.len() })
        .collect();
    let mut control = laid_out(controls);
    // SAFETY: all zero is a header.
    let mut header: libc::msghdr = unsafe { zeroed() };
    header.msg_iov = buffers.as_mut_ptr();
    header.msg_iovlen = buffers.len() as _;
    if !control.is_empty() {
        header.msg_control = control.as_mut_ptr().cast();
        header.msg_controllen = size_of_val(&control[..]) as _;
    }
    // SAFETY: the header's parts live until the call is over.
    check(unsafe { libc::sendmsg(fd.0, &raw const header, flags) })
}

/// What recvmsg(2) tells.
#[derive(Debug)]
pub struct Received {
    /// The call's answer.
    pub count: usize,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Control messages.
    pub controls: Vec<Control>,
    /// `msg_flags`.
    pub flags: c_int,
    /// `msg_controllen`.
    pub control_bytes: usize,
}

/// recvmsg(2) into a buffer of `most` bytes, with room for `room` bytes of control messages.
pub fn receive_message(fd: &Fd, most: usize, room: usize, flags: c_int) -> Result<Received, i32> {
    let (mut bytes, mut control) = (vec![0u8; most], vec![0usize; room.div_ceil(size_of::<usize>())]);
    let mut buffer = libc::iovec { iov_base: bytes.as_mut_ptr().cast::<c_void>(), iov_len: most };
    // SAFETY: all zero is a header.
    let mut header: libc::msghdr = unsafe { zeroed() };
    header.msg_iov = &raw mut buffer;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = room as _;
    // SAFETY: the header's parts live until the call is over.
    let count = check(unsafe { libc::recvmsg(fd.0, &raw mut header, flags) })? as usize;
    bytes.truncate(count);
    let mut controls = Vec::new();
    // SAFETY: the kernel filled the room as the header says.
    unsafe {
        let mut at = libc::CMSG_FIRSTHDR(&raw const header);
        while !at.is_null() {
            let length = (*at).cmsg_len as usize - libc::CMSG_LEN(0) as usize;
            let data = std::slice::from_raw_parts(libc::CMSG_DATA(at), length).to_vec();
            controls.push(Control { level: (*at).cmsg_level, kind: (*at).cmsg_type, data });
            at = libc::CMSG_NXTHDR(&raw const header, at);
        }
    }
    let (flags, control_bytes) = (header.msg_flags, header.msg_controllen as usize);
    Ok(Received { count, bytes, controls, flags, control_bytes })
}
