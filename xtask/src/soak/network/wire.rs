//! Frames as they are: put on a tap device behind the host's own stack (packet(7)), heard there, or taken in that stack's place (a tap device opened
//! by the tool).
#![expect(unsafe_code, reason = "addresses of devices, and their requests, are C's")]

use std::fs::File;
use std::num::NonZeroU32;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    self, AddressFamily, Protocol, RecvFlags, SendFlags, SocketAddrAny, SocketType, netdevice,
};

/// `ETH_P_ALL` in the network's order: frames of all kinds.
const ALL: u16 = 0x0003_u16.to_be();
/// What is not heard for so long will not come.
const PATIENCE: Duration = Duration::from_secs(5);

/// A socket of whole frames on a device.
pub(super) struct Wire(OwnedFd);

impl Wire {
    /// One that only sends.
    pub(super) fn new(device: &str) -> Result<Self> {
        Self::open(device, None)
    }

    /// One that hears what comes from the other side, and sends.
    pub(super) fn listening(device: &str) -> Result<Self> {
        Self::open(device, NonZeroU32::new(ALL.into()))
    }

    fn open(device: &str, kinds: Option<NonZeroU32>) -> Result<Self> {
        let socket = net::socket(AddressFamily::PACKET, SocketType::RAW, kinds.map(Protocol::from_raw))
            .context("no frames can be sent by themselves")?;
        let index = netdevice::name_to_index(&socket, device)?;
        let address = libc::sockaddr_ll {
            sll_family: u16::try_from(libc::AF_PACKET)?,
            sll_protocol: if kinds.is_some() { ALL } else { 0 },
            sll_ifindex: index.cast_signed(),
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        };
        let length = u32::try_from(size_of_val(&address))?;
        // SAFETY: it is an address, and that long.
        let address = unsafe { SocketAddrAny::read((&raw const address).cast(), length) };
        net::bind(&socket, &address).with_context(|| format!("no frames can be sent on {device}"))?;
        set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
        Ok(Self(socket))
    }

    /// Sends a frame. Waits while the device has too many.
    pub(super) fn send(&self, frame: &[u8]) -> Result<()> {
        loop {
            match net::send(&self.0, frame, SendFlags::empty()) {
                Ok(_) => return Ok(()),
                Err(Errno::NOBUFS | Errno::INTR | Errno::AGAIN) => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(error) => return Err(error).context("a frame cannot be sent"),
            }
        }
    }

    /// Waits for a frame.
    pub(super) fn receive<'buffer>(&self, buffer: &'buffer mut [u8]) -> Result<&'buffer [u8]> {
        let (count, _) =
            net::recv(&self.0, &mut *buffer, RecvFlags::empty()).context("the guest sends nothing")?;
        Ok(&buffer[..count])
    }
}

/// The other side of a tap device that there is: what the host sends is read, and what is written has come in.
pub(super) fn open_tap(device: &str) -> Result<File> {
    let file = File::options().read(true).write(true).open("/dev/net/tun")?;
    let mut name = [0; libc::IFNAMSIZ];
    for (place, byte) in name.iter_mut().zip(device.bytes().take(libc::IFNAMSIZ - 1)) {
        *place = byte.cast_signed();
    }
    let flags = i16::try_from(libc::IFF_TAP | libc::IFF_NO_PI)?;
    let request =
        libc::ifreq { ifr_name: name, ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_flags: flags } };
    // SAFETY: TUNSETIFF reads the structure.
    let answer = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw const request) };
    if answer < 0 {
        return Err(std::io::Error::last_os_error()).with_context(|| format!("{device} cannot be opened"));
    }
    Ok(file)
}
