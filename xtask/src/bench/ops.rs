//! `bench ops`: what operations take in guest instructions (`tests/bench/src/bin/ops.rs`), beside what they must take.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::page::{Section, figures_head, figures_row};
use super::rival::Systems;
use crate::rig::guest::{Guest, Machine};

/// Seconds that all operations may take, boot included.
const LIMIT: Duration = Duration::from_secs(600);

/// A row of the table.
pub(crate) struct Operation {
    /// Its name in the program's report and in the budgets.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) what: &'static str,
    /// What it may take at most, and what we are after.
    goal: Option<(u64, Option<u64>)>,
    /// Whether a test keeps it from growing.
    pub(crate) has_budget: bool,
}

const fn row(name: &'static str, what: &'static str, goal: Option<(u64, Option<u64>)>) -> Operation {
    Operation { name, what, goal, has_budget: false }
}

const fn kept(operation: Operation) -> Operation {
    Operation { has_budget: true, ..operation }
}

/// Every operation the program reports, in the order of the page.
pub(crate) const OPERATIONS: [Operation; 21] = [
    kept(row("main", "reset to `main`", Some((400_000, Some(40_000))))),
    kept(row("getpid-direct", "getpid, called", Some((12, None)))),
    kept(row("getpid-syscall", "getpid, by the `syscall` instruction", Some((100, Some(60))))),
    row("instant-now", "`Instant::now`", Some((40, Some(25)))),
    row("write-null", "write 1 byte to /dev/null", Some((60, None))),
    row("write-tmpfs", "write 1 byte to a file on tmpfs", Some((250, None))),
    row("read-tmpfs-4k", "read 4 KiB of a file on tmpfs", Some((400, None))),
    row("open-close", "open and close a file on tmpfs", Some((700, None))),
    kept(row(
        "condvar-round-trip",
        "`Mutex` and `Condvar` round trip of two threads",
        Some((2000, Some(1000))),
    )),
    row("mpsc-round-trip", "`mpsc` round trip of two threads", None),
    row("unix-write-read", "write and read 64 bytes of a Unix stream", None),
    row("unix-round-trip", "round trip of a byte between two threads over a Unix stream", None),
    kept(row("spawn-join", "spawn and join a thread", Some((8000, Some(4000))))),
    row("yield-now", "`thread::yield_now`", Some((150, None))),
    row("epoll-wait-nothing", "epoll_wait on 10,000 files of which none is ready", Some((60, None))),
    row("eventfd-write-read", "write to and read from an eventfd that an epoll instance waits for", None),
    row("epoll-wait-event", "the same, and an epoll_wait in between that tells of it", None),
    row("first-touch-4k", "first touch, per 4 KiB of fresh memory", Some((400, Some(80)))),
    kept(row("malloc-free-64", "malloc and free of 64 bytes", Some((80, Some(45))))),
    row("malloc-free-random", "malloc and free of random sizes below 2 KB", Some((200, Some(130)))),
    row("realloc-step", "realloc to twice the size, 16 bytes to 64 KiB, per step", Some((300, Some(150)))),
];

/// Figures by name.
pub(crate) type Figures = BTreeMap<String, u64>;

/// Boots a program that measures operations and reads its report.
pub(super) fn report(guest: &Guest) -> Result<Figures> {
    let said = guest.listen(&Machine::microvm(), &[], LIMIT, |line| line == "done")?.complete()?;
    let figure = |words: Vec<&str>| Some(((*words.get(1)?).to_owned(), words.get(2)?.parse().ok()?));
    Ok(said.records("op").filter_map(figure).collect())
}

/// What `ops` reports, all of it.
pub(super) fn figures(guest: &Guest) -> Result<Figures> {
    let figures = report(guest)?;
    for operation in &OPERATIONS {
        figures
            .get(operation.name)
            .with_context(|| format!("the program says nothing of {}", operation.name))?;
    }
    Ok(figures)
}

/// The table.
pub(super) fn section(systems: &Systems) -> Result<Section> {
    let figures = systems.measure("ops", |guest, _| figures(guest))?;
    let mut text = format!(
        "Guest instructions on `microvm`, one vCPU, as the guest's own counter has them: the median of nine batches, the loop itself taken \
         off. Program: `tests/bench/src/bin/ops.rs`. Flags: `{}`.\n\n{}",
        Machine::microvm().flags().join(" "),
        figures_head("operation"),
    );
    for Operation { name, what, goal, .. } in &OPERATIONS {
        let found = [0, 1, 2].map(|index: usize| Some(*figures[index].as_ref()?.get(*name)? as f64));
        let goals = goal.map_or([None; 2], |(must, after)| [Some(must), after]);
        text.push_str(&figures_row(what, goals.map(|goal| goal.map(|goal| goal as f64)), found));
    }
    Ok(Section { name: "ops", title: "Operations", text })
}
