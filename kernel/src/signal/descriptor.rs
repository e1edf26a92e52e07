//! The signals that wait, as descriptors read them (`logic::file::signalfd`): those of the thread that reads, then the process's.

use abi::io::PollEvents;
use abi::signal::{SigInfo, SigSet};
use logic::file::Io;
use logic::file::signalfd::{Owner, Signals, Taken};

use crate::kernel::Kernel;
use crate::process::Process;
use crate::task;

/// The program's.
#[derive(Debug)]
pub struct Descriptors;

fn process() -> &'static Process {
    &Kernel::get().process
}

impl Signals for Descriptors {
    fn watch(&self, io: &Io<'_>) {
        io.watch(&mut process().signal_readers.lock());
    }

    fn wait(&self, io: &Io<'_>) {
        io.wait_for(&mut process().signal_readers.lock(), PollEvents::IN);
    }

    fn tell(&self) {
        process().signal_came();
    }

    fn pending(&self) -> SigSet {
        let thread = task::current().signals.lock().pending.set();
        thread.union(process().signals.lock().pending.set())
    }

    fn take(&self, wanted: SigSet) -> Option<Taken> {
        let taken = |owner| move |(signal, info)| Taken { signal, info, owner };
        let thread = task::current().signals.lock().pending.take(wanted).map(taken(Owner::Thread));
        thread.or_else(|| process().signals.lock().pending.take(wanted).map(taken(Owner::Process)))
    }

    fn give_back(&self, Taken { signal, info, owner }: Taken) {
        match owner {
            Owner::Thread => task::current().signals.lock().pending.give_back(signal, info),
            Owner::Process => process().signals.lock().pending.give_back(signal, info),
        }
    }

    fn handed_on(&self, info: &SigInfo) {
        process().signal_taken(info);
    }
}
