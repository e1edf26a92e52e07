//! The network device (virtio specification, section 5.1), with one pair of queues.
//!
//! It interrupts when a frame came and nobody was looking, and when there was no room for one that goes out. Buffers of frames that went out are
//! taken back when others go. What the device says is checked; one that speaks nonsense is given up.
//!
//! The device is told of frames at once, unless more are likely to follow: while frames are taken in, and while other threads wait for this CPU that
//! have just been woken. Then who takes frames in tells it, after those threads.
#![expect(unsafe_code, reason = "the device writes buffers while the driver looks away")]

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::slice;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::Waker;

use logic::boot::cmdline::MmioDevice;
use logic::mm::frames::{FRAME, For};
use logic::net::inet::device::{Device, Frame, HEADROOM, Offloads, Received};
use sync::{IrqLock, Lock};
use virtio_drivers::transport::{DeviceStatus, DeviceType, Transport as _};

use crate::arch::apic::{self, Trigger};
use crate::arch::paging::physical_of_direct;
use crate::mm::{Memory, direct_address, frames};

use super::serial::AttachPin;
use super::virtio::{self, Found, Registers, Transport};
use super::virtqueue::{Corrupt, Queue};

mod sending;

use sending::{Sending, write_header};

/// Feature bits (sections 5.1.3, 6 and 6.3).
mod feature {
    pub(super) const CSUM: u64 = 1 << 0;
    pub(super) const GUEST_CSUM: u64 = 1 << 1;
    pub(super) const MTU: u64 = 1 << 3;
    pub(super) const MAC: u64 = 1 << 5;
    pub(super) const GUEST_TSO4: u64 = 1 << 7;
    pub(super) const GUEST_TSO6: u64 = 1 << 8;
    pub(super) const HOST_TSO4: u64 = 1 << 11;
    pub(super) const HOST_TSO6: u64 = 1 << 12;
    pub(super) const MRG_RXBUF: u64 = 1 << 15;
    pub(super) const STATUS: u64 = 1 << 16;
    pub(super) const ANY_LAYOUT: u64 = 1 << 27;
    pub(super) const EVENT_IDX: u64 = 1 << 29;
    pub(super) const VERSION_1: u64 = 1 << 32;
    /// All that the driver knows.
    pub(super) const KNOWN: u64 = CSUM
        | GUEST_CSUM
        | MTU
        | MAC
        | GUEST_TSO4
        | GUEST_TSO6
        | HOST_TSO4
        | HOST_TSO6
        | MRG_RXBUF
        | STATUS
        | ANY_LAYOUT
        | EVENT_IDX
        | VERSION_1;
}

/// Offsets in the device's configuration.
mod config {
    pub(super) const STATUS: usize = 6;
    pub(super) const MTU: usize = 10;
}

const RECEIVE: u16 = 0;
const SEND: u16 = 1;
/// Buffers of a queue.
const QUEUE_SIZE: u16 = 128;
/// Bytes of the header in front of a frame, and without the number of buffers.
const HEADER: usize = HEADROOM;
const SHORT_HEADER: usize = 10;
const ETHERNET: usize = 14;
/// Bytes of a buffer that is received into: a page.
const BUFFER: usize = 4096;
/// Bytes of the longest frame.
const LONGEST: usize = 65_535 + ETHERNET;
/// Frames taken in at a time.
const BATCH: usize = 64;
/// Frames that wait for room at most.
const MOST_WAITING: usize = 1024;
/// What Ethernet's name promises.
const DEFAULT_MTU: usize = 1500;

/// In a header's flags: the checksum is to be made; it is right.
const NEEDS_CHECKSUM: u8 = 1;
const IS_CHECKED: u8 = 2;

/// How the driver gets interrupts.
#[derive(Clone, Copy, Debug)]
pub struct Interrupts {
    /// From a pin.
    pub attach_pin: AttachPin,
    /// A vector of its own.
    pub allocate: fn(Box<dyn Fn() + Send + Sync>) -> Option<u8>,
}

/// What the driver asks of the kernel around it.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings {
    /// Its interrupts.
    pub interrupts: Interrupts,
    /// Fills bytes with random ones.
    pub random: fn(&mut [u8]),
    /// Whether threads that were woken wait for this CPU.
    pub others_wait: fn() -> bool,
}

/// A network device.
#[derive(Debug)]
pub struct VirtioNet {
    address: [u8; 6],
    mtu: usize,
    features: u64,
    bells: [Bell; 2],
    receiving: Lock<Receiving>,
    sending: Lock<Sending>,
    transport: Lock<Transport>,
    waiting: Arc<IrqLock<Option<Waker>>>,
    others_wait: fn() -> bool,
    /// Nothing it says is believed any more.
    is_given_up: AtomicBool,
}

#[derive(Debug)]
struct Receiving {
    queue: Queue,
    /// All buffers, one behind the other.
    buffers: u64,
    /// A frame from several buffers.
    whole: Vec<u8>,
}

/// Buffers that lie one behind the other with a part of a frame in them: all full but the last. The device gives them back in the order they were
/// offered, so most frames are one run, and need not be put together.
#[derive(Clone, Copy)]
struct Run {
    first: u16,
    count: u16,
    bytes: usize,
}

impl Run {
    fn of(number: u16, bytes: &[u8]) -> Self {
        Self { first: number, count: 1, bytes: bytes.len() }
    }

    /// Takes one more buffer in, if it lies behind.
    fn goes_on_with(&mut self, number: u16, bytes: &[u8]) -> bool {
        let is_next = number == self.first + self.count && self.bytes == usize::from(self.count) * BUFFER;
        if is_next {
            self.count += 1;
            self.bytes += bytes.len();
        }
        is_next
    }
}

/// An Ethernet address, for messages.
struct Mac([u8; 6]);

impl core::fmt::Display for Mac {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// Where the device is told of a queue.
#[derive(Clone, Copy, Debug)]
enum Bell {
    Pci(u64, u16),
    Mmio(u64, u16),
}

impl Bell {
    fn ring(self) {
        match self {
            // SAFETY: the register is mapped for ever, and is for writing this number to it.
            Self::Pci(address, queue) => unsafe { (address as *mut u16).write_volatile(queue) },
            // SAFETY: as above.
            Self::Mmio(address, queue) => unsafe { (address as *mut u32).write_volatile(queue.into()) },
        }
    }
}

/// All network devices of the machine. `devices`: those that are not on PCI.
pub fn find_all(devices: &[MmioDevice], memory: &Memory, around: Surroundings) -> Vec<Arc<VirtioNet>> {
    let found = virtio::find_all(DeviceType::Network, devices, memory);
    let open = |found| {
        VirtioNet::open(found, around)
            .inspect_err(|problem| log::error!("virtio network device: {problem}; it is not used"))
            .ok()
    };
    found.into_iter().filter_map(open).collect()
}

/// Says which features there are, and takes those of them that the driver knows.
fn agree(transport: &mut Transport) -> Result<u64, &'static str> {
    transport.set_status(DeviceStatus::empty());
    let mut status = DeviceStatus::ACKNOWLEDGE | DeviceStatus::DRIVER;
    transport.set_status(status);
    let mut features = transport.read_device_features() & feature::KNOWN;
    if features & (feature::ANY_LAYOUT | feature::VERSION_1) == 0 {
        return Err("it wants headers apart from frames");
    }
    if features & feature::CSUM == 0 {
        features &= !(feature::HOST_TSO4 | feature::HOST_TSO6);
    }
    if features & feature::GUEST_CSUM == 0 || features & feature::MRG_RXBUF == 0 {
        features &= !(feature::GUEST_TSO4 | feature::GUEST_TSO6);
    }
    transport.write_driver_features(features);
    status |= DeviceStatus::FEATURES_OK;
    transport.set_status(status);
    let is_modern = features & feature::VERSION_1 != 0;
    if is_modern && !transport.get_status().contains(DeviceStatus::FEATURES_OK) {
        return Err("it does not accept what it offers");
    }
    transport.set_guest_page_size(FRAME as u32);
    Ok(features)
}

impl VirtioNet {
    fn open(found: Found, around: Surroundings) -> Result<Arc<Self>, &'static str> {
        const NO_MEMORY: &str = "no memory";
        let Found { mut transport, mut registers } = found;
        let features = agree(&mut transport)?;
        let has = |bit| features & bit != 0;
        let address = own_address(&transport, has(feature::MAC), around.random)?;
        let mtu = if has(feature::MTU) { transport.read_config_space::<u16>(config::MTU).ok() } else { None };
        let mtu = mtu.map(usize::from).filter(|mtu| *mtu >= 68).unwrap_or(DEFAULT_MTU);
        // Without merging, a frame must fit into one buffer.
        let mtu = if has(feature::MRG_RXBUF) { mtu } else { mtu.min(BUFFER - HEADER - ETHERNET) };
        let waiting = Arc::new(IrqLock::new(None));
        attach(&mut registers, around.interrupts, &waiting)?;
        let mut queue = |index| Queue::new(&mut transport, index, QUEUE_SIZE, has(feature::EVENT_IDX));
        let (receiving, sending) = (queue(RECEIVE).ok_or(NO_MEMORY)?, queue(SEND).ok_or(NO_MEMORY)?);
        let bell = |index| match &registers {
            Registers::Pci(registers) => registers.bell(index).map(|address| Bell::Pci(address, index)),
            Registers::Mmio { address, .. } => Some(Bell::Mmio(address + mmio::NOTIFY, index)),
        };
        let (Some(first), Some(second)) = (bell(RECEIVE), bell(SEND)) else {
            return Err("it cannot be told of anything");
        };
        transport.set_status(
            DeviceStatus::ACKNOWLEDGE
                | DeviceStatus::DRIVER
                | DeviceStatus::FEATURES_OK
                | DeviceStatus::DRIVER_OK,
        );
        let device = Self {
            address,
            mtu,
            features,
            bells: [first, second],
            receiving: Lock::new(Receiving::new(receiving).ok_or(NO_MEMORY)?),
            sending: Lock::new(Sending::new(sending)),
            transport: Lock::new(transport),
            waiting,
            others_wait: around.others_wait,
            is_given_up: AtomicBool::new(false),
        };
        if device.receiving.lock().queue.publish() {
            device.bells[usize::from(RECEIVE)].ring();
        }
        log::info!("virtio network device {}: MTU {mtu}, features {features:#x}", Mac(address));
        Ok(Arc::new(device))
    }

    fn has(&self, feature: u64) -> bool {
        self.features & feature != 0
    }

    /// It has said what cannot be.
    fn give_up(&self) {
        if !self.is_given_up.swap(true, Ordering::Relaxed) {
            let mac = Mac(self.address);
            log::error!("virtio network device {mac}: its queue makes no sense; it is not used any more");
        }
    }

    fn is_given_up(&self) -> bool {
        self.is_given_up.load(Ordering::Relaxed)
    }

    /// Takes in one frame. False: there is none.
    fn take_in(
        &self,
        receiving: &mut Receiving,
        each: &mut dyn FnMut(Received<'_>),
    ) -> Result<bool, Corrupt> {
        let Some((first, length)) = receiving.queue.take()? else { return Ok(false) };
        let is_merged = self.has(feature::MRG_RXBUF);
        let header = if is_merged || self.has(feature::VERSION_1) { HEADER } else { SHORT_HEADER };
        let bytes = receiving.bytes(first, length);
        let Some((head, frame)) = bytes.split_at_checked(header) else {
            receiving.offer(first);
            return Ok(true);
        };
        let count = if is_merged { u16::from_le_bytes([head[10], head[11]]) } else { 1 };
        let checked = NEEDS_CHECKSUM | IS_CHECKED;
        let is_checked = self.has(feature::GUEST_CSUM) && head[0] & checked != 0;
        if count == 1 {
            each(Received { bytes: frame, is_checked });
            receiving.offer(first);
            return Ok(true);
        }
        let mut whole = core::mem::take(&mut receiving.whole);
        whole.clear();
        let (mut run, mut room) = (Run::of(first, bytes), (LONGEST + header).checked_sub(bytes.len()));
        // They come all at once.
        for _ in 1..count {
            let (number, length) = receiving.queue.take()?.ok_or(Corrupt)?;
            let bytes = receiving.bytes(number, length);
            room = room.and_then(|room| room.checked_sub(bytes.len()));
            if room.is_none() {
                return Err(Corrupt);
            }
            if !run.goes_on_with(number, bytes) {
                whole.extend_from_slice(receiving.run(run));
                receiving.offer_run(run);
                run = Run::of(number, bytes);
            }
        }
        let rest = receiving.run(run);
        if whole.is_empty() && count > 0 {
            each(Received { bytes: &rest[header..], is_checked });
        } else if count > 0 {
            whole.extend_from_slice(rest);
            each(Received { bytes: &whole[header..], is_checked });
        }
        receiving.offer_run(run);
        receiving.whole = whole;
        Ok(true)
    }

    /// Takes in frames; false when there are no more.
    fn take_batch(
        &self,
        receiving: &mut Receiving,
        each: &mut dyn FnMut(Received<'_>),
    ) -> Result<bool, Corrupt> {
        for _ in 0..BATCH {
            if !self.take_in(receiving, each)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Tells the device of frames, if it is to be told.
    fn tell(&self, sending: &mut Sending) {
        if core::mem::take(&mut sending.is_untold) {
            self.bells[usize::from(SEND)].ring();
        }
    }

    /// Tells it, or has who takes frames in do so soon.
    fn tell_soon(&self, sending: &mut Sending) {
        if !sending.is_untold {
            return;
        }
        if sending.waiting.is_empty() && (self.others_wait)() {
            wake(&self.waiting);
        } else {
            self.tell(sending);
        }
    }

    /// Hands frames that wait to the device, as far as there is room.
    fn push(&self, sending: &mut Sending) -> Result<(), Corrupt> {
        let has_short_header = !self.has(feature::MRG_RXBUF) && !self.has(feature::VERSION_1);
        let skipped = if has_short_header { HEADER - SHORT_HEADER } else { 0 };
        loop {
            sending.take_back()?;
            while let Some(&number) = sending.free.last()
                && let Some(mut frame) = sending.waiting.pop_front()
            {
                sending.free.pop();
                let finish = frame.finish;
                let bytes = &mut frame.with_headroom()[skipped..];
                write_header(bytes, finish, has_short_header);
                let physical = physical_of_direct(bytes.as_ptr().addr() as u64);
                sending.queue.offer(number, (physical, bytes.len() as u32), false);
                sending.away[usize::from(number)] = Some(frame);
            }
            sending.is_untold |= sending.queue.publish();
            if sending.waiting.is_empty() || !sending.queue.want_interrupt() {
                return Ok(());
            }
        }
    }
}

impl Device for VirtioNet {
    fn address(&self) -> [u8; 6] {
        self.address
    }

    fn mtu(&self) -> usize {
        self.mtu
    }

    fn offloads(&self) -> Offloads {
        Offloads {
            checksums: self.has(feature::CSUM),
            segmentation: [self.has(feature::HOST_TSO4), self.has(feature::HOST_TSO6)],
        }
    }

    fn is_up(&self) -> bool {
        const UP: u16 = 1;
        let status = || self.transport.lock().read_config_space::<u16>(config::STATUS);
        !self.has(feature::STATUS) || status().is_ok_and(|status| status & UP != 0)
    }

    fn has_room(&self) -> bool {
        self.sending.lock().waiting.len() < MOST_WAITING
    }

    fn buffer(&self) -> Vec<u8> {
        let mut sending = self.sending.lock();
        match sending.spare.pop() {
            Some(buffer) => {
                sending.spare_bytes -= buffer.len();
                buffer
            }
            None => alloc::vec![0; HEADROOM + ETHERNET + self.mtu],
        }
    }

    fn send(&self, frames: &mut [Frame]) {
        if self.is_given_up() {
            return;
        }
        let mut sending = self.sending.lock();
        let room = MOST_WAITING.saturating_sub(sending.waiting.len());
        sending.waiting.extend(frames.iter_mut().take(room).map(core::mem::take));
        // Who takes frames in hands them over, all at once.
        if sending.takes_in {
            return;
        }
        if self.push(&mut sending).is_err() {
            self.give_up();
        }
        self.tell_soon(&mut sending);
    }

    fn receive(&self, waker: &Waker, each: &mut dyn FnMut(Received<'_>), then: &mut dyn FnMut()) -> bool {
        if self.is_given_up() {
            return false;
        }
        let mut receiving = self.receiving.lock();
        *self.waiting.lock() = None;
        self.sending.lock().takes_in = true;
        let taken = self.take_batch(&mut receiving, each);
        then();
        if receiving.queue.publish() {
            self.bells[usize::from(RECEIVE)].ring();
        }
        // Before the last look at what is to be sent, so that who comes later wakes it.
        *self.waiting.lock() = Some(waker.clone());
        {
            let mut sending = self.sending.lock();
            sending.takes_in = false;
            if !sending.waiting.is_empty() && self.push(&mut sending).is_err() {
                self.give_up();
            }
            self.tell(&mut sending);
        }
        match taken {
            Ok(more) => more || receiving.queue.want_interrupt(),
            Err(Corrupt) => {
                self.give_up();
                false
            }
        }
    }
}

/// The device's address, or one that nobody has.
fn own_address(transport: &Transport, has_one: bool, random: fn(&mut [u8])) -> Result<[u8; 6], &'static str> {
    let mut address = [0; 6];
    if has_one {
        for (index, byte) in address.iter_mut().enumerate() {
            *byte = transport.read_config_space(index).map_err(|_| "it has no configuration")?;
        }
    } else {
        random(&mut address);
        // Locally administered, for one.
        address[0] = address[0] & 0xfc | 2;
    }
    if address[0] & 1 != 0 { Err("its address is for many") } else { Ok(address) }
}

/// Registers of a device in memory (section 4.2.2).
mod mmio {
    pub(super) const NOTIFY: u64 = 0x50;
    pub(super) const INTERRUPT_STATUS: u64 = 0x60;
    pub(super) const INTERRUPT_ACKNOWLEDGE: u64 = 0x64;
}

/// Wakes who looks after the device, at its interrupt.
fn wake(waiting: &IrqLock<Option<Waker>>) {
    let waker = waiting.lock().take();
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Has who waits woken at the device's interrupts.
fn attach(
    registers: &mut Registers,
    interrupts: Interrupts,
    waiting: &Arc<IrqLock<Option<Waker>>>,
) -> Result<(), &'static str> {
    const NO_INTERRUPT: &str = "it cannot interrupt";
    let waiting = Arc::clone(waiting);
    match registers {
        Registers::Mmio { address, irq } => {
            let address = *address;
            let handler = move || {
                // SAFETY: the register is mapped for ever; reading it changes nothing.
                let status = unsafe { ((address + mmio::INTERRUPT_STATUS) as *const u32).read_volatile() };
                // SAFETY: this acknowledges what was read and does nothing else.
                unsafe { ((address + mmio::INTERRUPT_ACKNOWLEDGE) as *mut u32).write_volatile(status) };
                wake(&waiting);
            };
            let is_attached = (interrupts.attach_pin)(*irq, Trigger::Edge, Box::new(handler));
            is_attached.then_some(()).ok_or(NO_INTERRUPT)
        }
        Registers::Pci(registers) => {
            let vector = registers
                .has_messages()
                .then(|| (interrupts.allocate)(Box::new(move || wake(&waiting))))
                .flatten()
                .ok_or(NO_INTERRUPT)?;
            registers.interrupt_by(apic::message(vector), 2).then_some(()).ok_or(NO_INTERRUPT)
        }
    }
}

impl Receiving {
    /// All buffers are offered.
    fn new(queue: Queue) -> Option<Self> {
        let bytes = u64::from(queue.size()) * BUFFER as u64;
        let physical = frames::allocate_contiguous(bytes.div_ceil(FRAME), For::Kernel)?;
        frames::zero(physical, bytes.next_multiple_of(FRAME));
        let size = queue.size();
        let mut receiving = Self { queue, buffers: direct_address(physical), whole: Vec::new() };
        (0..size).for_each(|number| receiving.offer(number));
        Some(receiving)
    }

    fn at(&self, number: u16) -> u64 {
        self.buffers + u64::from(number) * BUFFER as u64
    }

    fn offer(&mut self, number: u16) {
        let physical = physical_of_direct(self.at(number));
        self.queue.offer(number, (physical, BUFFER as u32), true);
    }

    fn offer_run(&mut self, run: Run) {
        (run.first..run.first + run.count).for_each(|number| self.offer(number));
    }

    /// What the device has written into buffer `number`, which it has given back.
    fn bytes(&self, number: u16, length: u32) -> &'static [u8] {
        self.run(Run { first: number, count: 1, bytes: (length as usize).min(BUFFER) })
    }

    /// What it has written into the buffers of `run`.
    fn run(&self, run: Run) -> &'static [u8] {
        // SAFETY: the queue hands out numbers below its size, once for each time they were offered; the buffers stay for ever, and these are
        // not offered again before their bytes have been looked at.
        unsafe { slice::from_raw_parts(self.at(run.first) as *const u8, run.bytes) }
    }
}
