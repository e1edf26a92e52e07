//! Booting an image in QEMU and being its terminal: streams in and out, signals, the exit code.
//!
//! ```text
//! COM1 (QEMU's stdio) ── stdout, stdin in frames      0xe8 ── stderr      0xe9 ── kernel log      0xea ── `exit N`
//! ```

mod input;

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::command_line::CommandLine;
use crate::flags::VmArgs;
use crate::pack::{self, Item};
use crate::qemu::{Qemu, port};
use crate::symbols::Symbols;
use crate::{accel, process, ui};
use input::Input;

/// Exit codes of the tool, docs/exit-codes.md.
pub(crate) mod code {
    /// `--timeout` passed.
    pub(crate) const TIMED_OUT: u8 = 124;
    /// The VMM could not be started, or ended without a code.
    pub(crate) const VMM_FAILED: u8 = 126;
    /// No such image.
    pub(crate) const NO_IMAGE: u8 = 127;
}

/// When a program that was told to end still runs, the way out is said.
const HINT_AFTER: Duration = Duration::from_secs(2);
/// How many lines of the log are shown when a guest ends without a code.
const TAIL: usize = 20;

/// A program in a machine.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    /// The ELF.
    pub(crate) image: PathBuf,
    /// The program's arguments, its own name first.
    pub(crate) argv: Vec<String>,
    /// `NAME=VALUE` each.
    pub(crate) env: Vec<String>,
    /// Working directory.
    pub(crate) cwd: String,
    /// Host files in its root.
    pub(crate) items: Vec<Item>,
    /// Directories left out of packed directories.
    pub(crate) skipped: &'static [&'static str],
}

/// Boots and waits; the program's exit code, or the tool's.
pub(crate) fn boot(guest: &Guest, vm: &VmArgs, is_verbose: bool) -> Result<u8> {
    if !guest.image.is_file() {
        ui::error(&format!("no such image: {}", guest.image.display()));
        return Ok(code::NO_IMAGE);
    }
    let scratch = Scratch::new()?;
    let mut qemu = machine(guest, vm)?;
    if !guest.items.is_empty() {
        let archive = scratch.0.join("initrd");
        pack::write(&guest.items, guest.skipped, &archive)?;
        qemu.initrd = Some(archive);
    }
    if vm.dry_run {
        return show(qemu, guest, vm, scratch);
    }
    vm.network.check()?;
    let line = command_line(guest, vm);
    let seed = if vm.no_seed { None } else { Some(("seed", seed()?)) };
    for (name, content) in [("cmdline", line.text().into_bytes())].into_iter().chain(seed) {
        fs::write(scratch.0.join(name), content)?;
        qemu.files.push((name, scratch.0.join(name)));
    }
    qemu.files.push(("exe", guest.image.clone()));
    // The file above replaces this line; until the kernel can read files it speaks through these ports.
    qemu.append = Some(format!(
        "log-port={:#x} stderr-port={:#x} ctl-port={:#x} exit-port={:#x}",
        port::LOG,
        port::STDERR,
        port::CONTROL,
        port::EXIT
    ));
    for console in [port::STDERR, port::LOG, port::CONTROL] {
        qemu.consoles.push((console, scratch.0.join(format!("{console:x}"))));
    }
    if is_verbose {
        ui::status("Booting", &process::show(&qemu.command()?));
    }
    attend(&qemu, guest, vm)
}

fn machine(guest: &Guest, vm: &VmArgs) -> Result<Qemu> {
    Ok(Qemu {
        machine: vm.machine,
        accel: accel::choose(vm.accel)?,
        memory: vm.memory.clone(),
        smp: vm.smp,
        image: guest.image.clone(),
        append: None,
        initrd: None,
        files: Vec::new(),
        consoles: Vec::new(),
        network: vm.network.args(vm.machine)?,
        gdb: vm.gdb,
        extra: vm.qemu_arg.clone(),
    })
}

/// The words that do not depend on how the streams are connected.
fn common_line(guest: &Guest, vm: &VmArgs) -> CommandLine {
    let mut line = CommandLine::new(guest.argv.clone());
    // System calls are logged as information.
    let is_quiet = ["off", "error", "warn"].contains(&vm.log.as_str());
    line.option(format!("log={}", if vm.strace && is_quiet { "info" } else { &vm.log }));
    line.option(format!("cwd={}", guest.cwd));
    if vm.strace {
        line.option("strace");
    }
    for pair in &guest.env {
        line.option(format!("env={pair}"));
    }
    for word in vm.network.words() {
        line.option(word);
    }
    for word in &vm.kernel_arg {
        line.option(word);
    }
    line
}

fn command_line(guest: &Guest, vm: &VmArgs) -> CommandLine {
    let mut line = common_line(guest, vm);
    line.option(format!("stderr-port={:#x}", port::STDERR));
    line.option(format!("log-port={:#x}", port::LOG));
    line.option(format!("ctl-port={:#x}", port::CONTROL));
    line.option(format!("exit-port={:#x}", port::EXIT));
    // Also without input: signals come this way.
    line.option("stdin=framed");
    let terminals =
        [std::io::stdin().is_terminal(), std::io::stdout().is_terminal(), std::io::stderr().is_terminal()];
    let digits: String =
        ["0", "1", "2"].iter().zip(terminals).filter_map(|(digit, is)| is.then_some(*digit)).collect();
    line.option(format!("tty={digits}"));
    if let Ok(size) = rustix::termios::tcgetwinsize(std::io::stdout()) {
        line.option(format!("winsize={}x{}", size.ws_col, size.ws_row));
    }
    line
}

/// Prints a command that `sh` can run, with the serial port on its terminal.
fn show(mut qemu: Qemu, guest: &Guest, vm: &VmArgs, scratch: Scratch) -> Result<u8> {
    let mut line = common_line(guest, vm);
    line.option(format!("exit-port={:#x}", port::EXIT));
    // Without the seed file the guest must be allowed to start from the CPU's random numbers alone.
    line.option("entropy=weak");
    qemu.append = Some(line.text());
    qemu.files.push(("exe", guest.image.clone()));
    if qemu.initrd.is_some() {
        // The command names the archive, so it stays.
        std::mem::forget(scratch);
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", process::show(&qemu.command()?))?;
    Ok(0)
}

fn seed() -> Result<Vec<u8>> {
    let mut seed = vec![0; 32];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut seed))
        .context("cannot read /dev/urandom")?;
    Ok(seed)
}

/// A private directory that goes away with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        let base = std::env::temp_dir();
        for attempt in 0..1000 {
            let dir = base.join(format!("caracal-{}-{attempt}", std::process::id()));
            if fs::create_dir(&dir).is_ok() {
                return Ok(Self(dir));
            }
        }
        anyhow::bail!("cannot create a directory in {}", base.display())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing depends on it any more.
        let _ = fs::remove_dir_all(&self.0);
    }
}

enum Event {
    Ended,
    Signal(i32),
}

/// Starts QEMU, serves its streams and waits for its end.
fn attend(qemu: &Qemu, guest: &Guest, vm: &VmArgs) -> Result<u8> {
    let mut listeners = Vec::new();
    for (_, socket) in &qemu.consoles {
        listeners.push(
            UnixListener::bind(socket).with_context(|| format!("cannot listen at {}", socket.display()))?,
        );
    }
    let mut child = match spawn(&mut qemu.command()?) {
        Ok(child) => child,
        Err(error) => {
            ui::error(&format!("QEMU could not be started: {error}"));
            return Ok(code::VMM_FAILED);
        }
    };
    let stdout = child.stdout.take().map(|from| thread::spawn(move || pump(from, std::io::stdout())));
    let complaints = child
        .stderr
        .take()
        .map(|mut from| thread::spawn(move || std::io::read_to_string(&mut from).unwrap_or_default()));
    let input = Input::new(child.stdin.take());
    if vm.no_stdin {
        input.end()
    } else {
        input.feed()
    }
    let mut listeners = listeners.into_iter();
    let (Some(errors), Some(log), Some(control)) = (listeners.next(), listeners.next(), listeners.next())
    else {
        anyhow::bail!("a guest has three consoles")
    };
    let errors = thread::spawn(move || accept(&errors).map(|from| pump(from, std::io::stderr())));
    let log = read_log(log, &guest.image, vm)?;
    let control = thread::spawn(move || accept(&control).and_then(exit_code));
    let ending = wait(&mut child, vm, &input)?;
    for (_, socket) in &qemu.consoles {
        // Frees a reader that QEMU never connected to; otherwise nobody is listening any more.
        drop(UnixStream::connect(socket));
    }
    let _ = stdout.map(JoinHandle::join);
    let _ = errors.join();
    let tail = log.join().unwrap_or_default();
    let exit = control.join().ok().flatten();
    match (ending, exit) {
        (_, Some(exit)) => Ok(exit),
        (Ending::TimedOut, None) => {
            ui::error(&format!("the guest was ended after {} s (--timeout)", vm.timeout.unwrap_or_default()));
            Ok(code::TIMED_OUT)
        }
        (Ending::Signal(number), None) => Ok(u8::try_from(128 + number).unwrap_or(code::VMM_FAILED)),
        (Ending::Alone, None) => {
            let complaints = complaints.and_then(|thread| thread.join().ok()).unwrap_or_default();
            ui::error(&format!(
                "the machine ended without an exit code\n{}{}",
                complaints,
                Vec::from(tail).join("\n")
            ));
            Ok(code::VMM_FAILED)
        }
    }
}

fn spawn(command: &mut Command) -> std::io::Result<Child> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Out of our terminal's foreground group: Ctrl-C reaches us, and we decide.
    command.process_group(0);
    process::end_with_us(command).spawn()
}

enum Ending {
    Alone,
    Signal(i32),
    TimedOut,
}

/// Waits for the guest's end, our own signals or the time limit; the child is gone afterwards.
fn wait(child: &mut Child, vm: &VmArgs, input: &Input) -> Result<Ending> {
    let (sender, events) = mpsc::channel();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let handle = signals.handle();
    let forward: Sender<Event> = sender.clone();
    thread::spawn(move || signals.forever().for_each(|number| drop(forward.send(Event::Signal(number)))));
    let process = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .context("a child has a process id")?;
    thread::scope(|scope| {
        scope.spawn(move || {
            let _ = child.wait();
            drop(sender.send(Event::Ended));
        });
        let ending = watch(&events, vm, input);
        if !matches!(ending, Ending::Alone) {
            // It may have ended by itself in the meantime.
            let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        }
        handle.close();
        Ok(ending)
    })
}

/// What the wait ends with. The first signal is the program's to see to; it may take its time. The second ends the guest.
fn watch(events: &Receiver<Event>, vm: &VmArgs, input: &Input) -> Ending {
    let limit = vm.timeout.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut asked = false;
    let mut hint = None;
    loop {
        let until = [limit, hint].into_iter().flatten().min();
        let event = match until {
            Some(until) => events.recv_timeout(until.saturating_duration_since(Instant::now())),
            None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match event {
            Ok(Event::Ended) | Err(RecvTimeoutError::Disconnected) => return Ending::Alone,
            // A guest that waits for its debugger sees to nothing.
            Ok(Event::Signal(number)) if !asked && vm.gdb.is_none() && input.signal(number) => {
                asked = true;
                hint = Some(Instant::now() + HINT_AFTER);
            }
            Ok(Event::Signal(number)) => return Ending::Signal(number),
            Err(RecvTimeoutError::Timeout) if until == limit => return Ending::TimedOut,
            Err(RecvTimeoutError::Timeout) => {
                hint = None;
                ui::status("Waiting", "the program was told to end; Ctrl-C again ends the guest at once");
            }
        }
    }
}

fn accept(listener: &UnixListener) -> Option<UnixStream> {
    listener.accept().ok().map(|(stream, _)| stream)
}

/// Bytes through, unchanged and at once.
fn pump(mut from: impl Read, mut into: impl Write) {
    let mut buffer = [0; 8192];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        // A reader that went away ends our copy, not the guest.
        if into.write_all(buffer.get(..count).unwrap_or_default()).and_then(|()| into.flush()).is_err() {
            break;
        }
    }
    // Keep draining, or the guest would block.
    let _ = std::io::copy(&mut from, &mut std::io::sink());
}

/// The number of the last line `exit N`.
fn exit_code(control: UnixStream) -> Option<u8> {
    let lines = BufReader::new(control).lines().map_while(Result::ok);
    lines.filter_map(|line| line.strip_prefix("exit ")?.trim().parse().ok()).last()
}

/// Shows the kernel log line by line and keeps its end.
fn read_log(listener: UnixListener, image: &Path, vm: &VmArgs) -> Result<JoinHandle<VecDeque<String>>> {
    let mut file = match &vm.kernel_log_file {
        Some(path) => {
            Some(fs::File::create(path).with_context(|| format!("cannot create {}", path.display()))?)
        }
        None => None,
    };
    let mut symbols = Symbols::of(image);
    Ok(thread::spawn(move || {
        let mut tail = VecDeque::new();
        let Some(stream) = accept(&listener) else { return tail };
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let line = symbols.explain(String::from_utf8_lossy(&line).trim_end());
            match &mut file {
                // The tail is shown in any case; a full disk must not end the guest.
                Some(file) => drop(writeln!(file, "{line}")),
                None if ui::is_colored() => drop(writeln!(std::io::stderr(), "\x1b[2m{line}\x1b[0m")),
                None => drop(writeln!(std::io::stderr(), "{line}")),
            }
            tail.push_back(line);
            if tail.len() > TAIL {
                tail.pop_front();
            }
        }
        tail
    }))
}
