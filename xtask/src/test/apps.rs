//! Published programs on the host and in a guest, side by side (`tests/apps/apps.toml`).

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, bail};
use toml_edit::Table;

use super::{Count, program};
use crate::fetch::Lock;
use crate::flags::BuildArgs;
use crate::spec::Target;
use crate::tables::{self, strings_of, text_of};
use crate::{build, fetch, init, paths, process, sysroot, ui};

/// Seconds a program may take in a guest.
const LIMIT: &str = "600";
/// Bytes of the large file.
const BLOB_BYTES: usize = 200 << 20;

/// Runs all of them on each number of vCPUs.
pub(super) fn run(smp: &[u32]) -> Result<Count> {
    let file = paths::root().join("tests/apps/apps.toml");
    let document = tables::read(&file)?;
    let data = Data::prepare()?;
    let mut count = Count::default();
    for table in tables::all(&document, "app") {
        let app = App::read(table, &data)?;
        for smp in smp {
            count.add(Count::one(&format!("{} ({smp} vCPU)", app.shown()), app.check(*smp)));
        }
    }
    for table in tables::all(&document, "tests") {
        let name = text_of(table, "name")?;
        count.add(Count::one(&format!("the tests of {name}"), crate_tests(table)));
    }
    Ok(count)
}

/// What programs work on.
struct Data {
    sources: PathBuf,
    blob: PathBuf,
}

impl Data {
    fn prepare() -> Result<Self> {
        let sources = sysroot::prepare(Target::Unikernel)?.toolchain.library();
        let folder = paths::cache()?.join("apps/data");
        fs::create_dir_all(&folder)?;
        let blob = folder.join("blob");
        if fs::metadata(&blob).map_or(0, |metadata| metadata.len()) != BLOB_BYTES as u64 {
            let mut file =
                fs::File::create(&blob).with_context(|| format!("cannot write {}", blob.display()))?;
            let mut state = 0x2545_f491_4f6c_dd1d_u64;
            let mut block = vec![0_u8; 1 << 20];
            for _ in 0..BLOB_BYTES / block.len() {
                for word in block.chunks_exact_mut(8) {
                    // xorshift64: the same bytes on every machine.
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    word.copy_from_slice(&state.to_le_bytes());
                }
                file.write_all(&block)?;
            }
        }
        Ok(Self { sources, blob })
    }
}

/// A program, built twice.
struct App {
    name: String,
    args: Vec<String>,
    memory: String,
    /// Folders packed at the same path.
    packed: Vec<PathBuf>,
    host: PathBuf,
    image: PathBuf,
}

impl App {
    fn read(table: &Table, data: &Data) -> Result<Self> {
        let name = text_of(table, "name")?;
        let mut packed = Vec::new();
        let mut place = |argument: String| {
            for (word, path, folder) in
                [("{sources}", &data.sources, &data.sources), ("{blob}", &data.blob, &data.blob)]
            {
                if argument == word {
                    packed.push(folder.clone());
                    return path.display().to_string();
                }
            }
            argument
        };
        let args = strings_of(table, "args")?.into_iter().map(&mut place).collect();
        let (host, image) = match table.get("path").and_then(|item| item.as_str()) {
            Some(path) => ours(&paths::root().join(path))?,
            None => (on_host(&name)?, fetch::image(&name, Lock::Theirs, &BuildArgs::default())?),
        };
        let memory = text_of(table, "memory").unwrap_or_else(|_| "512M".to_owned());
        Ok(Self { name, args, memory, packed, host, image })
    }

    fn shown(&self) -> String {
        format!("{} {}", self.name, self.args.first().map_or("", String::as_str))
    }

    fn check(&self, smp: u32) -> Result<()> {
        let host = Command::new(&self.host).args(&self.args).stdin(Stdio::null()).output()?;
        let mut flags =
            vec![format!("--smp={smp}"), format!("--memory={}", self.memory), format!("--timeout={LIMIT}")];
        flags.extend(self.packed.iter().map(|path| format!("--pack={0}:{0}", path.display())));
        let guest = program::guest(&self.image, &self.args, &flags, false)?.output()?;
        compare(&host, &guest)
    }
}

/// The same lines, in whatever order, and the same exit code.
fn compare(host: &Output, guest: &Output) -> Result<()> {
    if host.status.code() != guest.status.code() {
        bail!(
            "ended with {} on the host, {} in the guest\n{}",
            host.status,
            guest.status,
            String::from_utf8_lossy(&guest.stderr)
        );
    }
    let sorted = |output: &Output| {
        let mut lines: Vec<Vec<u8>> =
            output.stdout.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
        lines.sort();
        lines
    };
    let (host, guest) = (sorted(host), sorted(guest));
    if host.len() <= 1 {
        bail!("printed nothing on the host: the comparison would say nothing");
    }
    if host != guest {
        let extra = |one: &[Vec<u8>], other: &[Vec<u8>]| {
            one.iter()
                .filter(|line| !other.contains(line))
                .take(3)
                .map(|line| String::from_utf8_lossy(line).into_owned())
                .collect::<Vec<_>>()
        };
        bail!(
            "{} lines on the host, {} in the guest; only on the host: {:?}; only in the guest: {:?}",
            host.len(),
            guest.len(),
            extra(&host, &guest),
            extra(&guest, &host)
        );
    }
    Ok(())
}

/// A package of this workspace for the host and as an image.
fn ours(package: &Path) -> Result<(PathBuf, PathBuf)> {
    let mut cargo = process::clean("cargo");
    cargo.current_dir(package).args([
        "build",
        "--release",
        "--quiet",
        "--message-format=json-render-diagnostics",
    ]);
    let host = build::executables(&mut cargo)?.into_iter().next().context("has no binary")?.file;
    let args = BuildArgs { what: Some(package.display().to_string()), release: true, ..BuildArgs::default() };
    let image = build::images(&args)?.into_iter().next().context("has no binary")?.file;
    Ok((host, image))
}

/// A published program for the host.
fn on_host(name: &str) -> Result<PathBuf> {
    let root = paths::cache()?.join("apps/host").join(name);
    ui::status("Installing", &format!("{name} for this host"));
    let mut cargo = process::clean("cargo");
    cargo.args(["install", "--locked", "--quiet", "--root"]).arg(&root).arg(name);
    cargo.env("CARGO_TARGET_DIR", paths::cache()?.join("apps/target"));
    process::run(&mut cargo)?;
    let mut programs = fs::read_dir(root.join("bin"))?.flatten().map(|entry| entry.path());
    programs.next().with_context(|| format!("{name} installed no program"))
}

/// A published crate's own tests, as images, by plain cargo.
fn crate_tests(table: &Table) -> Result<()> {
    let (name, version) = (text_of(table, "name")?, text_of(table, "version")?);
    let folder = paths::cache()?.join("apps/tests").join(&name);
    let source = fetch::source(&name, &version, &folder)?;
    init::main(&source)?;
    let target = Target::Unikernel;
    let mut cargo = process::clean("cargo");
    cargo
        .current_dir(&source)
        .args(["test", "--quiet", "--target", target.name()])
        .args(strings_of(table, "args")?);
    cargo.env("CARGO_TARGET_DIR", folder.join("target"));
    let output = cargo.stdin(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let count = super::summary(&text);
    if !output.status.success() || count.passed == 0 || count.failed > 0 {
        bail!("{}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    ui::status("Tests", &format!("{} of {name} passed in the guest", count.passed));
    Ok(())
}
