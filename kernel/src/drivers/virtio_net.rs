//! The network device (virtio specification, section 5.1), with a pair of queues for each CPU if it has so many.
//!
//! It interrupts when a frame came and nobody was looking, and when there was no room for one that goes out. Buffers of frames that went out are
//! taken back when others go. What the device says is checked; one that speaks nonsense is given up.
#![expect(unsafe_code, reason = "device registers")]

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::Waker;

use logic::boot::cmdline::MmioDevice;
use logic::mm::frames::FRAME;
use logic::net::inet::device::{Device, ETHERNET, Frame, HEADROOM, Offloads, Received};
use sync::Lock;
use virtio_drivers::transport::{DeviceStatus, DeviceType, Transport as _};

use crate::arch::apic::{self, Trigger};
use crate::arch::smp;
use crate::mm::Memory;

use super::serial::AttachPin;
use super::virtio::{self, Found, Registers, Transport};
use super::virtqueue::Corrupt;

mod control;
mod pair;
mod receiving;
mod sending;

use control::Control;
use pair::{Pair, Waiting};

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
    pub(super) const CTRL_VQ: u64 = 1 << 17;
    pub(super) const MQ: u64 = 1 << 22;
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
        | CTRL_VQ
        | MQ
        | ANY_LAYOUT
        | EVENT_IDX
        | VERSION_1;
}

/// Offsets in the device's configuration.
mod config {
    pub(super) const STATUS: usize = 6;
    pub(super) const MAX_VIRTQUEUE_PAIRS: usize = 8;
    pub(super) const MTU: usize = 10;
}

/// Bytes of the header in front of a frame, and without the number of buffers.
const HEADER: usize = HEADROOM;
const SHORT_HEADER: usize = 10;
/// What Ethernet's name promises.
const DEFAULT_MTU: usize = 1500;

/// In a header's flags: the checksum is to be made.
const NEEDS_CHECKSUM: u8 = 1;

/// How frames lie in buffers.
#[derive(Clone, Copy, Debug)]
struct Format {
    /// Bytes of the header.
    header: usize,
    /// A frame may come in several buffers.
    is_merged: bool,
    /// The device says of frames that come in whether it has looked at their checksum.
    says_checked: bool,
}

impl Format {
    fn of(features: u64) -> Self {
        let has = |bit| features & bit != 0;
        let is_merged = has(feature::MRG_RXBUF);
        let header = if is_merged || has(feature::VERSION_1) { HEADER } else { SHORT_HEADER };
        Self { header, is_merged, says_checked: has(feature::GUEST_CSUM) }
    }
}

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
    /// Monotonic nanoseconds.
    pub now: fn() -> u64,
    /// Whether threads that were woken wait for this CPU.
    pub others_wait: fn() -> bool,
}

/// A network device.
#[derive(Debug)]
pub struct VirtioNet {
    address: [u8; 6],
    mtu: usize,
    features: u64,
    pairs: Vec<Pair>,
    transport: Lock<Transport>,
    /// It stays for the device.
    _control: Option<Control>,
    others_wait: fn() -> bool,
    /// Nothing it says is believed any more.
    is_given_up: AtomicBool,
}

/// An Ethernet address, for messages.
struct Mac([u8; 6]);

impl core::fmt::Display for Mac {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
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
    if features & feature::CTRL_VQ == 0 || smp::online() == 1 {
        features &= !(feature::CTRL_VQ | feature::MQ);
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
        let Found { mut transport, mut registers } = found;
        let features = agree(&mut transport)?;
        let has = |bit| features & bit != 0;
        let address = own_address(&transport, has(feature::MAC), around.random)?;
        let mtu = if has(feature::MTU) { transport.read_config_space::<u16>(config::MTU).ok() } else { None };
        let mtu = mtu.map(usize::from).filter(|mtu| *mtu >= 68).unwrap_or(DEFAULT_MTU);
        // Without merging, a frame must fit into one buffer.
        let mtu = if has(feature::MRG_RXBUF) { mtu } else { mtu.min(receiving::BUFFER - HEADER - ETHERNET) };
        // The control queue is behind all of them.
        let most = if has(feature::MQ) {
            transport.read_config_space::<u16>(config::MAX_VIRTQUEUE_PAIRS).unwrap_or(1)
        } else {
            1
        };
        let wanted = usize::from(most).clamp(1, smp::online());
        let has_event_index = has(feature::EVENT_IDX);
        let mut pairs = Vec::new();
        for (number, waiting) in (0..).zip(attach(&mut registers, around.interrupts, wanted)?) {
            let of = (&mut transport, &registers);
            let Some(pair) = Pair::open(number, of, Format::of(features), has_event_index, &waiting) else {
                break;
            };
            pairs.push(pair);
        }
        if pairs.is_empty() {
            return Err("no memory, or it cannot be told of anything");
        }
        let mut control = match 2_u16.checked_mul(most) {
            Some(index) if pairs.len() > 1 => Control::open(&mut transport, index, has_event_index),
            _ => None,
        };
        transport.set_status(
            DeviceStatus::ACKNOWLEDGE
                | DeviceStatus::DRIVER
                | DeviceStatus::FEATURES_OK
                | DeviceStatus::DRIVER_OK,
        );
        let count = pairs.len();
        let uses = |control: &mut Control| control.use_pairs(&mut transport, count as u16, around.now);
        if count > 1 && !control.as_mut().is_some_and(uses) {
            log::warn!("virtio network device: it does not use {count} pairs of queues, but one");
            pairs.truncate(1);
        }
        pairs.iter().for_each(Pair::begin);
        let device = Self {
            address,
            mtu,
            features,
            pairs,
            transport: Lock::new(transport),
            _control: control,
            others_wait: around.others_wait,
            is_given_up: AtomicBool::new(false),
        };
        let (mac, count) = (Mac(address), device.pairs.len());
        log::info!("virtio network device {mac}: MTU {mtu}, features {features:#x}, queue pairs: {count}");
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

    fn pairs(&self) -> usize {
        self.pairs.len()
    }

    fn has_room(&self, pair: usize) -> bool {
        self.pairs[pair].has_room()
    }

    fn buffer(&self, pair: usize) -> Vec<u8> {
        let used = self.pairs[pair].buffer();
        used.unwrap_or_else(|| alloc::vec![0; HEADROOM + ETHERNET + self.mtu])
    }

    fn send(&self, pair: usize, frames: &mut [Frame]) {
        if !self.is_given_up() && self.pairs[pair].send(frames, self.others_wait).is_err() {
            self.give_up();
        }
    }

    fn receive(
        &self,
        pair: usize,
        waker: &Waker,
        each: &mut dyn FnMut(Received<'_>),
        then: &mut dyn FnMut(),
    ) -> bool {
        if self.is_given_up() {
            return false;
        }
        self.pairs[pair].receive(waker, each, then).unwrap_or_else(|Corrupt| {
            self.give_up();
            false
        })
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

/// Has who looks after a pair of queues woken at the device's interrupts, for at most `most` pairs.
fn attach(
    registers: &mut Registers,
    interrupts: Interrupts,
    most: usize,
) -> Result<Vec<Arc<Waiting>>, &'static str> {
    const NO_INTERRUPT: &str = "it cannot interrupt";
    match registers {
        Registers::Mmio { address, irq } => {
            let address = *address;
            let all: Vec<Arc<Waiting>> = (0..most).map(|_| Arc::default()).collect();
            let woken = all.clone();
            let handler = move || {
                // SAFETY: the register is mapped for ever; reading it changes nothing.
                let status = unsafe { ((address + mmio::INTERRUPT_STATUS) as *const u32).read_volatile() };
                // SAFETY: this acknowledges what was read and does nothing else.
                unsafe { ((address + mmio::INTERRUPT_ACKNOWLEDGE) as *mut u32).write_volatile(status) };
                woken.iter().for_each(|waiting| waiting.wake());
            };
            let is_attached = (interrupts.attach_pin)(*irq, Trigger::Edge, Box::new(handler));
            is_attached.then_some(all).ok_or(NO_INTERRUPT)
        }
        Registers::Pci(registers) => {
            let (mut all, mut messages) = (Vec::new(), Vec::new());
            for cpu in 0..most.min(registers.messages()) {
                let waiting: Arc<Waiting> = Arc::default();
                let woken = Arc::clone(&waiting);
                let Some(vector) = (interrupts.allocate)(Box::new(move || woken.wake())) else { break };
                messages.push(apic::message(vector, cpu));
                all.push(waiting);
            }
            // Both queues of a pair interrupt by its message.
            let is_attached = !messages.is_empty() && registers.interrupt_by(&messages, 2);
            is_attached.then_some(all).ok_or(NO_INTERRUPT)
        }
    }
}
