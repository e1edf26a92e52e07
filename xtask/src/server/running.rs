//! A process that was started here and ends no later than its owner.

use std::io::{ErrorKind, Read as _};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::process;
use crate::run::code;

/// How long a server may take until it listens.
const START: Duration = Duration::from_secs(120);
/// How long a program may take to end when it is told to.
const END: Duration = Duration::from_secs(30);

/// A process that ends with the value.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        Ok(Self(command.spawn().with_context(|| format!("cannot start {}", process::show(command)))?))
    }

    /// Tells a guest to end, and waits for it.
    pub(crate) fn end(mut self) -> Result<()> {
        if let Some(status) = self.0.try_wait()? {
            bail!("it had ended before, with {status}");
        }
        kill_process(Pid::from_child(&self.0), Signal::TERM)?;
        let start = Instant::now();
        while start.elapsed() < END {
            match self.0.try_wait()? {
                Some(status) if is_of_the_tool(status) => bail!("ended with {status}"),
                Some(_) => return Ok(()),
                None => thread::sleep(Duration::from_millis(50)),
            }
        }
        bail!("it runs on after {} s", END.as_secs())
    }
}

/// Whether an exit code is the tool's or the kernel's, not the program's (docs/exit-codes.md).
fn is_of_the_tool(status: ExitStatus) -> bool {
    status.code().is_none_or(|code| (i32::from(code::TIMED_OUT)..=i32::from(code::NO_IMAGE)).contains(&code))
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended. QEMU ends with the tool that started it.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Until something listens at a port of this host. QEMU accepts for a guest that does not listen yet, and hangs up then.
pub(crate) fn wait_for(port: u16) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < START {
        if let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            // Who listens waits for a question, or speaks first.
            match stream.read(&mut [0]) {
                Ok(1..) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                _ => {}
            }
        }
        thread::sleep(Duration::from_millis(200));
    }
    bail!("nothing listens after {} s", START.as_secs())
}
