//! Signals come out in order, whole, and are not lost when they cannot be handed over.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use abi::errno::Errno;
use abi::event::SignalFdInfo;
use abi::io::PollEvents;
use abi::signal::{SigInfo, SigSet, Signal, code};
use sync::Lock;
use zerocopy::FromBytes as _;

use super::{BYTES, Owner, SignalFd, Signals, Taken};
use crate::file::io::{Sink, VecSink};
use crate::file::wakers::WakerSet;
use crate::file::{File, Io};
use crate::signal::Pending;

/// A thread in a process, with nothing sent to the thread itself.
#[derive(Debug, Default)]
struct Program {
    pending: Lock<Pending>,
    wakers: Lock<WakerSet>,
}

impl Signals for Program {
    fn watch(&self, io: &Io<'_>) {
        io.watch(&mut self.wakers.lock());
    }

    fn wait(&self, io: &Io<'_>) {
        io.wait_for(&mut self.wakers.lock(), PollEvents::IN);
    }

    fn tell(&self) {
        self.wakers.lock().wake_all();
    }

    fn pending(&self) -> SigSet {
        self.pending.lock().set()
    }

    fn take(&self, wanted: SigSet) -> Option<Taken> {
        let taken = self.pending.lock().take(wanted);
        taken.map(|(signal, info)| Taken { signal, info, owner: Owner::Process })
    }

    fn give_back(&self, taken: Taken) {
        self.pending.lock().give_back(taken.signal, taken.info);
    }

    fn handed_on(&self, _info: &SigInfo) {}
}

fn program(signals: &[Signal]) -> &'static Program {
    let program: &'static Program = Box::leak(Box::default());
    for &signal in signals {
        let info = SigInfo::sent(signal, code::SI_USER, 1, 0);
        program.pending.lock().add(signal, info, 10).unwrap();
    }
    program
}

fn read(fd: &SignalFd, most: usize) -> Result<Vec<u32>, Errno> {
    let mut sink = VecSink::new(most * BYTES);
    fd.read_at(&Io::default(), 0, &mut sink)?;
    Ok(sink.bytes.chunks(BYTES).map(|one| SignalFdInfo::read_from_bytes(one).unwrap().ssi_signo).collect())
}

#[test]
fn as_many_as_fit_of_those_wanted() {
    let program = program(&[Signal::SIGUSR2, Signal::SIGHUP, Signal::SIGUSR1]);
    let wanted = SigSet::of(Signal::SIGUSR1).union(SigSet::of(Signal::SIGUSR2));
    let fd = SignalFd::new(wanted, program);
    assert_eq!(fd.readiness(&Io::default()), PollEvents::IN);
    assert_eq!(read(&fd, 1), Ok(vec![10]));
    assert_eq!(read(&fd, 5), Ok(vec![12]));
    assert_eq!(read(&fd, 5), Err(Errno::EAGAIN));
    assert!(fd.readiness(&Io::default()).is_empty());
    fd.set(SigSet(u64::MAX));
    assert_eq!(read(&fd, 5), Ok(vec![1]));
}

/// Memory that is not there.
struct Missing;

impl Sink for Missing {
    fn room(&self) -> usize {
        BYTES
    }

    fn put(&mut self, _bytes: &[u8]) -> Result<(), Errno> {
        Err(Errno::EFAULT)
    }
}

#[test]
fn what_cannot_be_handed_over_waits_again() {
    let program = program(&[Signal::SIGUSR1]);
    let fd = SignalFd::new(SigSet::of(Signal::SIGUSR1), program);
    assert_eq!(fd.read_at(&Io::default(), 0, &mut Missing), Err(Errno::EFAULT));
    assert_eq!(read(&fd, 1), Ok(vec![10]));
}

#[test]
fn short_buffers_are_refused() {
    let fd = SignalFd::new(SigSet::EMPTY, program(&[]));
    assert_eq!(fd.read_at(&Io::default(), 0, &mut VecSink::new(BYTES - 1)), Err(Errno::EINVAL));
}
