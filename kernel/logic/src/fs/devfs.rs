//! `/dev`: null, zero, full, random, urandom, tty, console, and the standard streams (null(4), random(4), tty(4)).

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;

use abi::errno::Errno;
use abi::fs::{FileType, OpenFlags, Statfs, TMPFS_MAGIC, make_device};
use abi::io::PollEvents;

use super::inode::{Home, Inode, Metadata, sizeless};
use super::synthetic::{Kind, Listing, MadeDirectory, MadeLink};
use crate::file::io::{Sink, Source, partial};
use crate::file::mapping::Mapping;
use crate::file::{File, Io, Positions};

/// Device number of the file system.
pub const DEVICE: u64 = 5;

/// Bytes made or dropped at a time.
const STEP: usize = 4096;

/// What a memory device does.
#[derive(Clone, Copy)]
enum Memory {
    Null,
    Zero,
    Full,
    /// Random bytes from this generator.
    Random(fn(&mut [u8])),
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Zero => "Zero",
            Self::Full => "Full",
            Self::Random(_) => "Random",
        })
    }
}

impl File for Memory {
    fn read_at(&self, _io: &Io<'_>, _offset: u64, out: &mut dyn Sink) -> Result<usize, Errno> {
        let wanted = out.room();
        match self {
            Self::Null => Ok(0),
            Self::Zero | Self::Full => {
                let mut done = 0;
                while done < wanted {
                    let count = (wanted - done).min(STEP);
                    if let Err(errno) = out.put_zeros(count) {
                        return partial(done, Err(errno));
                    }
                    done += count;
                }
                Ok(done)
            }
            Self::Random(fill) => {
                let mut bytes = [0; 256];
                let mut done = 0;
                while done < wanted {
                    let count = (wanted - done).min(bytes.len());
                    fill(&mut bytes[..count]);
                    if let Err(errno) = out.put(&bytes[..count]) {
                        return partial(done, Err(errno));
                    }
                    done += count;
                }
                Ok(done)
            }
        }
    }

    fn write_at(&self, _io: &Io<'_>, _offset: u64, from: &mut dyn Source) -> Result<usize, Errno> {
        match self {
            Self::Full => Err(Errno::ENOSPC),
            // Nobody looks at the bytes; entropy from the program is not counted as any (random(4)).
            _ => Ok(from.take_unseen()),
        }
    }

    fn mapping(&self) -> Mapping<'_> {
        if matches!(self, Self::Zero) { Mapping::Zeros } else { Mapping::Nothing }
    }

    fn positions(&self) -> Positions {
        Positions::Ignored
    }

    fn readiness(&self, _io: &Io<'_>) -> PollEvents {
        PollEvents::IN | PollEvents::OUT | PollEvents::RDNORM | PollEvents::WRNORM
    }
}

/// A character device.
#[derive(Debug)]
pub struct Device {
    metadata: Metadata,
    home: Option<Home>,
    file: Arc<dyn File>,
}

impl Device {
    /// The device `number` (major, minor) at `home`, served by `file`.
    pub fn new(
        home: Home,
        inode: u64,
        (major, minor): (u32, u32),
        permissions: u32,
        file: Arc<dyn File>,
    ) -> Self {
        let special = make_device(major, minor);
        let metadata =
            Metadata { special, ..Metadata::new(DEVICE, inode, FileType::CharDevice, permissions) };
        Self { metadata, home: Some(home), file }
    }
}

impl Inode for Device {
    fn metadata(&self) -> Metadata {
        self.metadata
    }

    fn open(self: Arc<Self>, _flags: OpenFlags, _io: &Io<'_>) -> Result<Arc<dyn File>, Errno> {
        Ok(Arc::clone(&self.file))
    }

    fn home(&self) -> Option<Home> {
        self.home.clone()
    }

    fn file_system(&self) -> Statfs {
        sizeless(TMPFS_MAGIC)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A device's name, number (major, minor), permissions, and what serves it.
type Row = (&'static [u8], (u32, u32), u32, Arc<dyn File>);

/// The entries: these devices, and [`LINKS`].
#[derive(Debug)]
struct Devices([Row; 7]);

const LINKS: [(&[u8], &[u8]); 4] = [
    (b"fd", b"/proc/self/fd"),
    (b"stdin", b"/proc/self/fd/0"),
    (b"stdout", b"/proc/self/fd/1"),
    (b"stderr", b"/proc/self/fd/2"),
];

impl Listing for Devices {
    fn names(&self) -> Vec<Vec<u8>> {
        let devices = self.0.iter().map(|(name, ..)| *name);
        devices.chain(LINKS.iter().map(|(name, _)| *name)).map(<[u8]>::to_vec).collect()
    }

    fn get(&self, name: &[u8], directory: &Arc<MadeDirectory>) -> Result<Arc<dyn Inode>, Errno> {
        if let Some((_, number, permissions, file)) = self.0.iter().find(|(known, ..)| *known == name) {
            let (home, inode) = directory.child(name);
            return Ok(Arc::new(Device::new(home, inode, *number, *permissions, Arc::clone(file))));
        }
        let (_, text) = LINKS.iter().find(|(known, _)| *known == name).ok_or(Errno::ENOENT)?;
        Ok(MadeLink::fixed(directory, name, text))
    }
}

/// The directory at `home`. `console` is the terminal of the machine, `fill` gives random bytes.
pub fn new(home: Home, console: &Arc<dyn File>, fill: fn(&mut [u8])) -> Arc<MadeDirectory> {
    let devices = Devices([
        (b"null", (1, 3), 0o666, Arc::new(Memory::Null)),
        (b"zero", (1, 5), 0o666, Arc::new(Memory::Zero)),
        (b"full", (1, 7), 0o666, Arc::new(Memory::Full)),
        (b"random", (1, 8), 0o666, Arc::new(Memory::Random(fill))),
        (b"urandom", (1, 9), 0o666, Arc::new(Memory::Random(fill))),
        (b"tty", (5, 0), 0o666, Arc::clone(console)),
        (b"console", (5, 1), 0o600, Arc::clone(console)),
    ]);
    let kind = Kind { device: DEVICE, magic: TMPFS_MAGIC };
    MadeDirectory::new(kind, 1, Some(home), Box::new(devices))
}
