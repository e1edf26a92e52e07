//! Paths of any parts lead where a list of names says that knows nothing of inodes.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use alloc::{format, vec};

use abi::errno::Errno;
use abi::fs::SYMLINKS_MAX;
use proptest::prelude::*;

use super::super::{Last, Walk};
use super::find;
use crate::fs::inode::{Caller, Inode, New};
use crate::fs::ramfs::Ramfs;
use crate::fs::vfs::At;
use crate::properties::cases;

/// Where symbolic links are.
const LINKS: [&str; 4] = ["/l", "/m", "/a/l", "/a/b/m"];

/// What a name leads to.
#[derive(Clone, Debug)]
enum Node {
    Directory,
    File,
    Link(String),
}

/// All there is, by absolute path; the root is the empty one.
type Tree = BTreeMap<String, Node>;

fn tree(targets: &[String]) -> Tree {
    let directories = ["", "/a", "/a/b"].map(|path| (path.to_string(), Node::Directory));
    let files = ["/f", "/a/f"].map(|path| (path.to_string(), Node::File));
    let links =
        LINKS.iter().zip(targets).map(|(path, target)| (path.to_string(), Node::Link(target.clone())));
    directories.into_iter().chain(files).chain(links).collect()
}

fn inodes(tree: &Tree) -> Arc<dyn Inode> {
    let root: Arc<dyn Inode> = Ramfs::new_root(1, 0, || (1, 1), abi::time::Timespec::default());
    let caller = Caller::default();
    let walk = Walk { root: &root, caller: &caller };
    for (path, node) in tree.iter().filter(|(path, _)| !path.is_empty()) {
        let new = match node {
            Node::Directory => New::Directory,
            Node::File => New::Regular,
            Node::Link(target) => New::Symlink(target.as_bytes()),
        };
        walk.create(At { start: &root, path: path.as_bytes() }, new, 0o755).unwrap();
    }
    root
}

/// The parts of a path; a slash at the end is one more `.`.
fn parts(path: &str) -> Vec<String> {
    let end = path.ends_with('/').then_some(".");
    path.split('/').filter(|part| !part.is_empty()).chain(end).map(str::to_string).collect()
}

fn resolve(tree: &Tree, path: &str, last: Last) -> Result<String, Errno> {
    let mut at: Vec<String> = vec![];
    let mut rest: VecDeque<String> = parts(path).into();
    let mut links = 0;
    while let Some(part) = rest.pop_front() {
        if !matches!(tree[&joined(&at)], Node::Directory) {
            return Err(Errno::ENOTDIR);
        }
        match part.as_str() {
            "." => continue,
            ".." => {
                at.pop();
                continue;
            }
            _ => at.push(part),
        }
        match tree.get(&joined(&at)).ok_or(Errno::ENOENT)? {
            Node::Link(target) if !rest.is_empty() || last == Last::Follow => {
                links += 1;
                if links > SYMLINKS_MAX {
                    return Err(Errno::ELOOP);
                }
                at.pop();
                if target.starts_with('/') {
                    at.clear();
                }
                for part in parts(target).into_iter().rev() {
                    rest.push_front(part);
                }
            }
            _ => {}
        }
    }
    Ok(joined(&at))
}

fn joined(names: &[String]) -> String {
    names.iter().map(|name| format!("/{name}")).collect()
}

fn path() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec!["a", "a", "b", "f", "l", "l", "m", "none", ".", "..", "a/b", ".."]);
    let slashes = prop_oneof![4 => Just("/"), 1 => Just("//"), 1 => Just("///")];
    let start = prop_oneof![2 => Just(""), 1 => Just("/"), 1 => Just("//")];
    let end = prop_oneof![3 => Just(""), 1 => Just("/"), 1 => Just("//")];
    (start, part.clone(), prop::collection::vec((slashes, part), 0..8), end).prop_map(
        |(start, first, more, end)| {
            let more: String = more.iter().map(|(slashes, part)| format!("{slashes}{part}")).collect();
            format!("{start}{first}{more}{end}")
        },
    )
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn any_path_leads_where_its_parts_say(
        targets in prop::collection::vec(path(), LINKS.len()),
        paths in prop::collection::vec(path(), 1..12),
    ) {
        let tree = tree(&targets);
        let root = inodes(&tree);
        for path in &paths {
            for last in [Last::Follow, Last::NoFollow] {
                let expected = resolve(&tree, path, last).map(|path| if path.is_empty() { "/".into() } else { path });
                let found = find(&root, path.as_bytes(), last).map(|path| String::from_utf8(path).unwrap());
                prop_assert_eq!(found, expected, "{} {:?} in {:?}", path, last, targets);
            }
        }
    }
}
