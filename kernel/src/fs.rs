//! The program's files: descriptors, the tree they come from, the working directory.

mod executable;
mod held;
mod streams;
mod tree;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use abi::errno::Errno;
use abi::io::FallocateMode;
use abi::reg::Fd;
use abi::task::Resource;
use abi::time::Timespec;
use logic::boot::cmdline::Options;
use logic::file::epoll::nesting::Nesting;
use logic::file::input::Notify;
use logic::file::io::SliceSink;
use logic::file::lock::{FileId, Locks};
use logic::file::mapping::Mapping;
use logic::file::open::OpenFile;
use logic::file::table::FdTable;
use logic::file::{Around, Identity, Io};
use logic::fs::inode::Inode;
use logic::fs::live::Ask;
use logic::fs::pages::Page;
use logic::fs::procfs;
use logic::limits::Limits;
use sync::{Lock, Once};

use crate::boot::BootInfo;
use crate::mm::Memory;
use crate::mm::map::{PageSource, Sharing, Source};
use crate::{net, time};

pub use held::Held;
use streams::Streams;
use tree::{MountError, Seed, Tree};

/// Everything about files that belongs to the process.
#[derive(Debug)]
pub struct Files {
    /// Open descriptors.
    pub table: Lock<FdTable>,
    /// File mode creation mask.
    pub umask: AtomicU32,
    /// Held while one epoll instance goes into another.
    pub nesting: Nesting,
    /// Locks of open files.
    pub locks: Arc<Lock<Locks>>,
    tree: Once<Tree>,
    seed: Lock<Seed>,
    next_pipe: AtomicU64,
}

impl Files {
    /// The open file that `fd` stands for.
    ///
    /// # Errors
    /// `EBADF`.
    #[inline]
    pub fn get(&self, fd: Fd) -> Result<Arc<OpenFile>, Errno> {
        self.table.lock().get(fd).cloned()
    }

    /// The tree, laid out the first time it is asked for.
    ///
    /// # Errors
    /// `ENOMEM`; what else can go wrong went wrong at boot.
    #[inline]
    pub fn tree(&self) -> Result<&Tree, Errno> {
        match self.tree.get() {
            Some(tree) => Ok(tree),
            None => self.grow_tree(),
        }
    }

    #[cold]
    fn grow_tree(&self) -> Result<&Tree, Errno> {
        let seed = self.seed.lock();
        // Another thread may have been first.
        if self.tree.get().is_none() {
            self.tree.set(seed.grow().map_err(|_| Errno::ENOMEM)?);
        }
        self.tree.get().ok_or(Errno::ENOMEM)
    }

    /// The working directory.
    ///
    /// # Errors
    /// As for [`Files::tree`].
    pub fn working_directory(&self) -> Result<Arc<dyn Inode>, Errno> {
        Ok(Arc::clone(&self.tree()?.working_directory.lock()))
    }

    /// A number for a new pipe.
    pub fn next_pipe(&self) -> u64 {
        self.next_pipe.fetch_add(1, Ordering::Relaxed)
    }

    /// Descriptors stay below `limit` from now on.
    pub fn set_open_file_limit(&self, limit: u64) {
        self.table.lock().set_limit(usize::try_from(limit).unwrap_or(usize::MAX));
    }
}

fn wall_time() -> Timespec {
    time::wall()
}

/// The files of a program that starts with `options`; `/proc` will tell `facts`, `/etc/resolv.conf` what `resolver` answers, and `notify` hears of
/// signals that come with the input.
///
/// # Errors
/// A malformed archive, a working directory that is not there, or no memory.
pub fn mount(
    boot: &BootInfo,
    options: &Options,
    (facts, resolver): (procfs::Source, Ask),
    notify: Notify,
) -> Result<Files, MountError> {
    let streams = Streams::new(options, notify);
    let program = options.argv.first().map_or(&b"program"[..], |name| name);
    let seed = Seed {
        archive: boot.initrd,
        program: program.to_vec(),
        cwd: options.cwd.clone(),
        console: Arc::clone(&streams.console),
        facts,
        host_name: net::host_name(options),
        resolver,
    };
    let tree = Once::new();
    if seed.may_be_wrong() || streams.has_terminal() {
        tree.set(seed.grow()?);
    }
    let limit = Limits::default().get(Resource::Nofile).rlim_cur;
    let mut table = FdTable::new(usize::try_from(limit).unwrap_or(usize::MAX));
    streams.open(tree.get(), &mut table).map_err(|errno| Box::new(errno) as MountError)?;
    Ok(Files {
        table: Lock::new(table),
        umask: AtomicU32::new(0o022),
        nesting: Nesting::new(),
        locks: Arc::new(Lock::new(Locks::new())),
        tree,
        seed: Lock::new(seed),
        next_pipe: AtomicU64::new(1),
    })
}

/// What a file is told that is only read.
const READING: Around =
    Around { clock: wall_time, most_size: || u64::MAX, memory_left: || 0, identity: Identity::default };

/// A file as one call of mmap(2) sees it.
#[derive(Debug)]
struct MappedFile {
    open: Arc<OpenFile>,
    root: Arc<dyn Inode>,
    id: FileId,
    sharing: Sharing,
    around: &'static Around,
}

impl PageSource for MappedFile {
    fn fill(&self, offset: u64, page: &mut [u8; 4096]) -> Result<(), Errno> {
        if offset >= self.open.file.size() {
            return Err(Errno::ENXIO);
        }
        let mut sink = SliceSink::new(page);
        let io = Io::new(None, &READING);
        self.open.file.read_at(&io, offset, &mut sink).map(|_| ())
    }

    fn with_page(&self, offset: u64, install: &mut dyn FnMut(&mut Page)) -> Result<(), Errno> {
        match self.open.file.mapping() {
            Mapping::Pages(pages) => pages.with_page(&Io::new(None, self.around), offset, install),
            _ => Err(Errno::ENXIO),
        }
    }

    fn remove(&self, offset: u64, length: u64) -> Result<(), Errno> {
        let mode = FallocateMode::PUNCH_HOLE | FallocateMode::KEEP_SIZE;
        self.open.file.allocate(&Io::new(None, self.around), mode, offset, length)
    }

    fn sharing(&self) -> Sharing {
        self.sharing
    }

    fn file(&self) -> FileId {
        self.id
    }

    fn name(&self) -> Vec<u8> {
        logic::fs::inode::path_of(&self.root, &self.open.inode)
            .unwrap_or_else(|_| self.open.inode.description())
    }
}

impl Drop for MappedFile {
    fn drop(&mut self) {
        if let Sharing::Shared { may_write } = self.sharing
            && let Mapping::Pages(pages) = self.open.file.mapping()
        {
            pages.detach(may_write);
        }
    }
}

/// `open` as the source of a map in `memory`; `write`: it is to be writable from the start.
///
/// # Errors
/// `EACCES` when it is not open for reading, or not for the writing that a shared map wants; `EPERM` when it is sealed against that;
/// `ENODEV` for what cannot be mapped, or has no pages of its own to share.
pub fn map_file(
    files: &Files,
    open: Arc<OpenFile>,
    offset: u64,
    memory: &'static Memory,
    around: &'static Around,
    shared: bool,
    write: bool,
) -> Result<Source, Errno> {
    open.check_read().map_err(|_| Errno::EACCES)?;
    let may_write = open.check_write().is_ok();
    if shared && write && !may_write {
        return Err(Errno::EACCES);
    }
    // Nothing fails once the file knows of the map.
    let root = Arc::clone(&files.tree()?.root);
    let sharing = match open.file.mapping() {
        Mapping::Zeros => return Ok(Source::Anonymous),
        Mapping::Pages(pages) if shared => {
            Sharing::Shared { may_write: pages.attach(memory, may_write, write)? }
        }
        Mapping::Pages(_) => Sharing::Copied,
        Mapping::Copies if !(shared && may_write) => Sharing::Copied,
        Mapping::Copies | Mapping::Nothing => return Err(Errno::ENODEV),
    };
    let id = open.inode.metadata().id();
    Ok(Source::File { file: Arc::new(MappedFile { open, root, id, sharing, around }), offset })
}
