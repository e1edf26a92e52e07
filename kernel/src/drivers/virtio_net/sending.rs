//! The sending side of a pair of queues: frames that wait, those that the device has, and buffers that were used.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use logic::net::inet::device::{Finish, Frame};

use super::super::virtqueue::{Corrupt, Queue};
use super::{Format, HEADER, NEEDS_CHECKSUM};
use crate::arch::paging::physical_of_direct;

/// Frames that wait for room at most.
const MOST_WAITING: usize = 1024;
/// Bytes of buffers that are kept for frames to come.
const MOST_SPARE: usize = 512 << 10;

/// In a header: what is to be cut.
const CUT_TCP_V4: u8 = 1;
const CUT_TCP_V6: u8 = 4;

/// What is to be sent, and what was.
#[derive(Debug)]
pub(super) struct Sending {
    queue: Queue,
    format: Format,
    /// Numbers of buffers that are free, and the frames in the others.
    free: Vec<u16>,
    away: Vec<Option<Frame>>,
    waiting: VecDeque<Frame>,
    /// The device wants to be told of frames, and was not yet.
    pub(super) is_untold: bool,
    /// Frames are being taken in; the device is told of those that go out meanwhile afterwards.
    pub(super) takes_in: bool,
    spare: Vec<Vec<u8>>,
    spare_bytes: usize,
}

impl Sending {
    /// Nothing is to be sent yet.
    pub(super) fn new(queue: Queue, format: Format) -> Self {
        let size = queue.size();
        Self {
            queue,
            format,
            free: (0..size).collect(),
            away: (0..size).map(|_| None).collect(),
            waiting: VecDeque::new(),
            is_untold: false,
            takes_in: false,
            spare: Vec::new(),
            spare_bytes: 0,
        }
    }

    /// Whether frames wait for room.
    pub(super) fn is_full(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether there is room for a long packet, in pieces.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() <= MOST_WAITING / 2
    }

    /// A buffer that was used, if there is one.
    pub(super) fn spare_buffer(&mut self) -> Option<Vec<u8>> {
        let buffer = self.spare.pop()?;
        self.spare_bytes -= buffer.len();
        Some(buffer)
    }

    /// A frame goes out: the device sees it with [`Sending::push`]. Without room it waits; when many do, it is lost.
    pub(super) fn add(&mut self, frame: Frame) -> Result<(), Corrupt> {
        if self.free.is_empty() {
            self.take_back()?;
        }
        // Others go first.
        let number = if self.waiting.is_empty() { self.free.pop() } else { None };
        match number {
            Some(number) => self.offer(number, frame),
            None if self.waiting.len() < MOST_WAITING => self.waiting.push_back(frame),
            None => {}
        }
        Ok(())
    }

    /// Puts a frame where the device finds it.
    fn offer(&mut self, number: u16, mut frame: Frame) {
        let finish = frame.finish;
        let bytes = &mut frame.with_headroom()[HEADER - self.format.header..];
        write_header(&mut bytes[..self.format.header], finish);
        let physical = physical_of_direct(bytes.as_ptr().addr() as u64);
        self.queue.offer(number, (physical, bytes.len() as u32), false);
        self.away[usize::from(number)] = Some(frame);
    }

    /// Shows frames to the device, those that wait too as far as there is room.
    pub(super) fn push(&mut self) -> Result<(), Corrupt> {
        loop {
            self.take_back()?;
            while !self.free.is_empty()
                && let Some(frame) = self.waiting.pop_front()
                && let Some(number) = self.free.pop()
            {
                self.offer(number, frame);
            }
            self.is_untold |= self.queue.publish();
            if self.waiting.is_empty() || !self.queue.want_interrupt() {
                return Ok(());
            }
        }
    }

    /// Takes back the buffers of frames that went out.
    fn take_back(&mut self) -> Result<(), Corrupt> {
        while let Some((number, _)) = self.queue.take()? {
            self.free.push(number);
            let frame = self.away[usize::from(number)].take().ok_or(Corrupt)?;
            let buffer = frame.into_buffer();
            if self.spare_bytes + buffer.len() <= MOST_SPARE {
                self.spare_bytes += buffer.len();
                self.spare.push(buffer);
            }
        }
        Ok(())
    }
}

/// Writes what the device is told of a frame.
fn write_header(bytes: &mut [u8], finish: Finish) {
    let mut header = [0; HEADER];
    if let Some((start, offset)) = finish.checksum {
        header[0] = NEEDS_CHECKSUM;
        header[6..8].copy_from_slice(&start.to_le_bytes());
        header[8..10].copy_from_slice(&offset.to_le_bytes());
    }
    if let Some((size, headers)) = finish.segments {
        header[1] = if finish.is_v6 { CUT_TCP_V6 } else { CUT_TCP_V4 };
        header[2..4].copy_from_slice(&headers.to_le_bytes());
        header[4..6].copy_from_slice(&size.get().to_le_bytes());
    }
    bytes.copy_from_slice(&header[..bytes.len()]);
}
