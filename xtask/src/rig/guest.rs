//! A program in a machine that is measured or attacked: Caracal's image, or a Linux kernel with the same program as its first process.
//!
//! Everything is started with the same QEMU and the same flags; only what the two kernels want to be told differs. This is not how images are
//! run (`run`): there is one console, and nothing else is attached.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::{flags, process, qemu};

/// One instruction is one nanosecond; string instructions are one for each step, so none are used for long copies.
const CPU: [&str; 2] = ["-cpu", "max,-la57,-erms,-fsrm"];

/// Kernel and program.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    /// `-kernel`.
    pub(crate) kernel: PathBuf,
    /// The archive that holds `/init`, for Linux.
    pub(crate) initrd: Option<PathBuf>,
}

/// How time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// By instructions; time that is waited for passes at once. Repeats exactly.
    Instructions,
    /// By instructions; time that is waited for passes as on the wall, so that peers outside are not too late.
    InstructionsAndWaits,
    /// As on the wall.
    Wall,
}

/// What to start.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// `-M`.
    pub(crate) name: &'static str,
    /// `-m`.
    pub(crate) memory: String,
    /// How time passes.
    pub(crate) clock: Clock,
    /// More of QEMU's arguments.
    pub(crate) extra: Vec<String>,
    /// More words for the kernel, the same for all.
    pub(crate) words: Vec<String>,
}

/// How QEMU calls it. Devices with registers in memory are on the kernel's command line only without ACPI.
pub(crate) fn name_of(kind: flags::Machine) -> &'static str {
    match kind {
        flags::Machine::Q35 => "q35",
        flags::Machine::Pc => "pc",
        flags::Machine::Microvm => "microvm,acpi=off",
    }
}

impl Machine {
    /// The machine most figures are taken on.
    pub(crate) fn microvm() -> Self {
        Self {
            name: "microvm",
            memory: "256M".to_owned(),
            clock: Clock::Instructions,
            extra: Vec::new(),
            words: Vec::new(),
        }
    }

    /// The flags that are the same for all guests.
    pub(crate) fn flags(&self) -> Vec<&str> {
        let mut flags = vec!["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"];
        flags.extend(["-accel", "tcg", "-M", self.name, "-m", &self.memory]);
        match self.clock {
            Clock::Instructions => flags.extend(["-icount", "shift=0,sleep=off"].iter().chain(&CPU)),
            Clock::InstructionsAndWaits => flags.extend(["-icount", "shift=0"].iter().chain(&CPU)),
            Clock::Wall => flags.extend(["-cpu", "max"]),
        }
        flags.extend(["-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
        flags.extend(self.extra.iter().map(String::as_str));
        flags
    }
}

/// What a guest said, and why nobody listens any more.
#[derive(Debug)]
pub(crate) struct Said {
    /// Lines of its console, without their ends.
    pub(crate) lines: Vec<String>,
    /// Whether the line came that was waited for.
    pub(crate) is_complete: bool,
    /// From the start of QEMU to that line, or to the end.
    pub(crate) elapsed: Duration,
    /// What QEMU complained of.
    pub(crate) complaints: String,
}

impl Said {
    /// An error that shows what came, unless the line came.
    pub(crate) fn complete(self) -> Result<Self> {
        if !self.is_complete {
            bail!(
                "the guest did not come to its end within {:.0} s; it said\n{}\n{}",
                self.elapsed.as_secs_f64(),
                self.lines.join("\n"),
                self.complaints
            );
        }
        Ok(self)
    }

    /// The words of lines that begin with `word`.
    pub(crate) fn records<'said>(&'said self, word: &'said str) -> impl Iterator<Item = Vec<&'said str>> {
        self.lines
            .iter()
            .map(|line| line.split(' ').collect::<Vec<_>>())
            .filter(move |words| words.first() == Some(&word))
    }
}

impl Guest {
    /// QEMU, about to boot the program with these arguments.
    pub(crate) fn command(&self, machine: &Machine, args: &[&str]) -> Result<Command> {
        let mut command = Command::new(qemu::program()?);
        command.args(machine.flags()).arg("-kernel").arg(&self.kernel);
        let (options, name) = match &self.initrd {
            Some(initrd) => {
                command.arg("-initrd").arg(initrd);
                // A first process that ends is a panic, and a panic is the end of the machine. On microvm Linux has only the PIT to measure its
                // TSC with; where that fails it waits for ever, so it is told a rate.
                match machine.clock {
                    Clock::Wall if machine.name.starts_with("microvm") => {
                        ("console=ttyS0 quiet panic=-1 tsc_early_khz=2500000", "")
                    }
                    _ => ("console=ttyS0 quiet panic=-1", ""),
                }
            }
            None => ("log=error exit-port=0xf4 stdin=none tty=", " program"),
        };
        let words = [&[options.to_owned()], machine.words.as_slice()].concat().join(" ");
        let line = match args {
            [] => words,
            args => format!("{words} --{name} {}", args.join(" ")),
        };
        command.arg("-append").arg(line).stdin(Stdio::null());
        Ok(command)
    }

    /// Boots, and listens until `is_last` says so, the machine ends or `limit` is over. The machine is gone afterwards.
    pub(crate) fn listen(
        &self,
        machine: &Machine,
        args: &[&str],
        limit: Duration,
        is_last: impl Fn(&str) -> bool,
    ) -> Result<Said> {
        listen(&mut self.command(machine, args)?, limit, is_last)
    }
}

/// Starts QEMU and listens.
pub(crate) fn listen(command: &mut Command, limit: Duration, is_last: impl Fn(&str) -> bool) -> Result<Said> {
    Running::start(command)?.listen(limit, is_last)
}

/// A machine that runs. It is gone when the value is.
pub(crate) struct Running {
    child: Child,
    start: Instant,
    console: Receiver<(String, Duration)>,
    complaints: Option<JoinHandle<String>>,
}

impl Running {
    /// Starts QEMU.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let start = Instant::now();
        let mut child = process::end_with_us(command)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", process::show(command)))?;
        let stdout = child.stdout.take().context("the output is a pipe")?;
        let mut stderr = child.stderr.take().context("the errors are a pipe")?;
        let complaints = thread::spawn(move || {
            let mut text = Vec::new();
            // What came until then is enough.
            let _ = stderr.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        let (sender, console) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
                let time = start.elapsed();
                if sender.send((String::from_utf8_lossy(&line).trim_end().to_owned(), time)).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, start, console, complaints: Some(complaints) })
    }

    /// Listens until `is_last` says so, the machine ends or `limit` is over, all since its start. The machine goes on.
    pub(crate) fn hear(&self, limit: Duration, is_last: impl Fn(&str) -> bool) -> Said {
        let mut said =
            Said { lines: Vec::new(), is_complete: false, elapsed: limit, complaints: String::new() };
        while let Ok((line, time)) = self.console.recv_timeout(limit.saturating_sub(self.start.elapsed())) {
            said.is_complete = is_last(&line);
            said.lines.push(line);
            said.elapsed = time;
            if said.is_complete {
                break;
            }
        }
        if !said.is_complete {
            said.elapsed = self.start.elapsed();
        }
        said
    }

    /// Listens, and ends the machine.
    pub(crate) fn listen(mut self, limit: Duration, is_last: impl Fn(&str) -> bool) -> Result<Said> {
        let mut said = self.hear(limit, is_last);
        said.complaints = self.end()?;
        Ok(said)
    }

    /// Lines that came since.
    pub(crate) fn said(&self) -> Vec<String> {
        self.console.try_iter().map(|(line, _)| line).collect()
    }

    /// QEMU's process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it; what QEMU complained of.
    pub(crate) fn end(&mut self) -> Result<String> {
        // It may have ended by itself in the meantime.
        let _ = self.child.kill();
        self.child.wait()?;
        Ok(self.complaints.take().and_then(|complaints| complaints.join().ok()).unwrap_or_default())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing is to be said any more.
        let _ = self.end();
    }
}
