//! The standard streams and the console: what the host gave the program to read from and write to.

use alloc::boxed::Box;
use alloc::sync::Arc;

use abi::errno::Errno;
use abi::fs::OpenFlags;
use logic::boot::cmdline::{Options, Stdin};
use logic::file::File;
use logic::file::input::{Input, Notify, Origin};
use logic::file::open::OpenFile;
use logic::file::stream::{ConsoleTerminal, Stream};
use logic::file::table::FdTable;
use logic::fs::special::HostStream;

use super::tree::Tree;
use crate::console;
use crate::drivers::serial;

/// Inode numbers of the host's streams, far from those of pipes.
const STREAM_NUMBERS: u64 = 1 << 32;

/// The standard streams and the console.
pub(super) struct Streams {
    /// The terminal of the machine.
    pub(super) console: Arc<dyn File>,
    streams: [Arc<Stream>; 3],
}

impl Streams {
    pub(super) fn new(options: &Options, notify: Notify) -> Self {
        let origin = if options.terminals[0] { Origin::Terminal } else { Origin::Stream };
        let input = Arc::new(Input::new(options.stdin, origin, Box::new(serial::resume), notify));
        if options.stdin != Stdin::None {
            let receiver = Arc::clone(&input);
            serial::set_receiver(Box::new(move |byte| receiver.receive(byte)));
        }
        let (columns, rows) = options.window;
        let terminal = Arc::new(ConsoleTerminal::new(columns, rows, Arc::clone(&input)));
        let is_terminal = |fd: usize| options.terminals[fd].then(|| Arc::clone(&terminal));
        let both =
            Stream::new(Some(Arc::clone(&input)), Some(console::write_output), Some(Arc::clone(&terminal)));
        let streams = [
            Arc::new(Stream::new(
                Some(input),
                options.terminals[0].then_some(console::write_output as fn(&[u8])),
                is_terminal(0),
            )),
            Arc::new(Stream::new(None, Some(console::write_output), is_terminal(1))),
            Arc::new(Stream::new(None, Some(console::write_error), is_terminal(2))),
        ];
        Self { console: Arc::new(both), streams }
    }

    /// Whether one of them is a terminal, which has its place in the tree.
    pub(super) fn has_terminal(&self) -> bool {
        self.streams.iter().any(|stream| stream.is_terminal())
    }

    /// Opens descriptors 0, 1 and 2.
    pub(super) fn open(self, tree: Option<&Tree>, table: &mut FdTable) -> Result<(), Errno> {
        let terminal = tree.map(Tree::terminal).transpose()?;
        for (number, stream) in (STREAM_NUMBERS..).zip(self.streams) {
            let is_terminal = stream.is_terminal();
            let reads = number == STREAM_NUMBERS;
            let file: Arc<dyn File> = stream;
            let inode = match &terminal {
                Some(terminal) if is_terminal => Arc::clone(terminal),
                _ => Arc::new(HostStream::new(Arc::clone(&file), number)) as _,
            };
            let access = match (is_terminal, reads) {
                (true, _) => OpenFlags::RDWR,
                (false, true) => OpenFlags::empty(),
                (false, false) => OpenFlags::WRONLY,
            };
            table.insert(OpenFile::new(file, inode, access | OpenFlags::LARGEFILE), false, 0)?;
        }
        Ok(())
    }
}
