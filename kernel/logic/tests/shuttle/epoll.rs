//! Epoll instances: no change is lost between a file that tells of it and a thread that waits, whoever comes, leaves or closes meanwhile.

use std::sync::Arc;
use std::task::Waker;

use abi::errno::Errno;
use abi::event::{EpollEvent, EpollFlags};
use abi::fs::OpenFlags;
use abi::io::PollEvents;
use abi::reg::Fd;
use logic::file::epoll::Epoll;
use logic::file::epoll::nesting::Nesting;
use logic::file::eventfd::{EventFd, Takes};
use logic::file::io::{SliceSource, VecSink};
use logic::file::open::OpenFile;
use logic::file::wakers::WakerSet;
use logic::file::{File, Io};
use logic::fs::anonymous;
use shuttle::thread;
use sync::Lock;

use super::ORDERS;
use super::sleeper::Sleeper;

const IN: u32 = PollEvents::IN.bits() as u32;
const ET: u32 = EpollFlags::ET.bits();
const ONESHOT: u32 = EpollFlags::ONESHOT.bits();

static NESTING: Nesting = Nesting::new();

fn counter() -> Arc<OpenFile> {
    anonymous::open("eventfd", EventFd::new(0, Takes::Everything), OpenFlags::RDWR)
}

fn instance() -> Arc<OpenFile> {
    anonymous::open("eventpoll", Epoll::default(), OpenFlags::RDWR)
}

fn epoll(open: &OpenFile) -> &Epoll {
    open.file.epoll().unwrap()
}

fn add(open: &Arc<OpenFile>, fd: i32, file: &Arc<OpenFile>, events: u32) {
    epoll(open).add(&NESTING, open, (Fd(fd), file), EpollEvent { events, data: 0 }).unwrap();
}

fn count_up(file: &OpenFile) {
    file.write(&Io::default(), &mut SliceSource(&1u64.to_ne_bytes())).unwrap();
}

/// Takes what was counted; 0 for nothing.
fn take(file: &OpenFile) -> u64 {
    let mut sink = VecSink::new(8);
    match file.read(&Io::default(), &mut sink) {
        Ok(_) => u64::from_ne_bytes(sink.bytes.try_into().unwrap()),
        Err(_) => 0,
    }
}

/// How many events there are, of one at most.
fn collect(open: &OpenFile, waker: Option<&Waker>) -> Result<usize, Errno> {
    epoll(open).collect(waker, &mut VecSink::new(Epoll::EVENT)).map(|bytes| bytes / Epoll::EVENT)
}

/// epoll_wait(2) without a timeout, as `kernel/src/task/wait.rs` waits.
fn wait(open: &OpenFile) {
    let me: Arc<Sleeper> = Arc::default();
    let waker = Waker::from(Arc::clone(&me));
    while collect(open, Some(&waker)) == Err(Errno::EAGAIN) {
        me.park();
    }
}

fn in_many_orders(body: impl Fn() + Send + Sync + Copy + 'static) {
    shuttle::check_random(body, ORDERS);
    shuttle::check_pct(body, ORDERS, 3);
}

/// One thread counts, another takes what it is told of: it takes all.
fn everything_is_taken(events: u32) {
    const ROUNDS: u64 = 3;
    let (open, file) = (instance(), counter());
    let writer = Arc::clone(&file);
    let counts = thread::spawn(move || (0..ROUNDS).for_each(|_| count_up(&writer)));
    add(&open, 1, &file, events);
    let mut taken = 0;
    while taken < ROUNDS {
        wait(&open);
        taken += take(&file);
        if events & ONESHOT != 0 {
            let asked = EpollEvent { events, data: 0 };
            epoll(&open).modify(&open, (Fd(1), &file), asked).unwrap();
        }
    }
    counts.join().unwrap();
}

#[test]
fn a_change_is_told_of() {
    in_many_orders(|| everything_is_taken(IN));
    in_many_orders(|| everything_is_taken(IN | ET));
    in_many_orders(|| everything_is_taken(IN | ONESHOT));
}

#[test]
fn each_of_several_threads_has_its_event() {
    in_many_orders(|| {
        let (open, files) = (instance(), [counter(), counter()]);
        let waiters: Vec<_> = (0..2)
            .map(|_| {
                let open = Arc::clone(&open);
                thread::spawn(move || wait(&open))
            })
            .collect();
        add(&open, 1, &files[0], IN | ET);
        add(&open, 2, &files[1], IN | ONESHOT);
        files.iter().for_each(|file| count_up(file));
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    });
}

/// Of two threads that wait the one that is woken gives up (a signal, a timeout): the other one gets the event.
fn who_gives_up(passes_on: bool) {
    let (open, file) = (instance(), counter());
    add(&open, 1, &file, IN | ET);
    let [patient, hasty]: [Arc<Sleeper>; 2] = Default::default();
    let [waker, hastys] = [&patient, &hasty].map(|sleeper| Waker::from(Arc::clone(sleeper)));
    assert_eq!(collect(&open, Some(&waker)), Err(Errno::EAGAIN));
    assert_eq!(collect(&open, Some(&hastys)), Err(Errno::EAGAIN));
    let other = Arc::clone(&open);
    let gives_up = thread::spawn(move || {
        if passes_on {
            epoll(&other).give_up(&hastys);
        }
    });
    let writer = Arc::clone(&file);
    let counts = thread::spawn(move || count_up(&writer));
    while collect(&open, Some(&waker)) == Err(Errno::EAGAIN) {
        patient.park();
    }
    gives_up.join().unwrap();
    counts.join().unwrap();
}

#[test]
fn a_wake_up_meets_who_gives_up() {
    shuttle::check_random(|| who_gives_up(true), ORDERS);
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_wake_up_that_is_not_passed_on_is_found() {
    shuttle::check_random(|| who_gives_up(false), ORDERS);
}

/// Something that is ready once and for all, and that has whoever looks told before it looks itself, or only then.
#[derive(Debug)]
struct Flag {
    is_set: Lock<bool>,
    wakers: Lock<WakerSet>,
    looks_first: bool,
}

impl Flag {
    fn set(&self) {
        *self.is_set.lock() = true;
        self.wakers.lock().wake_all();
    }

    fn is_set(&self) -> bool {
        *self.is_set.lock()
    }
}

impl File for Flag {
    fn readiness(&self, io: &Io<'_>) -> PollEvents {
        let before = self.looks_first && self.is_set();
        io.watch(&mut self.wakers.lock());
        if before || !self.looks_first && self.is_set() { PollEvents::IN } else { PollEvents::empty() }
    }

    fn can_poll(&self) -> bool {
        true
    }
}

fn a_flag_is_set(looks_first: bool) {
    let open = instance();
    let flag = Flag { is_set: Lock::new(false), wakers: Lock::new(WakerSet::new()), looks_first };
    let flag = Arc::new(flag);
    let file = anonymous::open("flag", Shared(Arc::clone(&flag)), OpenFlags::RDWR);
    let sets = thread::spawn(move || flag.set());
    add(&open, 1, &file, IN | ET);
    wait(&open);
    sets.join().unwrap();
}

/// A flag that somebody else has too.
#[derive(Debug)]
struct Shared(Arc<Flag>);

impl File for Shared {
    fn readiness(&self, io: &Io<'_>) -> PollEvents {
        self.0.readiness(io)
    }

    fn can_poll(&self) -> bool {
        true
    }
}

#[test]
fn who_is_told_before_it_looks_misses_nothing() {
    in_many_orders(|| a_flag_is_set(false));
}

#[test]
#[should_panic(expected = "deadlock")]
fn who_looks_before_it_is_told_is_found() {
    shuttle::check_random(|| a_flag_is_set(true), ORDERS);
}

#[test]
fn files_and_instances_are_closed_at_any_time() {
    in_many_orders(|| {
        let (open, outer, file, other) = (instance(), instance(), counter(), counter());
        add(&open, 1, &file, IN);
        add(&open, 2, &other, IN | ET);
        add(&outer, 3, &open, IN);
        let (writer, looks) = (Arc::downgrade(&file), Arc::clone(&outer));
        let threads = [
            thread::spawn(move || {
                if let Some(file) = writer.upgrade() {
                    count_up(&file);
                }
                count_up(&other);
            }),
            thread::spawn(move || drop(file)),
            thread::spawn(move || {
                let _ = collect(&looks, None);
            }),
            thread::spawn(move || {
                let _ = collect(&open, None);
            }),
        ];
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(collect(&outer, None), Err(Errno::EAGAIN), "all that it was interested in is closed");
        assert!(!epoll(&outer).may_have_events());
    });
}
