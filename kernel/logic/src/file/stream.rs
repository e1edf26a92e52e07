//! Standard input, output and error: streams to and from the host, each perhaps a terminal.

use alloc::sync::Arc;
use core::fmt;

use abi::errno::Errno;
use abi::io::PollEvents;
use abi::tty::{LocalFlags, Termios, Winsize, control};
use sync::Lock;

use super::input::{Input, SignalCharacters};
use super::io::{Sink, Source, partial};
use super::poll::WRITABLE;
use super::terminal::{Terminal, default_settings};
use super::{File, Io};

/// Bytes handed to the device at a time.
const STEP: usize = 512;

/// The terminal that standard streams share.
#[derive(Debug)]
pub struct ConsoleTerminal {
    settings: Lock<Termios>,
    window: Lock<Winsize>,
    input: Arc<Input>,
}

impl ConsoleTerminal {
    /// A terminal of `columns` by `rows`, reading from `input`.
    pub fn new(columns: u16, rows: u16, input: Arc<Input>) -> Self {
        let window = Winsize { ws_row: rows, ws_col: columns, ..Winsize::default() };
        let settings = default_settings();
        input.set_signal_characters(signal_characters(&settings));
        Self { settings: Lock::new(settings), window: Lock::new(window), input }
    }

    fn is_line_wise(&self) -> bool {
        self.settings.lock().c_lflag & LocalFlags::ICANON.bits() != 0
    }
}

/// What arrives as a signal under these settings.
fn signal_characters(settings: &Termios) -> SignalCharacters {
    if settings.c_lflag & LocalFlags::ISIG.bits() == 0 {
        return SignalCharacters::default();
    }
    SignalCharacters {
        interrupt: settings.c_cc[control::VINTR],
        quit: settings.c_cc[control::VQUIT],
        suspend: settings.c_cc[control::VSUSP],
        keeps_input: settings.c_lflag & LocalFlags::NOFLSH.bits() != 0,
    }
}

impl Terminal for ConsoleTerminal {
    fn settings(&self) -> Termios {
        *self.settings.lock()
    }

    fn set_settings(&self, settings: Termios) {
        let mut current = self.settings.lock();
        *current = settings;
        self.input.set_signal_characters(signal_characters(&settings));
    }

    fn window(&self) -> Winsize {
        *self.window.lock()
    }

    fn set_window(&self, window: Winsize) {
        *self.window.lock() = window;
    }

    fn drop_input(&self) -> Result<(), Errno> {
        self.input.clear();
        Ok(())
    }
}

/// One standard stream, or the console that is all of them.
pub struct Stream {
    input: Option<Arc<Input>>,
    output: Option<fn(&[u8])>,
    terminal: Option<Arc<ConsoleTerminal>>,
}

impl Stream {
    /// A stream that reads from `input` and writes with `output`, and is `terminal`, each if given.
    pub fn new(
        input: Option<Arc<Input>>,
        output: Option<fn(&[u8])>,
        terminal: Option<Arc<ConsoleTerminal>>,
    ) -> Self {
        Self { input, output, terminal }
    }

    /// Whether it is a terminal.
    pub fn is_terminal(&self) -> bool {
        self.terminal.is_some()
    }
}

impl File for Stream {
    fn read_at(&self, io: &Io<'_>, _offset: u64, out: &mut dyn Sink) -> Result<usize, Errno> {
        let line_wise = self.terminal.as_ref().is_some_and(|terminal| terminal.is_line_wise());
        self.input.as_ref().ok_or(Errno::EBADF)?.read(io, line_wise, out)
    }

    fn write_at(&self, _io: &Io<'_>, _offset: u64, from: &mut dyn Source) -> Result<usize, Errno> {
        let write = self.output.ok_or(Errno::EBADF)?;
        let mut done = 0;
        while from.left() > 0 {
            let mut bytes = [0; STEP];
            let count = from.left().min(STEP);
            if let Err(errno) = from.take(&mut bytes[..count]) {
                return partial(done, Err(errno));
            }
            write(&bytes[..count]);
            done += count;
        }
        Ok(done)
    }

    fn readiness(&self, io: &Io<'_>) -> PollEvents {
        let input = self.input.as_ref().map_or(PollEvents::empty(), |input| input.readiness(io));
        let output = self.output.map_or(PollEvents::empty(), |_| WRITABLE);
        input | output
    }

    fn can_poll(&self) -> bool {
        true
    }

    fn terminal(&self) -> Option<&dyn Terminal> {
        self.terminal.as_deref().map(|terminal| terminal as &dyn Terminal)
    }

    fn available(&self, _offset: u64) -> Result<u64, Errno> {
        Ok(self.input.as_ref().map_or(0, |input| input.available() as u64))
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("terminal", &self.terminal).finish_non_exhaustive()
    }
}
