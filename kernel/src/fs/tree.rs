//! The tree of files: what Linux programs expect, then what the archive brings, `/dev`, `/proc`, and the program's file in its place.
//!
//! It is laid out when somebody first looks at it: a program that only computes and prints never pays for it.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::slice;

use abi::errno::Errno;
use abi::fs::FileType;
use logic::file::File;
use logic::fs::devfs;
use logic::fs::initrd;
use logic::fs::inode::{Caller, Home, Inode, Metadata, New};
use logic::fs::live::{Ask, LiveFile};
use logic::fs::path::{Last, Walk};
use logic::fs::procfs;
use logic::fs::ramfs::{Node, Ramfs};
use logic::net::inet::resolver;
use sync::Lock;

use super::executable::Executable;
use super::wall_time;
use crate::arch::paging::direct;
use crate::mm::frames;
use crate::rng;

/// Device number of the root file system.
pub(super) const ROOT_DEVICE: u64 = 1;

/// The tree and the places in it that the process stands at.
#[derive(Debug)]
pub struct Tree {
    /// What `/` means.
    pub root: Arc<dyn Inode>,
    /// The working directory.
    pub working_directory: Lock<Arc<dyn Inode>>,
    /// Where files without a name are made.
    pub memory: Arc<Node>,
    /// The program's own file.
    pub executable: Arc<dyn Inode>,
}

impl Tree {
    /// The terminal of the machine, in its place.
    pub(super) fn terminal(&self) -> Result<Arc<dyn Inode>, Errno> {
        let caller = Caller::default();
        Walk { root: &self.root, caller: &caller }.resolve(&self.root, b"/dev/console", Last::Follow)
    }
}

/// What the tree grows from.
#[derive(Debug)]
pub(super) struct Seed {
    /// First and last physical address of the archive that the boot protocol left.
    pub(super) archive: Option<(u64, u64)>,
    /// The program's name: the first of its arguments.
    pub(super) program: Vec<u8>,
    /// The first working directory.
    pub(super) cwd: Vec<u8>,
    /// The terminal of the machine.
    pub(super) console: Arc<dyn File>,
    /// What `/proc` tells.
    pub(super) facts: procfs::Source,
    /// What the machine is called.
    pub(super) host_name: String,
    /// What `/etc/resolv.conf` tells.
    pub(super) resolver: Ask,
}

/// Why the tree could not be laid out.
pub(super) type MountError = Box<dyn core::fmt::Display>;

/// Pages that files could still have, and all.
fn space() -> (u64, u64) {
    (frames::available(), frames::usage().1)
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    rng::fill(&mut bytes);
    u64::from_ne_bytes(bytes)
}

impl Seed {
    /// Whether there is something in it that can be wrong, so that boot should find out.
    pub(super) fn may_be_wrong(&self) -> bool {
        self.archive.is_some() || self.cwd != b"/"
    }

    /// Lays the tree out.
    ///
    /// # Errors
    /// A malformed archive, a working directory that is not there, or no memory.
    pub(super) fn grow(&self) -> Result<Tree, MountError> {
        let root = Ramfs::new_root(ROOT_DEVICE, random(), space, wall_time());
        if let Some((start, end)) = self.archive {
            initrd::unpack(&root, archive(start, end)).map_err(|error| Box::new(error) as MountError)?;
        }
        self.lay_out(&root).map_err(|errno| Box::new(errno) as MountError)
    }

    fn lay_out(&self, root: &Arc<Node>) -> Result<Tree, Errno> {
        for (name, permissions) in [
            (&b"dev"[..], 0o755),
            (b"etc", 0o755),
            (b"proc", 0o555),
            (b"root", 0o700),
            (b"run", 0o755),
            (b"sys", 0o555),
            (b"tmp", 0o1777),
            (b"var", 0o755),
        ] {
            directory(root, name, permissions)?;
        }
        for (path, text) in DEFAULT_FILES {
            default_file(root, path, text)?;
        }
        self.lay_out_names(root)?;
        let executable = place_executable(root, &self.program)?;
        let root: Arc<dyn Inode> = Arc::clone(root) as _;
        bind(&root, b"dev", |home| devfs::new(home, &self.console, rng::fill))?;
        bind(&root, b"proc", |home| procfs::new_proc(home, &self.facts))?;
        bind(&root, b"sys", |home| procfs::new_sys(home, &self.facts))?;
        let caller = Caller::default();
        let walk = Walk { root: &root, caller: &caller };
        let working_directory = walk.resolve(&root, &self.cwd, Last::Follow).inspect_err(|_| {
            log::error!("the working directory {} is not there", self.cwd.escape_ascii());
        })?;
        Ok(Tree {
            working_directory: Lock::new(working_directory),
            memory: Ramfs::new_root(ROOT_DEVICE + 1, random(), space, wall_time()),
            executable,
            root,
        })
    }
}

impl Seed {
    /// What the machine is called, and whom it asks for other names.
    fn lay_out_names(&self, root: &Arc<Node>) -> Result<(), Errno> {
        let lasting = |text: String| -> &'static [u8] { text.into_bytes().leak() };
        let hosts = resolver::hosts(&self.host_name);
        default_file(root, b"etc/hosts", lasting(hosts))?;
        default_file(root, b"etc/hostname", lasting(format!("{}\n", self.host_name)))?;
        let folder = directory(root, b"etc", 0o755)?;
        let home = Home { directory: Arc::clone(&folder) as _, name: Box::from(RESOLVER) };
        let file = LiveFile::new(home, (ROOT_DEVICE, RESOLVER_NUMBER), wall_time(), self.resolver);
        match folder.bind(RESOLVER, Arc::new(file)) {
            Ok(()) | Err(Errno::EEXIST) => Ok(()),
            Err(errno) => Err(errno),
        }
    }
}

/// The archive that the boot protocol left in memory.
fn archive(start: u64, end: u64) -> &'static [u8] {
    #[expect(unsafe_code, reason = "the archive lies in memory that is not given out")]
    // SAFETY: mm::init kept the archive's frames out of what is given out and maps them; nobody writes to them.
    unsafe {
        slice::from_raw_parts(direct(start) as *const u8, (end - start) as usize)
    }
}

/// Files that programs look for, unless the archive brings its own.
const DEFAULT_FILES: [(&[u8], &[u8]); 3] = [
    (
        b"etc/passwd",
        b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    ),
    (b"etc/group", b"root:x:0:\nnogroup:x:65534:\nnobody:x:65533:\n"),
    (b"etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files dns\n"),
];

/// The file that names the name servers, and its inode number: beside the program's own file.
const RESOLVER: &[u8] = b"resolv.conf";
const RESOLVER_NUMBER: u64 = u32::MAX as u64 - 1;

fn as_node(inode: Arc<dyn Inode>) -> Result<Arc<Node>, Errno> {
    (inode as Arc<dyn core::any::Any + Send + Sync>).downcast().map_err(|_| Errno::EBUSY)
}

/// The directory `name` in `parent`, made if it is not there.
fn directory(parent: &Arc<Node>, name: &[u8], permissions: u32) -> Result<Arc<Node>, Errno> {
    match parent.directory().ok_or(Errno::ENOTDIR)?.lookup(name) {
        Ok(inode) => as_node(inode),
        Err(_) => {
            let metadata =
                Metadata { modified: wall_time(), ..Metadata::new(0, 0, FileType::Directory, permissions) };
            parent.insert(name, New::Directory, &metadata, b"")
        }
    }
}

fn default_file(root: &Arc<Node>, path: &[u8], text: &'static [u8]) -> Result<(), Errno> {
    let (folder, name) = path.split_at(path.iter().position(|&byte| byte == b'/').unwrap_or(0));
    let folder = directory(root, folder, 0o755)?;
    let metadata = Metadata { modified: wall_time(), ..Metadata::new(0, 0, FileType::Regular, 0o644) };
    match folder.insert(&name[1..], New::Regular, &metadata, text) {
        Ok(_) | Err(Errno::EEXIST) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// Hangs another file system under `name` of the root, in place of an empty directory or beside what the archive brought.
fn bind<T: Inode>(
    root: &Arc<dyn Inode>,
    name: &[u8],
    make: impl FnOnce(Home) -> Arc<T>,
) -> Result<(), Errno> {
    let node = as_node(Arc::clone(root))?;
    let home = Home { directory: Arc::clone(root), name: Box::from(name) };
    node.directory().ok_or(Errno::ENOTDIR)?.remove_directory(name, wall_time())?;
    node.bind(name, make(home))
}

/// Puts the program's file where its first argument says (or into `/bin`), so that what programs find there is what runs.
fn place_executable(root: &Arc<Node>, program: &[u8]) -> Result<Arc<dyn Inode>, Errno> {
    let name =
        program.rsplit(|&byte| byte == b'/').next().filter(|name| !name.is_empty()).unwrap_or(b"program");
    let folder = directory(root, b"bin", 0o755)?;
    let home = Home { directory: Arc::clone(&folder) as _, name: Box::from(name) };
    let file: Arc<dyn Inode> = Arc::new(Executable::new(home, wall_time()));
    match folder.bind(name, Arc::clone(&file)) {
        Ok(()) | Err(Errno::EEXIST) => Ok(file),
        Err(errno) => Err(errno),
    }
}
