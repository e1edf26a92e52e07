//! Rows into lines.

use super::page;

#[test]
fn rows_become_lines() {
    let table = "x! {\n    0 read => io::sys_read(fd: Fd) [Full]\n    9 mmap => mm::sys_mmap(\n        a: u8,\n    ) [Partial \"no MAP_X\"]\n}\n";
    let page = page(table).unwrap();
    assert!(page.contains("| 0 | `read` | full | `io::sys_read` |"), "{page}");
    assert!(page.contains("| 9 | `mmap` | partial: no MAP_X | `mm::sys_mmap` |"), "{page}");
    assert!(super::page("nothing").is_err());
}
