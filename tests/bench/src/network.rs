//! The network card of a bare Linux: modules that its kernel has not built in, and the address, where the kernel does not set it by itself.
//!
//! A kernel with `CONFIG_IP_PNP` takes the word `ip=CLIENT::GATEWAY:NETMASK::DEVICE:off` from its command line; one without gives it to its
//! first process as a variable. Modules lie in `/modules` under names that sort in the order they are needed.
#![expect(unsafe_code, reason = "finit_module(2) and netdevice(7) are C")]

use std::env;
use std::ffi::{CStr, CString};
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd as _;

/// Loads what is in `/modules` and gives the card the address of the variable `ip`. Nothing to do where neither is there.
pub fn set_up_bare_linux() -> io::Result<()> {
    let mut modules: Vec<_> = fs::read_dir("/modules")
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    modules.sort();
    for module in modules {
        let file = File::open(&module)?;
        // SAFETY: finit_module(2) takes a file, a C string and flags.
        let answer = unsafe { libc::syscall(libc::SYS_finit_module, file.as_raw_fd(), c"".as_ptr(), 0) };
        if answer != 0 {
            let error = io::Error::last_os_error();
            return Err(io::Error::other(format!("{}: {error}", module.display())));
        }
    }
    let Ok(word) = env::var("ip") else { return Ok(()) };
    let parts: Vec<&str> = word.split(':').collect();
    let [address, _, _, mask, _, device, ..] = parts[..] else {
        return Err(io::Error::other(format!("ip={word} has too few parts")));
    };
    let parse = |text: &str| text.parse::<Ipv4Addr>().map_err(io::Error::other);
    let (address, mask) = (parse(address)?, parse(mask)?);
    let name = CString::new(device)?;
    configure(&name, libc::SIOCSIFADDR, |request| request.ifr_ifru.ifru_addr = socket_address(address))?;
    configure(&name, libc::SIOCSIFNETMASK, |request| request.ifr_ifru.ifru_addr = socket_address(mask))?;
    switch_on(&name)
}

/// Switches the loopback interface on, where it is off.
pub fn set_up_loopback() -> io::Result<()> {
    match UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)) {
        Ok(_) => Ok(()),
        Err(_) => switch_on(c"lo"),
    }
}

fn switch_on(name: &CStr) -> io::Result<()> {
    configure(name, libc::SIOCSIFFLAGS, |request| {
        request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
    })
}

/// netdevice(7).
fn configure(name: &CStr, what: libc::c_ulong, fill: impl FnOnce(&mut libc::ifreq)) -> io::Result<()> {
    // Any socket does.
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    // SAFETY: all-zero is a valid value of the structure.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.to_bytes()) {
        *to = from.cast_signed();
    }
    fill(&mut request);
    let what = libc::Ioctl::try_from(what).map_err(io::Error::other)?;
    // SAFETY: these calls read the structure.
    if unsafe { libc::ioctl(socket.as_raw_fd(), what, &request) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn socket_address(address: Ipv4Addr) -> libc::sockaddr {
    // SAFETY: all-zero is a valid value of the structure.
    let mut socket: libc::sockaddr = unsafe { std::mem::zeroed() };
    socket.sa_family = libc::AF_INET as libc::sa_family_t;
    // Behind the port.
    for (to, from) in socket.sa_data[2..].iter_mut().zip(address.octets()) {
        *to = from.cast_signed();
    }
    socket
}
