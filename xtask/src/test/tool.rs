//! The tool as a person uses it: plain cargo after `init`, every name of the target, flags of theirs, a terminal's signals.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};

use super::Count;
use crate::spec::Target;
use crate::{init, paths, process, toolchain};

/// A program that says what it was given, and does as told.
const MAIN: &str = r#"fn main() {
    let mut args = std::env::args().skip(1);
    match args.next().as_deref() {
        Some("exit") => std::process::exit(args.next().unwrap().parse().unwrap()),
        Some("sleep") => {
            println!("sleeping");
            std::thread::sleep(std::time::Duration::from_secs(args.next().unwrap().parse().unwrap()));
        }
        Some("serve") => serve(args.next().unwrap() == "stubborn"),
        Some("show") => print!("{}", std::fs::read_to_string(args.next().unwrap()).unwrap()),
        Some("env") => println!("{:?}", std::env::var(args.next().unwrap()).ok()),
        _ => {
            let caught = std::panic::catch_unwind(|| panic!("expected")).is_err();
            println!("{} {caught} {}", env!("CARGO_PKG_NAME"), cfg!(chosen));
        }
    }
}
use std::sync::atomic::{AtomicI32, Ordering};
static ASKED: AtomicI32 = AtomicI32::new(0);
extern "C" fn asked(signal: i32) {
    ASKED.store(signal, Ordering::Relaxed);
}
extern "C" {
    fn signal(signal: i32, handler: extern "C" fn(i32)) -> usize;
}
fn serve(stubborn: bool) {
    for number in [2, 15] {
        unsafe { signal(number, asked) };
    }
    println!("sleeping");
    while stubborn || ASKED.load(Ordering::Relaxed) == 0 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    println!("asked to end: {}", ASKED.load(Ordering::Relaxed));
}
"#;
/// Its tests: the package's directory is there, cargo's and Rust's variables are set, a failure would be seen.
const TESTS: &str = r#"#[test]
fn package_is_visible() {
    assert!(std::fs::read_to_string("tests/all.rs").unwrap().contains("package_is_visible"));
    assert!(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml").is_file());
    assert_eq!(std::env::var("CARGO_PKG_NAME").unwrap(), "guest");
    assert_eq!(std::env::var("RUST_WORD").unwrap(), "heard");
}
#[test]
#[should_panic]
fn panics_are_caught() {
    panic!("expected");
}
"#;
/// What the program prints without arguments.
const PLAIN: &str = "guest true false\n";

type Case = fn(&Package) -> Result<()>;

/// A package nobody here knows, in the cache.
struct Package(PathBuf);

/// Runs them all.
pub(super) fn run() -> Result<Count> {
    let package = Package::make()?;
    let cases: [(&str, Case); 19] = [
        ("plain cargo builds and boots", Package::plain_cargo),
        ("cargo test boots the tests", Package::cargo_test),
        ("each name of the target boots", Package::every_name),
        ("RUSTFLAGS change the program, not the image", Package::rustflags),
        ("-Zbuild-std in a project", Package::build_std),
        ("strip = true", Package::strip),
        ("an image and its exit code", Package::exit_code),
        ("--env", Package::variables),
        ("--pack", Package::pack),
        ("--dry-run can be pasted", Package::dry_run),
        ("--gdb", Package::gdb),
        ("Ctrl-C", Package::interrupt),
        ("Ctrl-C and SIGTERM are the program's to see to", Package::graceful),
        ("the second Ctrl-C ends the guest", Package::stubborn),
        ("Ctrl-C on the console", Package::console_interrupt),
        ("the power button", Package::power_button),
        ("entropy from virtio", Package::entropy),
        ("a host without entropy to give", Package::silent_entropy),
        ("an idle guest halts", Package::idle),
    ];
    let mut count = Count::default();
    for (name, case) in cases {
        count.add(Count::one(name, case(&package)));
    }
    count.add(Count::one("what is not there", package.refusals()));
    count.add(Count::one("doctor", doctor()));
    Ok(count)
}

impl Package {
    fn make() -> Result<Self> {
        let folder = paths::cache()?.join("tool-tests/guest");
        let _ = fs::remove_dir_all(&folder);
        for name in ["src", "tests", "data"] {
            fs::create_dir_all(folder.join(name))?;
        }
        fs::write(
            folder.join("Cargo.toml"),
            "[package]\nname = \"guest\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n",
        )?;
        fs::write(folder.join("src/main.rs"), MAIN)?;
        fs::write(folder.join("tests/all.rs"), TESTS)?;
        fs::write(folder.join("data/word"), "packed\n")?;
        init::main(&folder)?;
        Ok(Self(folder))
    }

    /// cargo in the package, without what the outer cargo said.
    fn cargo(&self, words: &[&str]) -> Command {
        let mut cargo = process::clean("cargo");
        cargo.current_dir(&self.0).args(words).stdin(Stdio::null()).env_remove("CARGO_TARGET_DIR");
        cargo
    }

    /// This tool.
    fn xtask(&self, words: &[&str]) -> Result<Command> {
        let mut tool = Command::new(std::env::current_exe()?);
        tool.current_dir(&self.0).args(words).stdin(Stdio::null()).env_remove("CARGO_TARGET_DIR");
        tool.env("CARACAL_TIMEOUT", "60");
        Ok(tool)
    }

    fn image(&self) -> Result<PathBuf> {
        succeed(&mut self.cargo(&["build", "--target", Target::Unikernel.name()]))?;
        Ok(self.0.join("target/x86_64-unikernel/debug/guest"))
    }

    fn run_image(&self, flags: &[&str], args: &[&str]) -> Result<Command> {
        let image = self.image()?.display().to_string();
        self.xtask(&[&["run"], flags, &[&image, "--"], args].concat())
    }

    fn plain_cargo(&self) -> Result<()> {
        expect(&mut self.cargo(&["run", "--target", Target::Unikernel.name()]), PLAIN)
    }

    fn cargo_test(&self) -> Result<()> {
        let mut cargo = self.cargo(&["test", "--target", Target::Unikernel.name()]);
        let text = succeed(cargo.env("RUST_WORD", "heard"))?;
        let count = super::summary(&text);
        ensure!(count.passed == 2 && count.failed == 0, "cargo test said\n{text}");
        // A test that fails in the guest fails cargo.
        let failed = self.cargo(&["test", "--target", Target::Unikernel.name()]).output()?;
        ensure!(!failed.status.success(), "a failing test went unnoticed");
        Ok(())
    }

    fn every_name(&self) -> Result<()> {
        for flags in [&["--target", Target::UnikernelMusl.name()][..], &["--compat"]] {
            expect(&mut self.xtask(&[&["run", "."], flags].concat())?, PLAIN)?;
        }
        Ok(())
    }

    fn rustflags(&self) -> Result<()> {
        let mut cargo = self.cargo(&["run", "--release", "--target", Target::Unikernel.name()]);
        let flags = "--cfg chosen -Ctarget-cpu=x86-64-v2 -Cforce-frame-pointers=no -Copt-level=1";
        expect(cargo.env("RUSTFLAGS", flags), "guest true true\n")
    }

    fn build_std(&self) -> Result<()> {
        let mut cargo = process::clean(toolchain::choose()?.cargo);
        cargo.current_dir(&self.0).args(["run", "-Zbuild-std", "--target", Target::Unikernel.name()]);
        cargo
            .stdin(Stdio::null())
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_DIR", self.0.join("target/build-std"));
        expect(&mut cargo, PLAIN)
    }

    fn strip(&self) -> Result<()> {
        let size = |setting: &str| -> Result<u64> {
            let folder = self.0.join("target/strip").join(setting);
            let value = format!("profile.release.strip=\"{setting}\"");
            let mut cargo =
                self.cargo(&["run", "--release", "--target", Target::Unikernel.name(), "--config", &value]);
            expect(cargo.env("CARGO_TARGET_DIR", &folder), PLAIN)?;
            Ok(fs::metadata(folder.join("x86_64-unikernel/release/guest"))?.len())
        };
        let (stripped, debuginfo) = (size("symbols")?, size("debuginfo")?);
        ensure!(stripped + 150_000 < debuginfo, "{stripped} bytes stripped, {debuginfo} not");
        Ok(())
    }

    fn exit_code(&self) -> Result<()> {
        for code in [0, 7, 255] {
            let output = self.run_image(&[], &["exit", &code.to_string()])?.output()?;
            ensure!(output.status.code() == Some(code), "{} for {code}", output.status);
        }
        Ok(())
    }

    fn variables(&self) -> Result<()> {
        expect(&mut self.run_image(&["-e", "WORD=a b=c"], &["env", "WORD"])?, "Some(\"a b=c\")\n")?;
        let mut copied = self.run_image(&["--env", "FROM_HOST"], &["env", "FROM_HOST"])?;
        expect(copied.env("FROM_HOST", "1"), "Some(\"1\")\n")?;
        let mut kept = self.run_image(&[], &["env", "FROM_HOST"])?;
        expect(kept.env("FROM_HOST", "1"), "None\n")
    }

    fn pack(&self) -> Result<()> {
        expect(&mut self.run_image(&["--pack", "data:/etc/data"], &["show", "/etc/data/word"])?, "packed\n")?;
        expect(&mut self.run_image(&["--pack", "data/word:/word"], &["show", "/word"])?, "packed\n")
    }

    fn dry_run(&self) -> Result<()> {
        let line = succeed(
            &mut self.run_image(&["--dry-run", "--no-stdin", "--pack", "data:/d"], &["show", "/d/word"])?,
        )?;
        let output = Command::new("sh").args(["-c", &line]).stdin(Stdio::null()).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(text.contains("packed"), "pasted, the line printed {text:?}\n{line}");
        Ok(())
    }

    fn gdb(&self) -> Result<()> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut child = self.run_image(&[&format!("--gdb={port}")], &[])?.stdout(Stdio::piped()).spawn()?;
        let answer = ask_gdb_stub(port);
        interrupt(&mut child)?;
        let answer = answer?;
        ensure!(answer.starts_with("+$T05"), "the stub answered {answer:?}");
        Ok(())
    }

    fn interrupt(&self) -> Result<()> {
        let mut command = self.run_image(&[], &["sleep", "50"])?;
        // As a shell does with what it starts: Ctrl-C goes to the whole group.
        let mut child = command.process_group(0).stdout(Stdio::piped()).spawn()?;
        wait_for_line(&mut child)?;
        let start = Instant::now();
        let status = interrupt(&mut child)?;
        ensure!(status == Some(130), "ended with {status:?}");
        ensure!(start.elapsed() < Duration::from_secs(20), "took {:?} to end", start.elapsed());
        Ok(())
    }

    fn graceful(&self) -> Result<()> {
        for machine in ["q35", "microvm"] {
            for (signal, flags) in [(Signal::INT, &[][..]), (Signal::TERM, &["--no-stdin"])] {
                let flags = [flags, &["--machine", machine]].concat();
                let mut command = self.run_image(&flags, &["serve", "politely"])?;
                let mut child = command.stdout(Stdio::piped()).spawn()?;
                wait_for_line(&mut child)?;
                rustix::process::kill_process(Pid::from_child(&child), signal)?;
                says_goodbye(child, signal.as_raw())?;
            }
        }
        Ok(())
    }

    fn stubborn(&self) -> Result<()> {
        let mut child = self.run_image(&[], &["serve", "stubborn"])?.stdout(Stdio::piped()).spawn()?;
        wait_for_line(&mut child)?;
        let pid = Pid::from_child(&child);
        rustix::process::kill_process(pid, Signal::INT)?;
        std::thread::sleep(Duration::from_secs(1));
        ensure!(child.try_wait()?.is_none(), "the first one ended it");
        rustix::process::kill_process(pid, Signal::INT)?;
        let status = child.wait()?.code();
        ensure!(status == Some(130), "ended with {status:?}");
        Ok(())
    }

    /// The character as a terminal sends it, to a guest without the tool.
    fn console_interrupt(&self) -> Result<()> {
        let line = succeed(&mut self.run_image(&["--dry-run"], &["serve", "politely"])?)?;
        let mut sh = Command::new("sh");
        let mut child =
            sh.args(["-c", &line]).stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0).spawn()?;
        wait_for_line(&mut child)?;
        child.stdin.as_mut().context("a pipe")?.write_all(b"\x03")?;
        // The machine's own exit code is the guest's doubled, and one.
        let text = std::io::read_to_string(child.stdout.take().context("a pipe")?)?;
        ensure!(text.contains("asked to end: 2"), "it said {text:?}");
        child.wait()?;
        Ok(())
    }

    fn power_button(&self) -> Result<()> {
        for (machine, smp) in [("q35", "1"), ("q35", "4"), ("pc", "1")] {
            let socket = self.0.join("monitor");
            let monitor = format!("--qemu-arg=unix:{},server=on,wait=off", socket.display());
            let flags = ["--machine", machine, "--smp", smp, "--qemu-arg=-monitor", &monitor];
            let mut child = self.run_image(&flags, &["serve", "politely"])?.stdout(Stdio::piped()).spawn()?;
            wait_for_line(&mut child)?;
            let mut line = UnixStream::connect(&socket)?;
            line.write_all(b"system_powerdown\n")?;
            // A monitor forgets what it was told by somebody who has gone.
            says_goodbye(child, Signal::TERM.as_raw())?;
            drop(line);
        }
        Ok(())
    }

    /// No other source than the device: without its driver the boot stops.
    fn entropy(&self) -> Result<()> {
        let legacy = ["-global", "virtio-mmio.force-legacy=on"];
        let modern = ["-global", "virtio-mmio.force-legacy=off"];
        for (machine, device, more) in [
            ("q35", "virtio-rng-pci-non-transitional", &[][..]),
            ("q35", "virtio-rng-pci-transitional", &[]),
            ("q35", "virtio-rng-pci,bus=behind", &["-device", "pcie-root-port,id=behind"]),
            ("pc", "virtio-rng-pci", &[]),
            ("microvm", "virtio-rng-device", &legacy),
            ("microvm", "virtio-rng-device", &modern),
        ] {
            let words = [&[], more, &["-device", device]].concat();
            expect(&mut self.run_without_entropy(machine, &words)?, "guest true false\n")
                .with_context(|| format!("{device} on {machine}"))?;
        }
        Ok(())
    }

    /// A device that never answers is given up after a while.
    fn silent_entropy(&self) -> Result<()> {
        let silent = ["-chardev", "null,id=silent", "-object", "rng-egd,id=egd,chardev=silent"];
        let words = [&silent[..], &["-device", "virtio-rng-pci,rng=egd"]].concat();
        let output = self.run_without_entropy("q35", &words)?.output()?;
        let text = both(&output);
        ensure!(output.status.code() == Some(125), "ended with {:?}: {text}", output.status.code());
        ensure!(text.contains("no answer") && text.contains("no source of entropy"), "said {text}");
        Ok(())
    }

    /// The program on a CPU without RDRAND, without the seed this tool gives, with QEMU's `words`.
    fn run_without_entropy(&self, machine: &str, words: &[&str]) -> Result<Command> {
        let cpu = ["-cpu", "qemu64,-rdrand,-rdseed"];
        let words: Vec<String> =
            [&cpu, words].concat().iter().map(|word| format!("--qemu-arg={word}")).collect();
        let flags = ["--machine", machine, "--no-seed"].into_iter().chain(words.iter().map(String::as_str));
        self.run_image(&flags.collect::<Vec<_>>(), &[])
    }

    fn idle(&self) -> Result<()> {
        for smp in ["1", "4"] {
            let mut child =
                self.run_image(&["--smp", smp], &["sleep", "6"])?.stdout(Stdio::piped()).spawn()?;
            wait_for_line(&mut child)?;
            std::thread::sleep(Duration::from_secs(1));
            let vmm = child_of(child.id()).context("no VMM is running")?;
            let before = ticks(vmm)?;
            std::thread::sleep(Duration::from_secs(3));
            let used = ticks(vmm)?.saturating_sub(before);
            ensure!(child.wait()?.success(), "the guest failed");
            // 300 ticks of 10 ms went by; a CPU that does not halt uses all of them.
            ensure!(used < 100, "{used} of 300 ticks used by {smp} idle vCPU");
        }
        Ok(())
    }

    fn refusals(&self) -> Result<()> {
        for (words, said) in [
            (&["run", "no-such-thing"][..], "neither an example"),
            (&["run", "--machine", "vax"], "invalid value"),
            (&["run", ".", "--env", "NO_SUCH_VARIABLE"], "no such variable"),
            (&["run", ".", "--pack", "nowhere:/x"], "nowhere"),
            (&["run", ".", "--memory", "much"], "much"),
            (&["init", "data"], "no Cargo.toml"),
        ] {
            let output = self.xtask(words)?.output()?;
            let text = String::from_utf8_lossy(&output.stderr);
            ensure!(!output.status.success(), "{words:?} succeeded");
            ensure!(text.contains(said), "{words:?} said {text}");
        }
        Ok(())
    }
}

/// The last line says which compiler was chosen.
fn doctor() -> Result<()> {
    let text = Command::new(std::env::current_exe()?).arg("doctor").stdin(Stdio::null()).output()?;
    ensure!(text.status.success(), "{}", String::from_utf8_lossy(&text.stderr));
    Ok(())
}

/// Standard output of a command that must succeed.
fn succeed(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {}", process::show(command)))?;
    if !output.status.success() {
        bail!("{} ended with {}\n{}", process::show(command), output.status, both(&output));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn both(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn expect(command: &mut Command, text: &str) -> Result<()> {
    let found = succeed(command)?;
    ensure!(found == text, "{} printed {found:?}, not {text:?}", process::show(command));
    Ok(())
}

fn wait_for_line(child: &mut Child) -> Result<()> {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().context("a pipe")?).read_line(&mut line)?;
    ensure!(line == "sleeping\n", "the guest said {line:?}");
    Ok(())
}

/// Waits for a guest that was asked to end by `signal`: it says so and ends well.
fn says_goodbye(mut child: Child, signal: i32) -> Result<()> {
    let text = std::io::read_to_string(child.stdout.take().context("a pipe")?)?;
    let status = child.wait()?;
    ensure!(text == format!("asked to end: {signal}\n"), "it said {text:?}");
    ensure!(status.success(), "ended with {status}");
    Ok(())
}

/// Sends SIGINT and waits; the exit code.
fn interrupt(child: &mut Child) -> Result<Option<i32>> {
    let pid = Pid::from_child(child);
    if kill_process_group(pid, Signal::INT).is_err() {
        rustix::process::kill_process(pid, Signal::INT)?;
    }
    Ok(child.wait()?.code())
}

/// The first packet of gdb's remote protocol: why did you stop?
fn ask_gdb_stub(port: u16) -> Result<String> {
    for _ in 0..100 {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            stream.write_all(b"$?#3f")?;
            let mut answer = [0; 5];
            stream.read_exact(&mut answer)?;
            return Ok(String::from_utf8_lossy(&answer).into_owned());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    bail!("nothing listens on port {port}")
}

/// The first child of a process (proc(5)).
fn child_of(pid: u32) -> Option<u32> {
    for entry in fs::read_dir(Path::new("/proc").join(pid.to_string()).join("task")).ok()?.flatten() {
        let children = fs::read_to_string(entry.path().join("children")).ok()?;
        if let Some(child) = children.split_whitespace().next() {
            return child.parse().ok();
        }
    }
    None
}

/// User and system time of a process, in clock ticks.
fn ticks(pid: u32) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = stat.rsplit_once(") ").context("stat has a name in parentheses")?.1;
    Ok(fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum())
}
