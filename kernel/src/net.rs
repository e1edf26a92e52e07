//! The network: the stack, its links, the thread that does what is due in it, and one more for each further pair of queues that a device has. All are made for the program's first socket of the Internet families: without
//! one nothing of this costs anything.

use alloc::borrow::ToOwned as _;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::Waker;

use abi::errno::Errno;
use logic::boot::cmdline::Options;
use logic::net::inet::rings::Rings;
use logic::net::inet::stack::{Stack, Surroundings};
use sync::{Lock, Once};
use zerocopy::IntoBytes as _;

use crate::drivers::virtio_net::{self, Interrupts};
use crate::mm::{self, Memory};
use crate::system::HOST_NAME;
use crate::task::{self, Task};
use crate::{irq, rng, time};

/// The stack and who serves it.
#[derive(Debug)]
struct Net {
    stack: Arc<Stack>,
    /// The first serving thread, while it sleeps.
    server: Lock<Option<Waker>>,
}

static NET: Once<Net> = Once::new();
/// Held by who makes it.
static MAKING: Lock<()> = Lock::new(());
/// Random numbers in store, and how many of them are left: to ask for many costs little more than to ask for one.
static NUMBERS: Lock<([u64; STORED], usize)> = Lock::new(([0; STORED], 0));
const STORED: usize = 64;

/// The machine's network.
///
/// # Errors
/// `ENOMEM` when there is no memory for its thread.
pub fn stack(memory: &'static Memory, options: &Options) -> Result<&'static Arc<Stack>, Errno> {
    if NET.get().is_none() {
        let _guard = MAKING.lock();
        if NET.get().is_none() {
            let server = create_thread(memory, 0, serve)?;
            let stack = Stack::new(Surroundings { now: time::now, random, rings, hurry });
            let around = virtio_net::Surroundings {
                interrupts: Interrupts { attach_pin: irq::attach_pin, allocate: irq::allocate },
                random: rng::fill,
                now: time::now,
                others_wait: task::woken_wait,
            };
            let devices = virtio_net::find_all(&options.virtio_mmio, memory, around);
            for (index, device) in devices.into_iter().enumerate() {
                let (setting, setting_v6) =
                    (options.network.setting(index), options.network.setting_v6(index));
                stack.add_link(device, setting, &setting_v6);
            }
            let pairs = stack.links().iter().map(|link| link.pairs()).max().unwrap_or(1);
            let others = (1..pairs).map(|pair| create_thread(memory, pair, serve_pair));
            let others = others.collect::<Result<Vec<_>, _>>()?;
            NET.set(Net { stack, server: Lock::new(None) });
            task::start(server);
            others.into_iter().for_each(task::start);
        }
    }
    NET.get().map(|net| &net.stack).ok_or(Errno::ENOMEM)
}

/// What the machine is called: what the command line says, else what a link was told, else what the system calls itself.
pub fn host_name(options: &Options) -> String {
    let told = || NET.get().and_then(|net| net.stack.links().iter().find_map(|link| link.host_name()));
    options.network.hostname.clone().or_else(told).unwrap_or_else(|| HOST_NAME.into())
}

/// A number that nobody can guess, and that nobody finds here afterwards.
fn random() -> u64 {
    let (numbers, left) = &mut *NUMBERS.lock();
    if *left == 0 {
        rng::fill(numbers.as_mut_bytes());
        *left = STORED;
    }
    *left -= 1;
    core::mem::take(&mut numbers[*left])
}

fn rings() -> Result<Box<dyn Rings>, Errno> {
    mm::rings::open(Memory::try_get().ok_or(Errno::ENOBUFS)?)
}

/// Something is due sooner than the serving thread was told.
fn hurry() {
    if let Some(net) = NET.get() {
        let server = net.server.lock().take();
        if let Some(server) = server {
            server.wake();
        }
    }
}

/// A thread that looks after `pair` of all devices.
fn create_thread(
    memory: &'static Memory,
    pair: usize,
    serve: extern "C" fn(u64) -> !,
) -> Result<Arc<Task>, Errno> {
    let name = if pair == 0 { "net".to_owned() } else { format!("net/{pair}") };
    task::create_kernel_thread(memory, &name, serve, pair as u64).map_err(|_| Errno::ENOMEM)
}

/// Takes in what comes by a further pair of queues, for ever.
extern "C" fn serve_pair(pair: u64) -> ! {
    task::begin();
    let net = NET.get().expect("it was there before this thread ran");
    loop {
        let _ = task::wait::block_again_on(false, None, |waker| {
            if net.stack.serve_links(pair as usize, waker) { Ok(()) } else { Err(Errno::EAGAIN) }
        });
    }
}

/// Takes in what comes by the first pair, and does what is due, for ever.
extern "C" fn serve(_: u64) -> ! {
    task::begin();
    let net = NET.get().expect("it was there before this thread ran");
    // When this thread is woken in any case; an alarm that came too soon is left to go off.
    let mut alarm = u64::MAX;
    loop {
        let mut due = u64::MAX;
        // The only end of this wait is that there is something to do.
        let _ = task::wait::block_again_on(false, None, |waker| {
            *net.server.lock() = Some(waker.clone());
            let more = net.stack.serve_links(0, waker);
            due = net.stack.next_deadline().unwrap_or(u64::MAX);
            if due < alarm {
                alarm = due;
                task::set_alarm(due, waker.clone());
            }
            if more || due <= time::now() { Ok(()) } else { Err(Errno::EAGAIN) }
        });
        let now = time::now();
        if alarm <= now {
            alarm = u64::MAX;
        }
        if due <= now {
            net.stack.tick();
        }
    }
}
