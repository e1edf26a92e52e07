//! The numbers go there and back, and a `Result` costs no more than its value needs.

use super::Errno;

#[test]
fn every_number_goes_there_and_back() {
    for &errno in Errno::ALL {
        assert_eq!(Errno::from_raw(errno.raw()), Some(errno));
    }
    assert_eq!(Errno::ALL.len(), 131);
    for number in [i32::MIN, -1, 0, 41, 58, 134, i32::MAX] {
        assert_eq!(Errno::from_raw(number), None);
    }
}

#[test]
fn prints_name_and_meaning() {
    assert_eq!(Errno::ENOENT.to_string(), "ENOENT (no such file or directory)");
    assert_eq!(format!("{:?}", Errno::EWOULDBLOCK), "EAGAIN");
}

#[test]
fn results_fit_registers() {
    assert_eq!(size_of::<Result<(), Errno>>(), size_of::<u64>());
    assert_eq!(size_of::<Result<usize, Errno>>(), 2 * size_of::<u64>());
}
