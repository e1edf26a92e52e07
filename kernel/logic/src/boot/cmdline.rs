//! The kernel command line (docs/command-line.md): words → [`Options`] and the program's arguments and environment.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::network::NetworkOptions;

/// How standard input arrives on COM1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stdin {
    /// Bytes as they are typed.
    #[default]
    Raw,
    /// Frames: length as u16 little-endian, then that many bytes; length 0 is end of file.
    Framed,
    /// At end of file from the start.
    None,
}

/// Everything the command line can ask for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program's arguments, its own name first.
    pub argv: Vec<Vec<u8>>,
    /// The program's environment, `NAME=VALUE` each.
    pub env: Vec<Vec<u8>>,
    /// The working directory.
    pub cwd: Vec<u8>,
    /// How much the kernel says.
    pub log: log::LevelFilter,
    /// Log every system call.
    pub strace: bool,
    /// Ports of the host's side.
    pub ports: Ports,
    /// Which of fds 0, 1 and 2 are terminals.
    pub terminals: [bool; 3],
    /// Columns and rows of the terminal.
    pub window: (u16, u16),
    /// How standard input arrives.
    pub stdin: Stdin,
    /// Boot without any entropy source.
    pub weak_entropy: bool,
    /// `virtio_mmio.device=` words.
    pub virtio_mmio: Vec<MmioDevice>,
    /// The network.
    pub network: NetworkOptions,
}

/// The registers of a virtio device in memory (virtio specification, section 4.2.3.1.1; Linux's `virtio_mmio.device=` parameter).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MmioDevice {
    /// Bytes of registers.
    pub size: u64,
    /// Physical address of the first.
    pub address: u64,
    /// Its interrupt.
    pub irq: u32,
}

impl MmioDevice {
    /// The key of the words that describe one.
    const KEY: &[u8] = b"virtio_mmio.device";

    /// Reads `SIZE@ADDRESS:IRQ[:ID]`; the size may end in K or M.
    fn parse(value: &[u8]) -> Option<Self> {
        let (size, rest) = core::str::from_utf8(value).ok()?.split_once('@')?;
        let mut rest = rest.split(':');
        let (address, irq) = (number(rest.next()?)?, u32::try_from(number(rest.next()?)?).ok()?);
        let (digits, unit) = match size.as_bytes().last()? {
            b'K' | b'k' => (&size[..size.len() - 1], 1 << 10),
            b'M' | b'm' => (&size[..size.len() - 1], 1 << 20),
            _ => (size, 1),
        };
        let size = number(digits)?.checked_mul(unit)?;
        address.checked_add(size).map(|_| Self { size, address, irq })
    }

    /// The devices that `line` names anywhere, behind `--` too: VMMs add theirs at the end.
    pub fn find(line: &[u8]) -> impl Iterator<Item = Self> {
        let words = line.split(u8::is_ascii_whitespace);
        words.filter_map(|word| Self::parse(word.strip_prefix(Self::KEY)?.strip_prefix(b"=")?))
    }
}

fn number(text: &str) -> Option<u64> {
    let (digits, radix) = text.strip_prefix("0x").map_or((text, 10), |digits| (digits, 16));
    u64::from_str_radix(digits, radix).ok()
}

impl Default for Options {
    fn default() -> Self {
        Self {
            argv: Vec::new(),
            env: Vec::new(),
            cwd: b"/".to_vec(),
            log: log::LevelFilter::Warn,
            strace: false,
            ports: Ports::default(),
            terminals: [true; 3],
            window: (80, 24),
            stdin: Stdin::Raw,
            weak_entropy: false,
            virtio_mmio: Vec::new(),
            network: NetworkOptions::default(),
        }
    }
}

/// What is wrong with a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandLineError {
    /// A key that means nothing here.
    UnknownOption(String),
    /// A known key with a value that makes no sense: the word, and what would.
    BadValue(String, &'static str),
    /// A double quote that is never closed.
    UnclosedQuote,
}

impl fmt::Display for CommandLineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownOption(word) => write!(
                f,
                "unknown option `{word}` on the kernel command line; program arguments go behind ` -- ` (docs/command-line.md lists the options)"
            ),
            Self::BadValue(word, wanted) => {
                write!(f, "`{word}` on the kernel command line: expected {wanted}")
            }
            Self::UnclosedQuote => f.write_str("a double quote on the kernel command line is never closed"),
        }
    }
}

/// The ports of a command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// Debug console for the kernel log.
    pub log: Option<u16>,
    /// Debug console for the program's standard error.
    pub stderr: Option<u16>,
    /// Debug console for the control channel.
    pub control: Option<u16>,
    /// isa-debug-exit.
    pub exit: Option<u16>,
}

impl Ports {
    /// Looks for the ports without allocating, for what must be said before there is memory; words that make no sense are [`Options::parse`]'s to report.
    #[must_use]
    pub fn find(line: &[u8]) -> Self {
        let mut ports = Self::default();
        let words = line.split(u8::is_ascii_whitespace).take_while(|word| *word != b"--");
        for word in words {
            let at = word.iter().position(|&byte| byte == b'=').unwrap_or(word.len());
            if let Some(slot) = ports.called(&word[..at]) {
                *slot = word.get(at + 1..).and_then(port);
            }
        }
        ports
    }

    /// The port that the option `key` is about.
    fn called(&mut self, key: &[u8]) -> Option<&mut Option<u16>> {
        match key {
            b"log-port" => Some(&mut self.log),
            b"stderr-port" => Some(&mut self.stderr),
            b"ctl-port" => Some(&mut self.control),
            b"exit-port" => Some(&mut self.exit),
            _ => None,
        }
    }
}

/// Words that VMMs add for Linux and that mean nothing here, by key; a trailing `.` stands for all keys that begin so.
const LINUX_WORDS: &[&str] = &[
    "console",
    "root",
    "rootfstype",
    "rootflags",
    "rootwait",
    "rw",
    "ro",
    "init",
    "rdinit",
    "panic",
    "reboot",
    "pci",
    "quiet",
    "nomodule",
    "nomodules",
    "earlyprintk",
    "earlycon",
    "loglevel",
    "acpi",
    "noapic",
    "nolapic",
    "random.",
    "8250.",
    "i8042.",
    "tsc",
    "no_timer_check",
    "noreplace-smp",
    "swiotlb",
    "selinux",
    "systemd.",
    "net.ifnames",
    "clocksource",
    "mitigations",
];

impl Options {
    /// Reads a command line.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(line: &[u8]) -> Result<Self, CommandLineError> {
        let mut options = Self::default();
        let mut words = split(line)?.into_iter();
        for word in words.by_ref() {
            if word == b"--" {
                break;
            }
            options.apply(&word).map_err(|wanted| {
                let word = String::from_utf8_lossy(&word).into_owned();
                match wanted {
                    Some(wanted) => CommandLineError::BadValue(word, wanted),
                    None => CommandLineError::UnknownOption(word),
                }
            })?;
        }
        options.argv = words.collect();
        // QEMU's microvm adds its devices at the end of the line, whatever stands there.
        while let Some(device) = options.argv.last().and_then(|word| MmioDevice::find(word).next()) {
            options.argv.pop();
            options.virtio_mmio.push(device);
        }
        if options.argv.is_empty() {
            options.argv.push(b"/bin/program".to_vec());
        }
        Ok(options)
    }

    /// Takes one word. An error says what would make sense as its value, or nothing if there is no such option.
    fn apply(&mut self, word: &[u8]) -> Result<(), Option<&'static str>> {
        let at = word.iter().position(|&byte| byte == b'=').unwrap_or(word.len());
        let (key, value) = (&word[..at], word.get(at + 1..).unwrap_or_default());
        if let Some(slot) = self.ports.called(key) {
            *slot = Some(port(value).ok_or(Some("an I/O port"))?);
            return Ok(());
        }
        if let Some(applied) = self.network.apply(key, value) {
            return applied.map_err(Some);
        }
        match key {
            b"env" if value.contains(&b'=') => self.env.push(value.to_vec()),
            b"env" => return Err(Some("env=NAME=VALUE")),
            b"cwd" if value.starts_with(b"/") => self.cwd = value.to_vec(),
            b"cwd" => return Err(Some("an absolute path")),
            b"log" => self.log = parse(value).ok_or(Some("off, error, warn, info, debug or trace"))?,
            b"strace" => self.strace = true,
            b"tty" => self.terminals = terminals(value).ok_or(Some("some of the digits 0, 1, 2"))?,
            b"winsize" => self.window = window(value).ok_or(Some("COLUMNSxROWS"))?,
            b"stdin" => self.stdin = stdin(value).ok_or(Some("raw, framed or none"))?,
            b"entropy" if value == b"weak" => self.weak_entropy = true,
            b"entropy" => return Err(Some("entropy=weak")),
            MmioDevice::KEY => {
                self.virtio_mmio.push(MmioDevice::parse(value).ok_or(Some("SIZE@ADDRESS:IRQ"))?)
            }
            _ if is_for_linux(key) => {}
            _ => return Err(None),
        }
        Ok(())
    }
}

fn is_for_linux(key: &[u8]) -> bool {
    let is_meant = |known: &str| {
        if known.ends_with('.') { key.starts_with(known.as_bytes()) } else { key == known.as_bytes() }
    };
    LINUX_WORDS.iter().any(|known| is_meant(known))
}

/// Splits at white space; double quotes group, a backslash inside them escapes the next byte.
fn split(line: &[u8]) -> Result<Vec<Vec<u8>>, CommandLineError> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quoted = false;
    let mut bytes = line.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            b'\\' if quoted => {
                word.get_or_insert_default().push(bytes.next().ok_or(CommandLineError::UnclosedQuote)?)
            }
            _ if byte.is_ascii_whitespace() && !quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(byte),
        }
    }
    if quoted {
        return Err(CommandLineError::UnclosedQuote);
    }
    words.extend(word);
    Ok(words)
}

fn parse<T: core::str::FromStr>(value: &[u8]) -> Option<T> {
    core::str::from_utf8(value).ok()?.parse().ok()
}

fn port(value: &[u8]) -> Option<u16> {
    u16::try_from(number(core::str::from_utf8(value).ok()?)?).ok()
}

fn terminals(value: &[u8]) -> Option<[bool; 3]> {
    let mut terminals = [false; 3];
    for byte in value {
        *terminals.get_mut(usize::from(byte.checked_sub(b'0')?))? = true;
    }
    Some(terminals)
}

fn window(value: &[u8]) -> Option<(u16, u16)> {
    let (columns, rows) = core::str::from_utf8(value).ok()?.split_once('x')?;
    Some((columns.parse().ok()?, rows.parse().ok()?))
}

fn stdin(value: &[u8]) -> Option<Stdin> {
    match value {
        b"raw" => Some(Stdin::Raw),
        b"framed" => Some(Stdin::Framed),
        b"none" => Some(Stdin::None),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
