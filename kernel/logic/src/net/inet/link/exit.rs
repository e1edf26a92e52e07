//! A link's way out to one neighbour: packets become frames, which go out together.

use core::hash::BuildHasher as _;
use core::net::IpAddr;
use core::num::NonZeroU16;

use foldhash::fast::FixedState;
use smoltcp::wire::EthernetProtocol;

use super::super::device::Frame;
use super::super::finish;
use super::super::outlet::{Capabilities, Cut, Outlet};
use super::super::packet::Ends;
use super::super::segments::Segments;
use super::{ETHERNET, EVERYBODY, Link};

impl Link {
    /// Its way out to `neighbour`, for packets between `ends`. These go by the same queue always: they stay in order.
    pub(in super::super) fn outlet(&self, neighbour: IpAddr, ends: &Ends) -> Exit<'_> {
        let of_many = || FixedState::default().hash_one(ends) % self.pairs as u64;
        let pair = if self.pairs > 1 { usize::try_from(of_many()).unwrap_or(0) } else { 0 };
        Exit { link: self, neighbour, pair, frame: Frame::default(), frames: heapless::Vec::new() }
    }
}

/// Frames that an [`Exit`] keeps.
const TOGETHER: usize = 8;

/// A link's way out to one neighbour. What was written goes out when it is dropped, or there are many, all at once.
pub(in super::super) struct Exit<'a> {
    link: &'a Link,
    neighbour: IpAddr,
    pair: usize,
    frame: Frame,
    frames: heapless::Vec<Frame, TOGETHER>,
}

impl Exit<'_> {
    fn flush(&mut self) {
        if !self.frames.is_empty() {
            self.link.send_to(self.neighbour, self.pair, &mut self.frames);
            self.frames.clear();
        }
    }

    /// Whether segments that are too long are the device's matter.
    fn device_cuts(&self) -> bool {
        self.link.device.offloads().cuts(self.neighbour.is_ipv6())
    }

    fn push(&mut self, frame: Frame) {
        if let Err(frame) = self.frames.push(frame) {
            self.flush();
            // There is room now.
            let _ = self.frames.push(frame);
        }
    }

    /// Sends a frame in segments of at most `size` bytes.
    fn send_cut(&mut self, frame: Frame, size: NonZeroU16) {
        let offloads = self.link.device.offloads();
        let segments = Segments::of(frame.bytes(), size);
        for segment in segments.iter().flat_map(Segments::pieces) {
            let mut frame = Frame::new(self.link.device.buffer(self.pair), segment.length());
            frame.finish = segment.write(frame.bytes_mut(), offloads);
            self.push(frame);
        }
        let (buffer, mut kept) = (frame.into_buffer(), self.link.long.lock());
        if buffer.len() > kept.len() {
            *kept = buffer;
        }
    }
}

impl Outlet for Exit<'_> {
    fn capabilities(&self) -> &Capabilities {
        &self.link.capabilities
    }

    fn has_room(&mut self) -> bool {
        self.link.device.has_room(self.pair)
    }

    fn buffer(&mut self, length: usize) -> &mut [u8] {
        let protocol = if self.neighbour.is_ipv4() { EthernetProtocol::Ipv4 } else { EthernetProtocol::Ipv6 };
        let is_long = length > self.capabilities().mtu() && !self.device_cuts();
        let buffer = if is_long {
            core::mem::take(&mut *self.link.long.lock())
        } else {
            self.link.device.buffer(self.pair)
        };
        self.frame = self.link.frame_in(buffer, length, EVERYBODY, protocol);
        &mut self.frame.bytes_mut()[ETHERNET..]
    }

    fn send(&mut self, cut: Cut) {
        let mut frame = core::mem::take(&mut self.frame);
        match cut.segment {
            Some(size) if !self.device_cuts() => self.send_cut(frame, size),
            _ => {
                frame.finish =
                    finish::of(&mut frame.bytes_mut()[ETHERNET..], cut, self.link.device.offloads());
                self.push(frame);
            }
        }
    }
}

impl Drop for Exit<'_> {
    fn drop(&mut self) {
        self.flush();
    }
}
