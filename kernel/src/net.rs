//! The network: the stack, its links, and the thread that does what is due in it. All are made for the program's first socket of the Internet families: without
//! one nothing of this costs anything.

use alloc::string::String;
use alloc::sync::Arc;
use core::task::Waker;

use abi::errno::Errno;
use logic::boot::cmdline::Options;
use logic::net::inet::stack::{Stack, Surroundings};
use sync::{Lock, Once};

use crate::drivers::virtio_net::{self, Interrupts};
use crate::mm::Memory;
use crate::system::HOST_NAME;
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
            let stack = Stack::new(Surroundings { now: time::now, random, hurry });
            let interrupts = Interrupts { attach_pin: irq::attach_pin, allocate: irq::allocate };
            let devices = virtio_net::find_all(&options.virtio_mmio, memory, interrupts, rng::fill);
            for (index, device) in devices.into_iter().enumerate() {
                let (setting, setting_v6) =
                    (options.network.setting(index), options.network.setting_v6(index));
                stack.add_link(device, setting, &setting_v6);
            }
            NET.set(Net { stack, server: Lock::new(None) });
            task::start(server);
        }
    }
    NET.get().map(|net| &net.stack).ok_or(Errno::ENOMEM)
}

/// What the machine is called: what the command line says, else what a link was told, else what the system calls itself.
pub fn host_name(options: &Options) -> String {
    let told = || NET.get().and_then(|net| net.stack.links().iter().find_map(|link| link.host_name()));
    options.network.hostname.clone().or_else(told).unwrap_or_else(|| HOST_NAME.into())
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    rng::fill(&mut bytes);
    u64::from_ne_bytes(bytes)
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
