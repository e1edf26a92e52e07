//! The rules of credentials(7), each as Linux answers them.

use super::*;

fn user(real: u32, effective: u32, saved: u32) -> Ids {
    Ids { real, effective, saved }
}

#[test]
fn root_sets_all_three_and_cannot_come_back() {
    let mut ids = user(0, 0, 0);
    ids.set(1000, true).unwrap();
    assert_eq!(ids, user(1000, 1000, 1000));
    assert_eq!(ids.set(0, false), Err(Errno::EPERM));
}

#[test]
fn others_move_between_their_own() {
    let mut ids = user(1000, 1000, 33);
    ids.set(33, false).unwrap();
    assert_eq!(ids, user(1000, 33, 33));
    assert_eq!(ids.set(u32::MAX, true), Err(Errno::EINVAL));
}

#[test]
fn setreuid_saves_the_new_effective_id() {
    let mut ids = user(1000, 1000, 1000);
    assert_eq!(ids.set_real_effective(0, UNCHANGED, false), Err(Errno::EPERM));
    let mut root = user(0, 0, 0);
    root.set_real_effective(UNCHANGED, 5, true).unwrap();
    assert_eq!(root, user(0, 5, 5));
    ids.set_real_effective(UNCHANGED, UNCHANGED, false).unwrap();
    assert_eq!(ids, user(1000, 1000, 1000));
}

#[test]
fn setresuid_checks_before_it_changes() {
    let mut ids = user(1, 2, 3);
    assert_eq!(ids.set_all([3, 1, 9], false), Err(Errno::EPERM));
    assert_eq!(ids, user(1, 2, 3));
    ids.set_all([3, 1, UNCHANGED], false).unwrap();
    assert_eq!(ids, user(3, 1, 3));
}
