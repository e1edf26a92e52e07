//! Sockets of std over IPv4 and IPv6, for the cases about them: what std does not offer, with errors as numbers.

use std::io;
use std::mem::{size_of, size_of_val};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use libc::{c_int, sockaddr_in, socklen_t};

use crate::check;

/// The error of what must fail.
pub fn failed<T: std::fmt::Debug>(result: io::Result<T>) -> i32 {
    result.unwrap_err().raw_os_error().unwrap()
}

/// A socket that listens at a port of 127.0.0.1, and where that is.
pub fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Two ends of a connection: who asked, and who was asked.
pub fn pair() -> (TcpStream, TcpStream) {
    let (listener, address) = listener();
    let client = TcpStream::connect(address).unwrap();
    (client, listener.accept().unwrap().0)
}

fn raw(address: SocketAddr) -> sockaddr_in {
    let SocketAddr::V4(address) = address else { panic!("IPv4") };
    sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: address.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.ip().octets()) },
        sin_zero: [0; 8],
    }
}

/// connect(2) over IPv4
pub fn connect(socket: &impl AsRawFd, address: SocketAddr) -> Result<c_int, i32> {
    let (address, length) = (raw(address), size_of::<sockaddr_in>() as socklen_t);
    // SAFETY: an address of this size.
    check(unsafe { libc::connect(socket.as_raw_fd(), (&raw const address).cast(), length) })
}

/// bind(2) over IPv4
pub fn bind(socket: &impl AsRawFd, address: SocketAddr) -> Result<c_int, i32> {
    let (address, length) = (raw(address), size_of::<sockaddr_in>() as socklen_t);
    // SAFETY: an address of this size.
    check(unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) })
}

/// setsockopt(2)
pub fn set<T>(socket: &impl AsRawFd, level: c_int, name: c_int, value: T) -> Result<c_int, i32> {
    let length = size_of_val(&value) as socklen_t;
    // SAFETY: a value of this size.
    check(unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast(), length) })
}

/// getsockopt(2) of a number
pub fn get(socket: &impl AsRawFd, level: c_int, name: c_int) -> Result<c_int, i32> {
    let (mut value, mut length) = (0, size_of::<c_int>() as socklen_t);
    let at = (&raw mut value).cast();
    // SAFETY: room of this size.
    check(unsafe { libc::getsockopt(socket.as_raw_fd(), level, name, at, &raw mut length) })?;
    Ok(value)
}
