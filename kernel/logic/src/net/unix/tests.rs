//! Sockets of this machine: what is sent is received, whole or in order; ends that go are noticed; nothing is lost but what must be.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::task::Wake;
use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::Waker;

use abi::fs::OpenFlags;
use abi::net::{MsgFlags, Shutdown, SocketOption, Ucred};
use abi::time::Timespec;
use proptest::prelude::*;

use super::*;
use crate::file::io::{SliceSource, VecSink};
use crate::file::open::OpenFile;
use crate::file::{Around, Identity};
use crate::fs::inode::Inode;
use crate::fs::special::SocketInode;
use crate::net::options;
use crate::net::socket::{Control, Incoming, Outgoing, Paths, Socket};
use crate::properties::cases;

const ALL: [SocketType; 3] = [SocketType::Stream, SocketType::Datagram, SocketType::SeqPacket];

/// A tree without names.
struct NoPaths;

impl Paths for NoPaths {
    fn find(&self, _path: &[u8]) -> Result<Arc<dyn Inode>, Errno> {
        Err(Errno::ENOENT)
    }

    fn create(&self, _path: &[u8]) -> Result<Arc<dyn Inode>, Errno> {
        Err(Errno::EACCES)
    }
}

fn domain() -> Arc<Domain> {
    Domain::new(|| 16)
}

fn io() -> Io<'static> {
    Io::default()
}

fn named(name: &str) -> SocketAddress {
    UnixAddress::Abstract(Arc::from(name.as_bytes())).into()
}

fn at(address: &SocketAddress) -> Target<'_> {
    Target { address, paths: &NoPaths }
}

fn as_socket(file: &Arc<dyn File>) -> &dyn Socket {
    file.socket().expect("it is a socket")
}

fn new(domain: &Arc<Domain>, kind: SocketType) -> Arc<dyn File> {
    new_socket(domain, kind, 0).unwrap()
}

fn pair(domain: &Arc<Domain>, kind: SocketType) -> [Arc<dyn File>; 2] {
    new_pair(domain, &io(), kind, 0).unwrap()
}

fn send(file: &Arc<dyn File>, bytes: &[u8]) -> Result<usize, Errno> {
    as_socket(file).send(&io(), &mut SliceSource(bytes), &mut Outgoing::default())
}

fn receive(file: &Arc<dyn File>, most: usize) -> Result<Vec<u8>, Errno> {
    let mut sink = VecSink::new(most);
    as_socket(file).receive(&io(), &mut sink, &mut Incoming::default()).map(|_| sink.bytes)
}

/// An open file of a socket, as a descriptor would hold it.
fn opened(file: &Arc<dyn File>) -> Arc<OpenFile> {
    let inode = Arc::new(SocketInode::new(1, Timespec::default()));
    OpenFile::new(Arc::clone(file), inode, OpenFlags::RDWR)
}

fn send_files(file: &Arc<dyn File>, files: Vec<Arc<OpenFile>>) -> Result<usize, Errno> {
    let mut message = Outgoing { control: vec![Control::Rights(files)], ..Outgoing::default() };
    as_socket(file).send(&io(), &mut SliceSource(b"x"), &mut message)
}

/// Counts how often it is woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Bell {
    fn rings(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

#[test]
fn a_stream_gives_bytes_in_order() {
    let [one, other] = pair(&domain(), SocketType::Stream);
    let (mut model, mut next) = (VecDeque::new(), 0u8);
    for step in 0..3000usize {
        let bytes: Vec<u8> = (0..step * 7 % 1999)
            .map(|_| {
                next = next.wrapping_add(1);
                next
            })
            .collect();
        match send(&one, &bytes) {
            Ok(count) => model.extend(&bytes[..count]),
            Err(errno) => assert_eq!(errno, Errno::EAGAIN),
        }
        next = model.back().copied().unwrap_or(next);
        let got = receive(&other, step * 5 % 1499 + 1).unwrap_or_default();
        let expected: Vec<u8> = model.drain(..got.len()).collect();
        assert_eq!(got, expected);
    }
}

#[test]
fn a_buffer_has_an_end() {
    let [one, other] = pair(&domain(), SocketType::Stream);
    let all = vec![1; 4 << 20];
    assert_eq!(send(&one, &all), Ok(BUFFER as usize));
    assert_eq!(send(&one, &all), Err(Errno::EAGAIN));
    assert!(!one.readiness(&io()).contains(PollEvents::OUT));
    assert_eq!(receive(&other, 1000).map(|bytes| bytes.len()), Ok(1000));
    assert_eq!(send(&one, &all), Ok(1000));
    assert_eq!(receive(&other, 4 << 20).map(|bytes| bytes.len()), Ok(BUFFER as usize));
    assert!(one.readiness(&io()).contains(PollEvents::OUT));
}

#[test]
fn without_memory_nothing_is_taken() {
    let around = Around {
        clock: Timespec::default,
        most_size: || u64::MAX,
        memory_left: || 0,
        identity: Identity::default,
    };
    let io = Io::new(None, &around);
    for kind in ALL {
        let [one, other] = pair(&domain(), kind);
        let sent = as_socket(&one).send(&io, &mut SliceSource(b"text"), &mut Outgoing::default());
        let errno = if kind == SocketType::Stream { Errno::ENOMEM } else { Errno::ENOBUFS };
        assert_eq!(sent, Err(errno));
        assert_eq!(receive(&other, 10), Err(Errno::EAGAIN));
    }
}

#[test]
fn who_waits_is_woken_and_nobody_else() {
    for kind in ALL {
        let [one, other] = pair(&domain(), kind);
        let (reader, writer): (Arc<Bell>, Arc<Bell>) = Default::default();
        let wakers = [Waker::from(Arc::clone(&reader)), Waker::from(Arc::clone(&writer))];
        let waiting = |waker| Io::new(Some(waker), const { &NOTHING });
        let mut sink = VecSink::new(10);
        let nothing = as_socket(&other).receive(&waiting(&wakers[0]), &mut sink, &mut Incoming::default());
        assert_eq!(nothing, Err(Errno::EAGAIN));
        while send(&one, &[0; 1000]).is_ok() {}
        assert_eq!((reader.rings(), writer.rings()), (1, 0));
        let full = as_socket(&one).send(
            &waiting(&wakers[1]),
            &mut SliceSource(&[0; 1000]),
            &mut Outgoing::default(),
        );
        assert_eq!(full, Err(Errno::EAGAIN));
        receive(&other, 1000).unwrap();
        assert_eq!((reader.rings(), writer.rings()), (0, 1));
    }
}

const NOTHING: Around = Around {
    clock: Timespec::default,
    most_size: || u64::MAX,
    memory_left: || u64::MAX,
    identity: Identity::default,
};

#[test]
fn ends_that_go_wake_who_waits() {
    for kind in [SocketType::Stream, SocketType::SeqPacket] {
        let [one, other] = pair(&domain(), kind);
        let bell: Arc<Bell> = Arc::default();
        let waker = Waker::from(Arc::clone(&bell));
        let events = one.readiness(&Io::new(Some(&waker), &NOTHING));
        assert!(!events.contains(PollEvents::HUP));
        drop(other);
        assert!(bell.rings() > 0);
        assert!(one.readiness(&io()).contains(PollEvents::HUP | PollEvents::RDHUP | PollEvents::IN));
        assert_eq!(receive(&one, 1), Ok(vec![]));
        assert_eq!(send(&one, b"x"), Err(Errno::EPIPE));
    }
}

#[test]
fn a_listener_that_goes_wakes_who_waits_for_a_place() {
    let domain = domain();
    let (server, address) = (new(&domain, SocketType::Stream), named("server"));
    as_socket(&server).bind(&io(), at(&address)).unwrap();
    as_socket(&server).listen(&io(), 0).unwrap();
    let [first, late] = [new(&domain, SocketType::Stream), new(&domain, SocketType::Stream)];
    assert_eq!(as_socket(&first).connect(&io(), at(&address)), Ok(()));
    let bell: Arc<Bell> = Arc::default();
    let waker = Waker::from(Arc::clone(&bell));
    let waiting = Io::new(Some(&waker), &NOTHING);
    assert_eq!(as_socket(&late).connect(&waiting, at(&address)), Err(Errno::EAGAIN));
    assert_eq!(bell.rings(), 0);
    drop(server);
    assert_eq!(bell.rings(), 1);
    assert_eq!(as_socket(&late).connect(&waiting, at(&address)), Err(Errno::ECONNREFUSED));
    assert_eq!(receive(&first, 1), Err(Errno::ECONNRESET), "nobody accepted it");
}

#[test]
fn a_place_in_the_queue_wakes_who_waits_for_it() {
    let domain = domain();
    let (server, address) = (new(&domain, SocketType::SeqPacket), named("server"));
    as_socket(&server).bind(&io(), at(&address)).unwrap();
    as_socket(&server).listen(&io(), 0).unwrap();
    let [first, late] = [new(&domain, SocketType::SeqPacket), new(&domain, SocketType::SeqPacket)];
    as_socket(&first).connect(&io(), at(&address)).unwrap();
    let bell: Arc<Bell> = Arc::default();
    let waker = Waker::from(Arc::clone(&bell));
    let waiting = Io::new(Some(&waker), &NOTHING);
    assert_eq!(as_socket(&late).connect(&waiting, at(&address)), Err(Errno::EAGAIN));
    let accepted = as_socket(&server).accept(&io()).unwrap();
    assert_eq!(bell.rings(), 1);
    assert_eq!(as_socket(&late).connect(&waiting, at(&address)), Ok(()));
    send(&first, b"hello").unwrap();
    assert_eq!(receive(&accepted.file, 10).unwrap(), b"hello");
}

#[test]
fn files_on_their_way_are_bounded() {
    let domain = domain();
    let [one, other] = pair(&domain, SocketType::Datagram);
    let mut sent = 0;
    while send_files(&one, vec![opened(&one)]).is_ok() {
        sent += 1;
        assert!(sent < 100);
    }
    assert_eq!(sent, 17, "one more than the limit, as on Linux");
    assert_eq!(send_files(&one, vec![opened(&one)]), Err(Errno::ETOOMANYREFS));
    assert_eq!(send(&one, b"without files"), Ok(13));
    let mut message = Incoming::default();
    as_socket(&other).receive(&io(), &mut VecSink::new(1), &mut message).unwrap();
    assert!(matches!(&message.control[..], [Control::Rights(files)] if files.len() == 1));
    assert_eq!(send_files(&one, vec![opened(&one)]), Ok(1), "one arrived");
    // All are given up with the inbox.
    drop((other, one));
    let [one, _other] = pair(&domain, SocketType::Datagram);
    assert_eq!(send_files(&one, vec![opened(&one); 16]), Ok(1));
}

#[test]
fn what_was_not_sent_can_be_sent_again() {
    let domain = domain();
    let [one, other] = pair(&domain, SocketType::Stream);
    while send(&one, &[0; 4096]).is_ok() {}
    let files = vec![opened(&other)];
    let mut message = Outgoing { control: vec![Control::Rights(files)], ..Outgoing::default() };
    let mut try_again = || as_socket(&one).send(&io(), &mut SliceSource(b"x"), &mut message);
    assert_eq!(try_again(), Err(Errno::EAGAIN));
    receive(&other, 1 << 20).unwrap();
    assert_eq!(try_again(), Ok(1));
    let mut told = Incoming::default();
    as_socket(&other).receive(&io(), &mut VecSink::new(1), &mut told).unwrap();
    assert!(matches!(&told.control[..], [Control::Rights(_)]));
}

#[test]
fn long_chains_of_sockets_on_their_way_are_given_up() {
    let domain = Domain::new(|| usize::MAX);
    let [mut inner, last] = pair(&domain, SocketType::Stream);
    for _ in 0..5000 {
        let [near, far] = pair(&domain, SocketType::Stream);
        send_files(&near, vec![opened(&inner)]).unwrap();
        inner = far;
    }
    assert_eq!(receive(&last, 1), Err(Errno::EAGAIN));
    drop(inner);
    assert_eq!(receive(&last, 1), Ok(vec![]));
}

#[test]
fn credentials_part_a_stream_only_for_who_asks() {
    let [one, other] = pair(&domain(), SocketType::Stream);
    let send_as = |uid: u32| {
        let who = Control::Credentials(Ucred { pid: 1, uid, gid: 0 });
        let mut message = Outgoing { control: vec![who], ..Outgoing::default() };
        as_socket(&one).send(&io(), &mut SliceSource(b"text"), &mut message).unwrap();
    };
    send_as(1);
    send_as(2);
    assert_eq!(receive(&other, 100).unwrap(), b"texttext");
    let on = options::set(as_socket(&other), &io(), 1, SocketOption::PassCred.raw(), &1i32.to_ne_bytes());
    assert_eq!(on, Ok(()));
    for uid in [1, 2, 2] {
        send_as(uid);
    }
    for (uid, text) in [(1, &b"text"[..]), (2, b"texttext")] {
        let (mut sink, mut told) = (VecSink::new(100), Incoming::default());
        as_socket(&other).receive(&io(), &mut sink, &mut told).unwrap();
        assert_eq!(sink.bytes, text);
        assert!(matches!(told.control[..], [Control::Credentials(who)] if who.uid == uid));
    }
}

#[test]
fn a_message_that_cannot_be_had_leaves_nothing() {
    /// Gives some bytes, then fails.
    struct Torn(usize);
    impl crate::file::io::Source for Torn {
        fn left(&self) -> usize {
            10_000
        }
        fn take(&mut self, bytes: &mut [u8]) -> Result<(), Errno> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(Errno::EFAULT)?;
            Ok(())
        }
        fn peek(&mut self, bytes: &mut [u8]) -> Result<(), Errno> {
            Torn(self.0).take(bytes)
        }
        fn take_unseen(&mut self) -> usize {
            0
        }
    }
    for kind in [SocketType::Datagram, SocketType::SeqPacket] {
        let [one, other] = pair(&domain(), kind);
        send(&one, b"before").unwrap();
        let torn = as_socket(&one).send(&io(), &mut Torn(9000), &mut Outgoing::default());
        assert_eq!(torn, Err(Errno::EFAULT));
        send(&one, b"behind").unwrap();
        assert_eq!(receive(&other, 100).unwrap(), b"before");
        assert_eq!(receive(&other, 100).unwrap(), b"behind");
        assert_eq!(receive(&other, 100), Err(Errno::EAGAIN));
    }
}

#[test]
fn a_new_peer_does_not_hear_the_old_ones_words() {
    let domain = domain();
    let sockets: Vec<Arc<dyn File>> = (0..3).map(|_| new(&domain, SocketType::Datagram)).collect();
    let names = ["a", "b", "c"].map(named);
    for (socket, name) in sockets.iter().zip(&names) {
        as_socket(socket).bind(&io(), at(name)).unwrap();
    }
    as_socket(&sockets[0]).connect(&io(), at(&names[1])).unwrap();
    as_socket(&sockets[1]).connect(&io(), at(&names[0])).unwrap();
    send(&sockets[1], b"old").unwrap();
    as_socket(&sockets[0]).connect(&io(), at(&SocketAddress::Unspecified)).unwrap();
    assert_eq!(receive(&sockets[0], 10), Err(Errno::EAGAIN));
    assert_eq!(send(&sockets[1], b"x"), Err(Errno::ECONNRESET), "it lost something");
    as_socket(&sockets[0]).connect(&io(), at(&names[2])).unwrap();
    assert_eq!(send(&sockets[1], b"x"), Err(Errno::EPERM));
}

#[test]
fn reading_is_shut_for_those_who_write() {
    let [one, other] = pair(&domain(), SocketType::Stream);
    as_socket(&one).shutdown(&io(), Shutdown::Read).unwrap();
    assert_eq!(send(&other, b"x"), Err(Errno::EPIPE));
    assert_eq!(send(&one, b"x"), Ok(1));
    assert_eq!(receive(&other, 1).unwrap(), b"x");
}

/// One step of a use of a socket for packets.
#[derive(Clone, Debug)]
enum Step {
    Send(usize),
    Receive(usize),
    Peek(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0usize..20_000).prop_map(Step::Send),
        (0usize..20_000).prop_map(Step::Receive),
        (0usize..20_000).prop_map(Step::Peek),
    ]
}

proptest! {
    #![proptest_config(cases(80))]

    /// Messages against a queue of vectors: each whole, cut only at its end, in order.
    #[test]
    fn messages_are_a_queue(steps in proptest::collection::vec(step(), 1..120), packets in any::<bool>()) {
        let kind = if packets { SocketType::SeqPacket } else { SocketType::Datagram };
        let [one, other] = pair(&domain(), kind);
        let (mut model, mut waiting, mut next) = (VecDeque::new(), 0, 0u8);
        for step in steps {
            match step {
                Step::Send(count) => {
                    next = next.wrapping_add(1);
                    let bytes = vec![next; count];
                    if model.is_empty() || waiting + count <= BUFFER as usize {
                        prop_assert_eq!(send(&one, &bytes), Ok(count));
                        waiting += count;
                        model.push_back(bytes);
                    } else {
                        prop_assert_eq!(send(&one, &bytes), Err(Errno::EAGAIN));
                    }
                }
                Step::Receive(most) | Step::Peek(most) => {
                    let peeks = matches!(step, Step::Peek(_));
                    let flags = if peeks { MsgFlags::PEEK | MsgFlags::TRUNC } else { MsgFlags::TRUNC };
                    let (mut sink, mut message) = (VecSink::new(most), Incoming::new(flags, false));
                    let answer = as_socket(&other).receive(&io(), &mut sink, &mut message);
                    let Some(first) = model.front() else {
                        prop_assert_eq!(answer, Err(Errno::EAGAIN));
                        continue;
                    };
                    prop_assert_eq!(answer, Ok(first.len()));
                    prop_assert_eq!(&sink.bytes[..], &first[..most.min(first.len())]);
                    prop_assert_eq!(message.told.contains(MsgFlags::TRUNC), most < first.len());
                    if !peeks {
                        waiting -= first.len();
                        model.pop_front();
                    }
                }
            }
        }
    }
}
