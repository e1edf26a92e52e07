//! One boot of one program: it is started, asked by its clients one after the other, and told to end.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::ProgramsArgs;
use super::image::Image;
use super::ports::Words;
use super::table::{Program, Server};
use crate::run::code;
use crate::test::program;
use crate::{process, ui};

/// Seconds a guest may be up.
const LIMIT: &str = "900";
/// Seconds a client may take.
const PATIENCE: &str = "120";
/// How long a guest may take until it listens.
const START: Duration = Duration::from_secs(120);
/// How long a program may take to end when it is told to.
const END: Duration = Duration::from_secs(30);

/// What was done, and what came of it.
pub(super) type Answers = Vec<(String, Result<()>)>;

/// Boots `image`, and has everything done that the table says of `program`.
pub(super) fn visit(program: &Program, image: &Image, data: &Path, args: &ProgramsArgs) -> Result<Answers> {
    ui::status("Running", &program.name);
    let words = Words::new(data, &program.ports)?;
    let mut flags = vec![format!("--smp={}", args.smp), format!("--timeout={LIMIT}")];
    flags.extend(program.flags.iter().map(|flag| words.put_into(flag)));
    for port in &program.ports {
        flags.push(words.publish(port)?);
    }
    let arguments: Vec<String> = program.args.iter().map(|argument| words.put_into(argument)).collect();
    let guest = program::guest(&image.file, &arguments, &flags, false)?;
    match &program.server {
        Some(server) => Ok(vec![(server.does.clone(), ask_host(guest, server, &words, args.verbose))]),
        None => be_asked(guest, program, &words, args.verbose),
    }
}

/// The guest is a client of a program on the host.
fn ask_host(mut guest: Command, server: &Server, words: &Words, is_verbose: bool) -> Result<()> {
    let mut host = shell(&words.put_into(&server.command));
    let host = Running::start(host.stdout(Stdio::null()).stderr(Stdio::null()))?;
    wait_for(words.of("host")?.parse()?)?;
    let output = guest.output()?;
    drop(host);
    said(&output, &server.says, is_verbose)
}

/// The guest is a server, and clients of the host ask it.
fn be_asked(mut guest: Command, program: &Program, words: &Words, is_verbose: bool) -> Result<Answers> {
    let log = Path::new(words.of("data")?).with_file_name(format!("{}.log", program.name));
    let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let guest = Running::start(guest.stdout(file.try_clone()?).stderr(file))?;
    if let Some(port) = words.first_tcp(&program.ports) {
        wait_for(port).with_context(|| format!("the guest said\n{}", text(&log)))?;
    }
    let mut answers = Answers::new();
    for client in &program.clients {
        let mut command = Command::new("timeout");
        command.args([PATIENCE, "sh", "-c", &words.put_into(&client.command)]).stdin(Stdio::null());
        let output = command.output().context("cannot start a client")?;
        answers.push((client.does.clone(), said(&output, &client.says, is_verbose)));
    }
    let ending = guest.end();
    if is_verbose {
        ui::status("Guest", &text(&log));
    }
    answers.push((
        "ends when it is told to".to_owned(),
        ending.with_context(|| format!("the guest said\n{}", text(&log))),
    ));
    Ok(answers)
}

/// What was written into a log.
fn text(log: &Path) -> String {
    fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// A command line that is the process itself, not a child of a shell.
fn shell(command: &str) -> Command {
    let mut sh = Command::new("sh");
    sh.args(["-c", &format!("exec {command}")]).stdin(Stdio::null());
    sh
}

/// A command must end well and print every one of `parts`.
fn said(output: &Output, parts: &[String], is_verbose: bool) -> Result<()> {
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if is_verbose {
        ui::status("Said", &text);
    }
    if !output.status.success() {
        bail!("ended with {}\n{text}", output.status);
    }
    match parts.iter().find(|part| !text.contains(part.as_str())) {
        Some(missing) => bail!("`{missing}` is not in\n{text}"),
        None => Ok(()),
    }
}

/// Until something listens at a port of this host. QEMU accepts for a guest that does not listen yet, and hangs up then.
fn wait_for(port: u16) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < START {
        if let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            // Who listens waits for a question.
            if stream.read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
                return Ok(());
            }
        }
        thread::sleep(Duration::from_millis(200));
    }
    bail!("nothing listens after {} s", START.as_secs())
}

/// A process that ends with the value.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Result<Self> {
        Ok(Self(command.spawn().with_context(|| format!("cannot start {}", process::show(command)))?))
    }

    /// Tells a guest to end, and waits for it.
    fn end(mut self) -> Result<()> {
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
