//! The network: the stack, its links, and the thread that does what is due in it. All are made for the program's first socket of the Internet families: without
//! one nothing of this costs anything.

use alloc::sync::Arc;
use core::task::Waker;

use abi::errno::Errno;
use logic::boot::cmdline::Options;
use logic::net::inet::stack::{Stack, Surroundings};
use sync::{Lock, Once};
use zerocopy::IntoBytes as _;

use crate::drivers::virtio_net::{self, Interrupts};
use crate::mm::Memory;
use crate::{irq, rng, task, time};

/// The stack and who serves it.
#[derive(Debug)]
struct Net {
    stack: Arc<Stack>,
    /// The serving thread, while it sleeps.
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
            let server = task::create_kernel_thread(memory, "net", serve).map_err(|_| Errno::ENOMEM)?;
            let stack = Stack::new(Surroundings { now: time::now, random, hurry });
            let interrupts = Interrupts { attach_pin: irq::attach_pin, allocate: irq::allocate };
            let devices = virtio_net::find_all(&options.virtio_mmio, memory, interrupts, rng::fill);
            for (index, device) in devices.into_iter().enumerate() {
                stack.add_link(device, options.network.setting(index));
            }
            NET.set(Net { stack, server: Lock::new(None) });
            task::start(server);
        }
    }
    NET.get().map(|net| &net.stack).ok_or(Errno::ENOMEM)
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

/// Something is due sooner than the serving thread was told.
fn hurry() {
    if let Some(net) = NET.get() {
        let server = net.server.lock().take();
        if let Some(server) = server {
            server.wake();
        }
    }
}

/// Does what is due, for ever.
extern "C" fn serve(_: u64) -> ! {
    task::begin();
    let net = NET.get().expect("it was there before this thread ran");
    loop {
        net.stack.tick();
        let deadline = net.stack.next_deadline();
        // The only end of this wait is that there is something to do.
        let _ = task::wait::block_on(false, deadline, |waker| {
            let Some(waker) = waker else { return Err(Errno::EAGAIN) };
            *net.server.lock() = Some(waker.clone());
            let more = net.stack.serve_links(waker);
            if !more && net.stack.next_deadline() == deadline { Err(Errno::EAGAIN) } else { Ok(()) }
        });
    }
}
