//! Archives, read back field by field.

use std::fs;
use std::path::Path;

use super::{Item, write};

fn names(archive: &[u8]) -> Vec<(String, u32)> {
    let mut names = Vec::new();
    let mut at = 0;
    loop {
        let hex = |field: usize| {
            u32::from_str_radix(
                std::str::from_utf8(&archive[at + 6 + 8 * field..at + 14 + 8 * field]).unwrap(),
                16,
            )
            .unwrap()
        };
        assert_eq!(&archive[at..at + 6], b"070701");
        let (size, length) = (hex(6) as usize, hex(11) as usize);
        let name = String::from_utf8(archive[at + 110..at + 109 + length].to_vec()).unwrap();
        if name == "TRAILER!!!" {
            return names;
        }
        names.push((name, hex(6)));
        at = (at + 110 + length).next_multiple_of(4);
        at = (at + size).next_multiple_of(4);
    }
}

#[test]
fn parents_files_and_skipped_directories() {
    let dir = std::env::temp_dir().join(format!("caracal-pack-{}", std::process::id()));
    fs::create_dir_all(dir.join("in/target")).unwrap();
    fs::create_dir_all(dir.join("in/sub/target")).unwrap();
    fs::write(dir.join("in/a.txt"), "12345").unwrap();
    let file = dir.join("out.cpio");
    write(&[Item { host: dir.join("in"), guest: "/srv/x".into() }], &["target"], &file).unwrap();
    let found = names(&fs::read(&file).unwrap());
    fs::remove_dir_all(&dir).unwrap();
    let expected = [("srv", 0), ("srv/x", 0), ("srv/x/a.txt", 5), ("srv/x/sub", 0), ("srv/x/sub/target", 0)];
    assert_eq!(found, expected.map(|(name, size)| (name.to_owned(), size)));
}

#[test]
fn the_flag_wants_both_sides() {
    assert!(Item::parse("a").is_err() && Item::parse("a:b").is_err() && Item::parse(":/b").is_err());
    assert_eq!(Item::parse("a:/b").unwrap().guest, Path::new("/b"));
}
