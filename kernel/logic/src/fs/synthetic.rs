//! Directories and files that are made up: fixed names, contents written when they are opened. `/proc`, `/sys` and `/dev` are these.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;

use abi::errno::Errno;
use abi::fs::{FileType, OpenFlags, Statfs};

use super::inode::{Directory, Entry, Home, Inode, Metadata, sizeless};
use crate::file::bytes::Bytes;
use crate::file::{File, Io, Positions};

/// What all inodes of one made-up file system share.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Device number.
    pub device: u64,
    /// `f_type` of statfs(2).
    pub magic: i64,
}

/// An inode number made from a path, so that it is the same each time the inode is made.
pub fn number_of(path: &[&[u8]]) -> u64 {
    // FNV-1a, 64 bits.
    path.iter()
        .flat_map(|part| part.iter().chain(b"/"))
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
        >> 8
}

/// Gives a directory its entries.
pub trait Listing: Send + Sync + fmt::Debug + 'static {
    /// Names that are there now.
    fn names(&self) -> Vec<Vec<u8>>;
    /// The inode called `name` in `directory`.
    ///
    /// # Errors
    /// `ENOENT`.
    fn get(&self, name: &[u8], directory: &Arc<MadeDirectory>) -> Result<Arc<dyn Inode>, Errno>;
}

/// A directory whose entries a [`Listing`] gives.
#[derive(Debug)]
pub struct MadeDirectory {
    kind: Kind,
    number: u64,
    home: Option<Home>,
    listing: Box<dyn Listing>,
    me: alloc::sync::Weak<Self>,
}

impl MadeDirectory {
    /// The directory at `home` with the entries of `listing`.
    pub fn new(kind: Kind, number: u64, home: Option<Home>, listing: Box<dyn Listing>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self { kind, number, home, listing, me: me.clone() })
    }

    /// The file system it belongs to.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The place called `name` in this directory, and the inode number for it.
    pub fn child(self: &Arc<Self>, name: &[u8]) -> (Home, u64) {
        let number = number_of(&[&self.number.to_le_bytes(), name]);
        (Home { directory: Arc::clone(self) as Arc<dyn Inode>, name: Box::from(name) }, number)
    }

    /// The directory called `name` in this one, with the entries of `listing`.
    pub fn inner(self: &Arc<Self>, name: &[u8], listing: Box<dyn Listing>) -> Arc<dyn Inode> {
        let (home, number) = self.child(name);
        Self::new(self.kind, number, Some(home), listing)
    }
}

impl Inode for MadeDirectory {
    fn metadata(&self) -> Metadata {
        Metadata { links: 2, ..Metadata::new(self.kind.device, self.number, FileType::Directory, 0o755) }
    }

    fn open(self: Arc<Self>, _flags: OpenFlags, _io: &Io<'_>) -> Result<Arc<dyn File>, Errno> {
        Ok(self)
    }

    fn directory(&self) -> Option<&dyn Directory> {
        Some(self)
    }

    fn home(&self) -> Option<Home> {
        self.home.clone()
    }

    fn file_system(&self) -> Statfs {
        sizeless(self.kind.magic)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl File for MadeDirectory {
    fn read_at(
        &self,
        _io: &Io<'_>,
        _offset: u64,
        _out: &mut dyn crate::file::io::Sink,
    ) -> Result<usize, Errno> {
        Err(Errno::EISDIR)
    }

    fn positions(&self) -> Positions {
        Positions::Kept
    }
}

impl Directory for MadeDirectory {
    fn lookup(&self, name: &[u8]) -> Result<Arc<dyn Inode>, Errno> {
        self.listing.get(name, &self.me.upgrade().ok_or(Errno::ENOENT)?)
    }

    fn entries(&self, from: u64, visit: &mut dyn FnMut(Entry<'_>) -> bool) {
        let parent = self.home.as_ref().map_or(self.number, |home| home.directory.metadata().inode);
        let dots = [(self.number, b".".to_vec()), (parent, b"..".to_vec())]
            .map(|(inode, name)| (inode, FileType::Directory, name));
        let named = self.listing.names().into_iter().filter_map(|name| {
            let metadata = self.lookup(&name).ok()?.metadata();
            Some((metadata.inode, metadata.kind, name))
        });
        for (position, (inode, kind, name)) in (0..).zip(dots.into_iter().chain(named)) {
            if position >= from && !visit(Entry { inode, kind, name: &name, next: position + 1 }) {
                return;
            }
        }
    }
}

/// Writes the contents of a file when it is opened.
pub type Write = Box<dyn Fn() -> Vec<u8> + Send + Sync>;

/// A file whose contents are made when it is opened.
pub struct MadeFile {
    metadata: Metadata,
    magic: i64,
    home: Home,
    write: Write,
}

impl MadeFile {
    /// The read-only file called `name` in `directory`.
    pub fn inode(directory: &Arc<MadeDirectory>, name: &[u8], write: Write) -> Arc<dyn Inode> {
        let (home, number) = directory.child(name);
        let metadata = Metadata::new(directory.kind.device, number, FileType::Regular, 0o444);
        Arc::new(Self { metadata, magic: directory.kind.magic, home, write })
    }
}

impl fmt::Debug for MadeFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MadeFile").field("metadata", &self.metadata).finish_non_exhaustive()
    }
}

impl Inode for MadeFile {
    fn metadata(&self) -> Metadata {
        self.metadata
    }

    fn open(self: Arc<Self>, _flags: OpenFlags, _io: &Io<'_>) -> Result<Arc<dyn File>, Errno> {
        Ok(Arc::new(Bytes((self.write)())))
    }

    fn home(&self) -> Option<Home> {
        Some(self.home.clone())
    }

    fn file_system(&self) -> Statfs {
        sizeless(self.magic)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Where a link of `/proc` leads: the text, and perhaps the inode itself.
#[derive(Clone, Debug)]
pub struct Target {
    /// What readlink(2) answers.
    pub text: Vec<u8>,
    /// Where following it leads, whatever the text says.
    pub inode: Option<Arc<dyn Inode>>,
}

/// A symbolic link whose target is made when it is read.
pub struct MadeLink {
    metadata: Metadata,
    magic: i64,
    home: Home,
    target: Box<dyn Fn() -> Result<Target, Errno> + Send + Sync>,
}

impl MadeLink {
    /// The link called `name` in `directory`.
    pub fn inode(
        directory: &Arc<MadeDirectory>,
        name: &[u8],
        target: Box<dyn Fn() -> Result<Target, Errno> + Send + Sync>,
    ) -> Arc<dyn Inode> {
        let (home, number) = directory.child(name);
        let metadata = Metadata::new(directory.kind.device, number, FileType::Symlink, 0o777);
        Arc::new(Self { metadata, magic: directory.kind.magic, home, target })
    }

    /// A link that always says `text`.
    pub fn fixed(directory: &Arc<MadeDirectory>, name: &[u8], text: &'static [u8]) -> Arc<dyn Inode> {
        Self::inode(directory, name, Box::new(|| Ok(Target { text: text.to_vec(), inode: None })))
    }
}

impl fmt::Debug for MadeLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MadeLink").field("metadata", &self.metadata).finish_non_exhaustive()
    }
}

impl Inode for MadeLink {
    fn metadata(&self) -> Metadata {
        self.metadata
    }

    fn read_link(&self) -> Result<Vec<u8>, Errno> {
        (self.target)().map(|target| target.text)
    }

    fn jump(&self) -> Option<Result<Arc<dyn Inode>, Errno>> {
        match (self.target)() {
            Ok(target) => target.inode.map(Ok),
            Err(errno) => Some(Err(errno)),
        }
    }

    fn home(&self) -> Option<Home> {
        Some(self.home.clone())
    }

    fn file_system(&self) -> Statfs {
        sizeless(self.magic)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What an entry of a fixed directory is. Its functions are given `S`, what the whole table is about.
///
/// A table and one function for every kind of entry, instead of code for each: an image has a hundred of them.
pub enum Made<S: 'static> {
    /// A file with this text.
    Text(&'static str),
    /// A file with the contents that the function gives.
    File(fn(&S) -> Vec<u8>),
    /// A link that always says this.
    Link(&'static [u8]),
    /// A link to what the function finds.
    Leads(fn(&S) -> Result<Target, Errno>),
    /// A directory with these entries.
    Directory(Table<S>),
    /// A directory with what the function lists.
    Listed(fn(&S) -> Box<dyn Listing>),
    /// An inode of its own kind.
    Inode(Make<S>),
}

/// Makes the inode called this in this directory.
pub type Make<S> = fn(&S, &Arc<MadeDirectory>, &[u8]) -> Arc<dyn Inode>;

/// Entries of a fixed directory, by name.
pub type Table<S> = &'static [(&'static [u8], Made<S>)];

/// A listing of names that are always there.
pub struct Fixed<S: 'static> {
    table: Table<S>,
    about: S,
}

impl<S> Fixed<S> {
    /// The entries of `table`, about `about`.
    pub fn new(table: Table<S>, about: S) -> Self {
        Self { table, about }
    }
}

impl<S> fmt::Debug for Fixed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.table.iter().map(|(name, _)| name)).finish()
    }
}

impl<S: Clone + Send + Sync> Listing for Fixed<S> {
    fn names(&self) -> Vec<Vec<u8>> {
        self.table.iter().map(|(name, _)| name.to_vec()).collect()
    }

    fn get(&self, name: &[u8], directory: &Arc<MadeDirectory>) -> Result<Arc<dyn Inode>, Errno> {
        let (_, made) = self.table.iter().find(|(known, _)| *known == name).ok_or(Errno::ENOENT)?;
        let about = self.about.clone();
        Ok(match *made {
            Made::Text(text) => MadeFile::inode(directory, name, Box::new(|| text.as_bytes().to_vec())),
            Made::File(write) => MadeFile::inode(directory, name, Box::new(move || write(&about))),
            Made::Link(text) => MadeLink::fixed(directory, name, text),
            Made::Leads(find) => MadeLink::inode(directory, name, Box::new(move || find(&about))),
            Made::Directory(table) => directory.inner(name, Box::new(Self { table, about })),
            Made::Listed(list) => directory.inner(name, list(&about)),
            Made::Inode(make) => make(&about, directory, name),
        })
    }
}
