//! The table is complete, in order and honest, and every row can be dispatched.

use std::collections::BTreeSet;

use super::{Level, name, number, row, rows};
use crate::errno::Errno;
use crate::prelude::*;
use crate::reg::FromReg;

#[test]
fn numbers_ascend_and_names_are_unique() {
    assert!(rows().is_sorted_by(|a, b| a.number < b.number));
    let names: BTreeSet<_> = rows().iter().map(|row| row.name).collect();
    assert_eq!(names.len(), rows().len());
}

#[test]
fn every_gap_is_explained() {
    for row in rows() {
        match row.level {
            Level::Full => {}
            Level::Partial(note) | Level::NotSupported(note, _) => assert!(!note.is_empty(), "{}", row.name),
        }
        let served = !matches!(row.level, Level::NotSupported(..));
        assert_eq!(served, row.handler.is_some(), "{}", row.name);
        assert_eq!(served, row.family != "none", "{}", row.name);
    }
}

#[test]
fn handlers_are_named_after_their_call() {
    const FAMILIES: [&str; 13] = [
        "io", "fs", "poll", "epoll", "event", "mm", "task", "futex", "time", "timer", "signal", "sys", "net",
    ];
    for row in rows() {
        let Some(handler) = row.handler else { continue };
        assert_eq!(handler, format!("sys_{}", row.name));
        assert!(FAMILIES.contains(&row.family), "{}", row.name);
        assert!(row.args.len() <= 6, "{}", row.name);
    }
}

#[test]
fn every_argument_can_be_decoded() {
    fn decodes<T: FromReg>() {}
    macro_rules! decode {
        ($($number:literal $name:ident => $family:ident $(:: $handler:ident ($($arg:ident: $ty:ty),*))?
            [$($level:tt)*];)*) => {
            $($($(decodes::<$ty>();)*)?)*
        };
    }
    for_each_syscall!(decode);
}

#[test]
fn rows_are_found() {
    assert_eq!(name(0), Some("read"));
    assert_eq!(name(number::rt_sigreturn), Some("rt_sigreturn"));
    assert_eq!((name(337), name(423), name(usize::MAX)), (None, None, None));
    let fork = row(number::fork).expect("57 is fork");
    assert_eq!(fork.level, Level::NotSupported("one address space, one process", Errno::ENOSYS));
    let read = row(number::read).expect("0 is read");
    assert_eq!((read.family, read.handler), ("io", Some("sys_read")));
    let args: Vec<_> = read.args.iter().map(ToString::to_string).collect();
    assert_eq!(args, ["fd: Fd", "buf: UserPtr<u8>", "count: usize"]);
    let pipe = row(number::pipe).expect("22 is pipe");
    assert_eq!(pipe.args[0].to_string(), "fds: UserPtr<[i32; 2]>");
}
