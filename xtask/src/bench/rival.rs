//! The systems that are compared: Caracal, a tiny Linux made for the purpose, and Debian's kernel for clouds.
//!
//! A rival's kernel is fetched from Debian and built or unpacked in the cache, never installed. A rival that cannot be had is said once and
//! stands as "not measured"; Caracal's figures do not depend on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::linux;
use crate::flags::BuildArgs;
use crate::pack::{self, Item};
use crate::rig::SERVER;
use crate::rig::guest::Guest;
use crate::{build, paths, process, setup, ui};

/// The configuration of the tiny Linux, on top of `make tinyconfig`.
const FRAGMENT: &str = include_str!("../../../tests/bench/linux-tiny.fragment");
/// Debian's source of the kernel.
const SOURCE: &str = "linux-source-6.1";
/// What building it needs.
const BUILD_PACKAGES: [&str; 9] =
    ["make", "gcc", "libc6-dev", "flex", "bison", "bc", "libelf-dev", "lz4", "xz-utils"];
/// Debian's package that names the newest kernel for clouds.
const CLOUD: &str = "linux-image-cloud-amd64";

/// Debian's modules for a network card, in the order they need each other.
const MODULES: [&str; 9] = [
    "net/core/failover.ko",
    "drivers/net/net_failover.ko",
    "drivers/virtio/virtio_ring.ko",
    "drivers/virtio/virtio.ko",
    "drivers/virtio/virtio_pci_legacy_dev.ko",
    "drivers/virtio/virtio_pci_modern_dev.ko",
    "drivers/virtio/virtio_pci.ko",
    "drivers/virtio/virtio_mmio.ko",
    "drivers/net/virtio_net.ko",
];

/// [`SERVER`]'s port 80, with hyper.
pub(super) const HYPER: &str = "serve-hyper";

/// Who runs a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    /// This kernel.
    Caracal,
    /// The strong rival.
    TinyLinux,
    /// The easy rival.
    DebianCloud,
}

/// In the order of the columns.
pub(super) const SYSTEMS: [System; 3] = [System::Caracal, System::TinyLinux, System::DebianCloud];

impl System {
    /// As the page calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Caracal => "Caracal",
            Self::TinyLinux => "tiny Linux",
            Self::DebianCloud => "Debian cloud",
        }
    }
}

/// A rival's kernel.
#[derive(Clone, Debug)]
pub(super) struct Kernel {
    /// What QEMU boots.
    pub(super) file: PathBuf,
    /// Its version.
    pub(super) version: String,
}

/// All that take part in a run.
pub(super) struct Systems {
    tiny: Option<Kernel>,
    cloud: Option<Kernel>,
}

impl Systems {
    /// Finds or makes the rivals, unless Caracal is measured alone.
    pub(super) fn prepare(is_alone: bool) -> Self {
        if is_alone {
            return Self { tiny: None, cloud: None };
        }
        let found = |system: System, kernel: Result<Kernel>| {
            kernel.map_err(|error| ui::warn(&format!("{} is not measured: {error:#}", system.name()))).ok()
        };
        Self { tiny: found(System::TinyLinux, tiny()), cloud: found(System::DebianCloud, cloud()) }
    }

    /// The kernel of a rival that is there.
    pub(super) fn kernel(&self, system: System) -> Option<&Kernel> {
        match system {
            System::Caracal => None,
            System::TinyLinux => self.tiny.as_ref(),
            System::DebianCloud => self.cloud.as_ref(),
        }
    }

    /// Their versions, for the page.
    pub(super) fn versions(&self) -> Vec<String> {
        let version = |system: System| Some(format!("{} {}", system.name(), self.kernel(system)?.version));
        SYSTEMS.into_iter().filter_map(version).collect()
    }

    /// The program of tests/bench (or `hello`), ready to boot.
    pub(super) fn guest(&self, system: System, program: &str) -> Result<Option<Guest>> {
        if system == System::Caracal {
            return Ok(Some(Guest { kernel: image(program)?, initrd: None }));
        }
        let Some(kernel) = self.kernel(system) else { return Ok(None) };
        let file = linux::program(&package(program), program, &config(program))?;
        let mut items = vec![Item { host: file, guest: "/init".into() }];
        let mut name = program.to_owned();
        if system == System::DebianCloud && [SERVER, HYPER].contains(&program) {
            items.extend(modules(&kernel.version)?);
            name.push_str("-modules");
        }
        let archive = paths::target().join("bench").join(format!("{name}.cpio"));
        fs::create_dir_all(paths::target().join("bench"))?;
        pack::write(&items, &[], &archive)?;
        Ok(Some(Guest { kernel: kernel.file.clone(), initrd: Some(archive) }))
    }

    /// The program on all that are there.
    pub(super) fn guests(&self, program: &str) -> Result<Vec<(System, Guest)>> {
        let guest = |system| Ok(self.guest(system, program)?.map(|guest| (system, guest)));
        SYSTEMS.into_iter().filter_map(|system| guest(system).transpose()).collect()
    }

    /// One measurement on each. A rival on which it fails is said and left out; without Caracal's figure there is nothing.
    pub(super) fn measure<T>(
        &self,
        program: &str,
        mut figure: impl FnMut(&Guest, System) -> Result<T>,
    ) -> Result<[Option<T>; 3]> {
        let mut figures = [None, None, None];
        for (system, place) in SYSTEMS.into_iter().zip(&mut figures) {
            let Some(guest) = self.guest(system, program)? else { continue };
            ui::status("Measuring", &format!("{program} on {}", system.name()));
            match figure(&guest, system) {
                Ok(figure) => *place = Some(figure),
                Err(error) if system == System::Caracal => return Err(error),
                Err(error) => ui::warn(&format!("{program} on {}: {error:#}", system.name())),
            }
        }
        Ok(figures)
    }
}

/// As `tests/bench/src/network.rs` looks for them.
fn modules(version: &str) -> Result<Vec<Item>> {
    let folder = folder("debian-cloud")?.join("lib/modules").join(version).join("kernel");
    let items = MODULES.iter().enumerate().map(|(number, module)| Item {
        host: folder.join(module),
        guest: format!("/modules/{number}").into(),
    });
    Ok(items.collect())
}

fn package(program: &str) -> PathBuf {
    paths::root().join(match program {
        "hello" => "examples/hello",
        HYPER => "tests/bench/hyper",
        _ => "tests/bench",
    })
}

/// `hello` is measured as it would be shipped.
fn config(program: &str) -> Vec<String> {
    if program == "hello" { vec!["profile.release.strip=\"symbols\"".to_owned()] } else { Vec::new() }
}

/// Caracal's image of a program.
pub(crate) fn image(program: &str) -> Result<PathBuf> {
    let args = BuildArgs {
        what: Some(package(program).display().to_string()),
        bin: vec![program.to_owned()],
        release: true,
        config: config(program),
        ..BuildArgs::default()
    };
    let image = build::images(&args)?.into_iter().next();
    Ok(image.with_context(|| format!("there is no program {program}"))?.file)
}

fn folder(name: &str) -> Result<PathBuf> {
    let folder = paths::cache()?.join("rivals").join(name);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

/// FNV-1a: another configuration is another kernel.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Builds the tiny Linux once.
fn tiny() -> Result<Kernel> {
    let folder = folder(&format!("linux-tiny-{:08x}", hash(FRAGMENT)))?;
    let (file, version) = (folder.join("vmlinux"), folder.join("version"));
    if !version.is_file() {
        setup::install(&BUILD_PACKAGES)?;
        download(SOURCE, &folder)?;
        process::run_to_stderr(
            Command::new("tar").current_dir(&folder).arg("-xf").arg(format!("usr/src/{SOURCE}.tar.xz")),
        )?;
        compile(&folder)?;
        let build = folder.join("build");
        fs::copy(build.join("vmlinux"), &file)?;
        fs::copy(build.join("include/config/kernel.release"), &version)?;
        for leftover in [folder.join("build"), folder.join(SOURCE), folder.join("usr")] {
            fs::remove_dir_all(&leftover)?;
        }
    }
    Ok(Kernel { file, version: fs::read_to_string(version)?.trim().to_owned() })
}

fn compile(folder: &Path) -> Result<()> {
    let (source, build, fragment) = (folder.join(SOURCE), folder.join("build"), folder.join("fragment"));
    fs::create_dir_all(&build)?;
    fs::write(&fragment, FRAGMENT)?;
    let jobs = std::thread::available_parallelism()?;
    let make = |words: &[&str]| {
        // It takes long: let others work meanwhile.
        let mut make = Command::new("nice");
        make.args(["make", "--silent", &format!("-j{jobs}"), "-C"]).arg(&source);
        make.arg(format!("O={}", build.display())).args(words);
        // The same bytes whenever and wherever it is built.
        for (name, value) in [("TIMESTAMP", "@0"), ("USER", "bench"), ("HOST", "bench")] {
            make.env(format!("KBUILD_BUILD_{name}"), value);
        }
        process::run_to_stderr(&mut make)
    };
    ui::status("Building", "the tiny Linux (once; takes 5 to 25 minutes)");
    make(&["tinyconfig"])?;
    let mut merge = Command::new(source.join("scripts/kconfig/merge_config.sh"));
    merge.current_dir(&build).args(["-m", "-O"]).arg(&build).arg(build.join(".config")).arg(&fragment);
    process::output(&mut merge)?;
    make(&["olddefconfig"])?;
    make(&["vmlinux"])
}

/// Unpacks Debian's kernel once.
fn cloud() -> Result<Kernel> {
    let folder = folder("debian-cloud")?;
    let there = || -> Result<Option<Kernel>> {
        let Ok(entries) = fs::read_dir(folder.join("boot")) else { return Ok(None) };
        let file = entries.flatten().map(|entry| entry.path()).find_map(|path| {
            let version = path.file_name()?.to_str()?.strip_prefix("vmlinuz-")?.to_owned();
            Some((path, version))
        });
        Ok(file.map(|(file, version)| Kernel { file, version }))
    };
    if let Some(kernel) = there()? {
        return Ok(kernel);
    }
    let text = process::output(Command::new("apt-cache").args(["depends", CLOUD]))?;
    let name = text.lines().find_map(|line| line.trim().strip_prefix("Depends: linux-image-"));
    let name = format!("linux-image-{}", name.with_context(|| format!("{CLOUD} names no kernel"))?);
    download(&name, &folder)?;
    there()?.with_context(|| format!("{name} holds no kernel"))
}

/// Unpacks a Debian package into a folder.
fn download(package: &str, folder: &Path) -> Result<()> {
    if paths::find_program("apt-get").is_none() {
        bail!("this machine has no apt-get to fetch {package} with");
    }
    ui::status("Downloading", package);
    let mut fetch = Command::new("apt-get");
    process::output(fetch.current_dir(folder).args(["download", "-q", package]))
        .context("`apt-get update` brings the lists up to date")?;
    let is_ours = |name: &str| name.starts_with(&format!("{package}_")) && name.ends_with(".deb");
    let file = fs::read_dir(folder)?
        .flatten()
        .find(|entry| entry.file_name().to_str().is_some_and(is_ours))
        .with_context(|| format!("apt-get brought no {package}"))?
        .path();
    process::output(Command::new("dpkg-deb").arg("-x").arg(&file).arg(folder))?;
    fs::remove_file(file).map_err(Into::into)
}
