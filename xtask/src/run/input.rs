//! The guest's standard input: what we read, in frames (docs/command-line.md), and signals for the program between them.

use std::io::{Read as _, Write as _};
use std::process::ChildStdin;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The length that announces a signal instead of bytes.
const SIGNAL_FRAME: u16 = u16::MAX;
/// A guest that does not read keeps the line busy; a signal waits for it so many times so long.
const PATIENCE: (u32, Duration) = (20, Duration::from_millis(10));

/// The line to COM1.
#[derive(Clone)]
pub(super) struct Input(Arc<Mutex<Option<ChildStdin>>>);

impl Input {
    /// The line that ends in `pipe`.
    pub(super) fn new(pipe: Option<ChildStdin>) -> Self {
        Self(Arc::new(Mutex::new(pipe)))
    }

    /// Says that there is nothing to read.
    pub(super) fn end(&self) {
        self.frame(&[]);
    }

    /// Hands on our standard input until it ends, from a thread of its own.
    ///
    /// The thread is never joined: it may be waiting for a key that is never pressed. The line stays open, for signals.
    pub(super) fn feed(&self) {
        let line = self.clone();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            let mut from = std::io::stdin().lock();
            loop {
                let count = from.read(&mut buffer).unwrap_or(0);
                if !line.frame(buffer.get(..count).unwrap_or_default()) || count == 0 {
                    break;
                }
            }
        });
    }

    /// A length as u16 little-endian, then the bytes; no bytes are the end of file. False: QEMU has gone.
    fn frame(&self, bytes: &[u8]) -> bool {
        let length = u16::try_from(bytes.len()).unwrap_or(0).to_le_bytes();
        let Ok(mut line) = self.0.lock() else { return false };
        let frame = [length.as_slice(), bytes].concat();
        line.as_mut().is_some_and(|line| line.write_all(&frame).and_then(|()| line.flush()).is_ok())
    }

    /// Sends the program a signal. False: it does not get through.
    pub(super) fn signal(&self, number: i32) -> bool {
        let [low, high] = SIGNAL_FRAME.to_le_bytes();
        let Ok(number) = u8::try_from(number) else { return false };
        for _ in 0..PATIENCE.0 {
            if let Ok(mut line) = self.0.try_lock() {
                let frame = [low, high, number];
                return line
                    .as_mut()
                    .is_some_and(|line| line.write_all(&frame).and_then(|()| line.flush()).is_ok());
            }
            thread::sleep(PATIENCE.1);
        }
        false
    }
}
