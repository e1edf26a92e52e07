//! What `std::thread` and `std::sync` offer, on as many CPUs as there are.
use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, mpsc};
use std::thread;
use std::time::Duration;

static DROPPED: AtomicU32 = AtomicU32::new(0);

struct Counter(Cell<u32>);

impl Drop for Counter {
    fn drop(&mut self) {
        DROPPED.fetch_add(self.0.get(), Ordering::SeqCst);
    }
}

thread_local!(static LOCAL: Counter = const { Counter(Cell::new(0)) });

/// Adds up to `n` in as many threads as there are parts.
fn parallel_sum(n: u64, parts: u64) -> u64 {
    thread::scope(|scope| {
        let part = |index| scope.spawn(move || (1..=n).filter(|number| number % parts == index).sum::<u64>());
        let threads: Vec<_> = (0..parts).map(part).collect();
        threads.into_iter().map(|thread| thread.join().expect("a part")).sum()
    })
}

fn main() {
    let cpus = thread::available_parallelism().expect("a number of CPUs");
    println!("at least one CPU: {}", cpus.get() >= 1);

    println!("sum to 1000000: {}", parallel_sum(1_000_000, 7));

    let named = thread::Builder::new().name("worker".into());
    let name = named
        .spawn(|| thread::current().name().map(str::to_owned))
        .expect("a thread")
        .join()
        .expect("its name");
    println!("thread name: {}", name.as_deref().unwrap_or("none"));

    let (sender, receiver) = mpsc::channel();
    for producer in 0..4 {
        let sender = sender.clone();
        thread::spawn(move || {
            (0..250).for_each(|item| sender.send(producer * 250 + item).expect("a receiver"))
        });
    }
    drop(sender);
    let mut items: Vec<u32> = receiver.iter().collect();
    items.sort_unstable();
    println!("items received: {}, in order: {}", items.len(), items.iter().copied().eq(0..1000));

    let (turn, changed) = (Mutex::new(0), Condvar::new());
    thread::scope(|scope| {
        for player in 0..2 {
            let (turn, changed) = (&turn, &changed);
            scope.spawn(move || {
                for _ in 0..100 {
                    let mut now = changed
                        .wait_while(turn.lock().expect("the lock"), |now| *now % 2 != player)
                        .expect("a turn");
                    *now += 1;
                    changed.notify_one();
                }
            });
        }
    });
    println!("turns taken: {}", turn.into_inner().expect("the lock"));

    thread::scope(|scope| {
        for value in 1..=10 {
            scope.spawn(move || LOCAL.with(|local| local.0.set(value)));
        }
    });
    // A scope ends when its closures have; destructors of thread-locals may still run for a moment.
    while DROPPED.load(Ordering::SeqCst) != 55 {
        thread::sleep(Duration::from_millis(1));
    }
    println!("thread-local destructors saw: {}", DROPPED.load(Ordering::SeqCst));

    let parked = thread::spawn(|| {
        thread::park();
        "unparked"
    });
    parked.thread().unpark();
    println!("parked thread: {}", parked.join().expect("the thread"));
}
