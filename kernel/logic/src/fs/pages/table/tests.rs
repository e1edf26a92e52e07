//! Whatever the order in which pages come and go, they are found as in a map.

use alloc::collections::BTreeSet;

use super::*;

fn page() -> Held {
    Page::zeroed().unwrap()
}

/// What the table says of pages up to `end`, and that all its ways to ask agree.
fn known(table: &PageTable, end: u64) -> BTreeSet<u64> {
    let mut found = BTreeSet::new();
    let mut at = 0;
    while let Some(index) = table.next(at) {
        found.insert(index);
        at = index + 1;
    }
    for index in 0..end {
        assert_eq!(table.get(index).is_some(), found.contains(&index), "{index}");
    }
    assert_eq!(table.len(), found.len());
    found
}

#[test]
fn pages_are_found_as_in_a_map() {
    const END: u64 = 300;
    let (mut table, mut expected) = (PageTable::default(), BTreeSet::new());
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for step in 0..4000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let index = (state >> 20) % END;
        match state % 5 {
            0 => {
                table.remove(index);
                expected.remove(&index);
            }
            1 if step % 7 == 0 => {
                table.cut(index);
                expected.retain(|&other| other < index);
            }
            _ if expected.insert(index) => table.insert(index, page()).0[0] = index.to_le_bytes()[0],
            _ => {}
        }
        if step % 50 == 0 {
            assert_eq!(known(&table, END), expected);
        }
        for &index in &expected {
            assert_eq!(table.get_mut(index).unwrap().0[0], index.to_le_bytes()[0]);
        }
    }
}

#[test]
fn a_sparse_file_costs_what_it_holds() {
    let mut table = PageTable::default();
    for index in [u64::MAX / 4096, 1 << 40, 5000, 3] {
        table.insert(index, page());
    }
    assert_eq!((table.near.len(), table.far.len()), (4, 3));
    assert_eq!(table.next(4), Some(5000));
    // The array grows over what lay far behind.
    for index in 4..5000 {
        table.insert(index, page());
    }
    table.insert(5001, page());
    assert_eq!((table.near.len(), table.far.len(), table.len()), (5002, 2, 5001));
    table.cut(5000);
    assert_eq!((table.len(), table.next(4999), table.next(5000)), (4997, Some(4999), None));
}
