//! The network: the stack, its links, and the thread that does what is due in it. All are made for the program's first socket of the Internet families: without
//! one nothing of this costs anything.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::task::Waker;

use abi::errno::Errno;
use logic::boot::cmdline::Options;
use logic::net::inet::rings::Rings;
use logic::net::inet::stack::{Stack, Surroundings};
use sync::{Lock, Once};

use crate::drivers::virtio_net::{self, Interrupts};
use crate::mm::{self, Memory};
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

/// The machine's network.
///
/// # Errors
/// `ENOMEM` when there is no memory for its thread.
pub fn stack(memory: &'static Memory, options: &Options) -> Result<&'static Arc<Stack>, Errno> {
    if NET.get().is_none() {
        let _guard = MAKING.lock();
        if NET.get().is_none() {
            let server = task::create_kernel_thread(memory, "net", serve).map_err(|_| Errno::ENOMEM)?;
            let stack = Stack::new(Surroundings { now: time::now, random, rings, hurry });
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

fn random() -> u64 {
    let mut bytes = [0; 8];
    rng::fill(&mut bytes);
    u64::from_ne_bytes(bytes)
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
