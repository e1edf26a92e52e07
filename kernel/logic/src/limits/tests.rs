//! The rules of setrlimit(2).

use super::*;

#[test]
fn a_limit_is_kept() {
    let mut limits = Limits::default();
    let limit = RLimit { rlim_cur: 16, rlim_max: 32 };
    limits.set(Resource::Nofile, limit, false).unwrap();
    assert_eq!(limits.get(Resource::Nofile), limit);
}

#[test]
fn only_root_raises_the_highest() {
    let mut limits = Limits::default();
    limits.set(Resource::Nofile, RLimit { rlim_cur: 1, rlim_max: 2 }, false).unwrap();
    let more = RLimit { rlim_cur: 1, rlim_max: 3 };
    assert_eq!(limits.set(Resource::Nofile, more, false), Err(Errno::EPERM));
    limits.set(Resource::Nofile, more, true).unwrap();
}

#[test]
fn nobody_gets_more_files_than_there_are_or_a_current_above_the_highest() {
    let mut limits = Limits::default();
    let too_many = RLimit { rlim_cur: 1, rlim_max: MOST_OPEN_FILES + 1 };
    assert_eq!(limits.set(Resource::Nofile, too_many, true), Err(Errno::EPERM));
    assert_eq!(limits.set(Resource::Stack, RLimit { rlim_cur: 2, rlim_max: 1 }, true), Err(Errno::EINVAL));
}
