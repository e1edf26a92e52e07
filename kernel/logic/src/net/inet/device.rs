//! What the stack needs of a network device that carries Ethernet frames: its driver is the kernel's.

use core::num::NonZeroU16;
use core::task::Waker;

/// What a device does by itself, so that nobody else has to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offloads {
    /// It has looked at the TCP and UDP checksums of the frames it says so of.
    pub receive_checksums: bool,
    /// It fills in the TCP and UDP checksums of frames that ask for it.
    pub send_checksums: bool,
    /// It cuts TCP segments that are too long, over IPv4 and IPv6: bytes of the longest frame it takes then.
    pub segmentation: [Option<u32>; 2],
}

/// A frame that came in.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// From the Ethernet header on.
    pub bytes: &'a [u8],
    /// The device has looked at its checksums, or they were never made.
    pub is_checked: bool,
}

/// What the device has to do to a frame before it goes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Finish {
    /// Fill in the checksum: where the bytes begin that it covers, and where it lies behind that. What is there already is the sum of the
    /// pseudo-header (virtio specification, section 5.1.6.2).
    pub checksum: Option<(u16, u16)>,
    /// Cut its payload into TCP segments of so many bytes; what is in front of that has so many.
    pub segments: Option<(NonZeroU16, u16)>,
    /// It is IPv6 that is cut.
    pub is_v6: bool,
}

/// The frames that go out in one go.
pub trait Frames {
    /// Whether there is room for one more.
    fn has_room(&mut self) -> bool;

    /// Where the next frame's `length` bytes are written. Without room they are lost.
    fn buffer(&mut self, length: usize) -> &mut [u8];

    /// What was written is the frame.
    fn send(&mut self, finish: Finish);
}

/// A network device.
pub trait Device: Send + Sync + core::fmt::Debug {
    /// Its Ethernet address.
    fn address(&self) -> [u8; 6];

    /// Bytes of the longest IP packet.
    fn mtu(&self) -> usize;

    /// What it does by itself.
    fn offloads(&self) -> Offloads;

    /// Whether its cable is in.
    fn is_up(&self) -> bool;

    /// Has `fill` make frames; the device is told of them when it is done.
    fn transmit(&self, fill: &mut dyn FnMut(&mut dyn Frames));

    /// Hands frames that came in to `each`, a bounded number of them. False: there are no more, and `waker` is woken when some come, or when
    /// there is room for frames that go out again.
    fn receive(&self, waker: &Waker, each: &mut dyn FnMut(Received<'_>)) -> bool;
}
