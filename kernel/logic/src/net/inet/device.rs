//! What the stack needs of a network device that carries Ethernet frames: its driver is the kernel's.

use alloc::vec::Vec;
use core::num::NonZeroU16;
use core::task::Waker;

/// Bytes in front of a frame that goes out, for what the device wants to be told of it.
pub const HEADROOM: usize = 12;

/// Bytes of an Ethernet header.
pub const ETHERNET: usize = 14;

/// What a device does by itself, so that nobody else has to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offloads {
    /// It fills in the TCP and UDP checksums of frames that ask for it.
    pub checksums: bool,
    /// It cuts TCP segments that are too long, over IPv4 and over IPv6, if it fills in checksums too.
    pub segmentation: [bool; 2],
}

impl Offloads {
    /// Whether it cuts TCP segments over IPv6, or IPv4.
    pub(super) fn cuts(self, is_v6: bool) -> bool {
        self.checksums && self.segmentation[usize::from(is_v6)]
    }
}

/// A frame that came in.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// From the Ethernet header on.
    pub bytes: &'a [u8],
    /// The device has looked at its TCP or UDP checksum, or it was never made.
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

/// A frame that goes out, in a buffer that may be longer and is used again.
#[derive(Debug, Default)]
pub struct Frame {
    /// Headroom, the frame, anything.
    buffer: Vec<u8>,
    length: usize,
    /// What is left to do.
    pub finish: Finish,
}

impl Frame {
    /// A frame of `length` bytes in `buffer`. What is in it is not cleared.
    pub fn new(mut buffer: Vec<u8>, length: usize) -> Self {
        let whole = HEADROOM + length;
        if buffer.len() < whole {
            buffer.resize(whole, 0);
        }
        Self { buffer, length, finish: Finish::default() }
    }

    /// The frame.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[HEADROOM..HEADROOM + self.length]
    }

    /// The frame, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[HEADROOM..HEADROOM + self.length]
    }

    /// The headroom and the frame.
    pub fn with_headroom(&mut self) -> &mut [u8] {
        &mut self.buffer[..HEADROOM + self.length]
    }

    /// The buffer, for another frame.
    pub fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }
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

    /// How many pairs of queues it has, one of them for frames that come in and the other for those that go out: several CPUs can use one each.
    fn pairs(&self) -> usize;

    /// Whether `pair` takes another long packet: some hundred frames.
    fn has_room(&self, pair: usize) -> bool;

    /// A buffer for [`Frame::new`]: one that `pair` has used, if there is one.
    fn buffer(&self, pair: usize) -> Vec<u8>;

    /// Takes what is in `frames` and sends it in this order by `pair`; that for which there is no room is lost. The device is told at most once.
    fn send(&self, pair: usize, frames: &mut [Frame]);

    /// Hands frames that came in by `pair` to `each`, a bounded number of them, and does `then`; the device is told of all frames that go out by it meanwhile
    /// at once. False: there are no more, and `waker` is woken when some come. One thread at a time may ask for a pair.
    fn receive(
        &self,
        pair: usize,
        waker: &Waker,
        each: &mut dyn FnMut(Received<'_>),
        then: &mut dyn FnMut(),
    ) -> bool;
}
