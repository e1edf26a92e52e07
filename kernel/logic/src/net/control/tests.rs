//! Messages are found one behind the other, and nothing is read behind the room.

extern crate std;

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;
use zerocopy::IntoBytes as _;

use super::*;
use crate::properties::cases;

/// A message with `data`, laid out; its header says it has `length` bytes.
fn message(kind: i32, data: &[u8], length: usize) -> Vec<u8> {
    let header = CmsgHdr { cmsg_len: length, cmsg_level: 1, cmsg_type: kind };
    let mut bytes = [header.as_bytes(), data].concat();
    bytes.resize(CmsgHdr::space(data.len()), 0);
    bytes
}

fn kinds(room: &[u8]) -> Result<Vec<(i32, Vec<u8>)>, Errno> {
    Messages::new(room).map(|found| found.map(|(header, data)| (header.cmsg_type, data.to_vec()))).collect()
}

#[test]
fn one_behind_the_other() {
    let room = [message(1, &[7; 5], 21), message(2, &[], 16), message(3, &[9; 8], 24)].concat();
    let all = vec![(1, vec![7; 5]), (2, vec![]), (3, vec![9; 8])];
    assert_eq!(kinds(&room), Ok(all.clone()));
    // The padding of the last one may be missing, and less than a header may follow.
    assert_eq!(kinds(&room[..21]), Ok(all[..1].to_vec()));
    assert_eq!(kinds(&[&room[..], &[0; 15]].concat()), Ok(all));
    assert_eq!(kinds(&[]), Ok(vec![]));
}

#[test]
fn lengths_that_make_no_sense() {
    for length in [0, 1, 15, 22, 1 << 31, 0xffff_ffff] {
        assert_eq!(kinds(&message(1, &[7; 5], length)[..21]), Err(Errno::EINVAL), "{length}");
    }
    // The half that musl does not declare is not looked at.
    assert_eq!(kinds(&message(1, &[7; 5], usize::MAX << 32 | 21)), Ok(vec![(1, vec![7; 5])]));
}

proptest! {
    #![proptest_config(cases(3000))]

    /// Whatever is in the room: it ends, and data lies within.
    #[test]
    fn any_room_has_an_end(room in proptest::collection::vec(prop_oneof![Just(0u8), Just(16), Just(24), any::<u8>()], 0..200)) {
        let found = Messages::new(&room).count();
        prop_assert!(found <= room.len() / size_of::<CmsgHdr>());
    }
}
