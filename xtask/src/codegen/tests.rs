//! The page says what the table says.

use std::collections::BTreeMap;

use super::page;

#[test]
fn a_row_becomes_a_line() {
    let covered = BTreeMap::from([("read".to_owned(), "abi_io".to_owned())]);
    let page = page(&covered);
    assert!(page.contains("\n| 0 | `read` | full | `io::sys_read` | `abi_io` |\n"));
    assert!(page.contains("\n| 57 | `fork` | not supported (ENOSYS): "));
}
