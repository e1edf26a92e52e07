//! Which accelerator QEMU uses. KVM only where a trial guest really runs: on some machines /dev/kvm exists and crawls.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::flags::Accel;
use crate::{paths, qemu, ui};

/// Longest a trial may take; a working KVM needs a tenth.
const PATIENCE: Duration = Duration::from_secs(3);

/// `kvm` or `tcg`.
pub(crate) fn choose(wish: Accel) -> Result<&'static str> {
    match wish {
        Accel::Tcg => Ok("tcg"),
        Accel::Kvm => Ok("kvm"),
        Accel::Auto if has_working_kvm()? => Ok("kvm"),
        Accel::Auto => Ok("tcg"),
    }
}

/// Asks the machine once per boot of the host.
fn has_working_kvm() -> Result<bool> {
    if File::options().read(true).write(true).open("/dev/kvm").is_err() {
        return Ok(false);
    }
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let note = paths::cache()?.join("kvm");
    if let Some(answer) = fs::read_to_string(&note)
        .ok()
        .and_then(|text| text.strip_prefix(boot.trim()).map(|rest| rest.trim() == "works"))
    {
        return Ok(answer);
    }
    let works = try_guest()?;
    if !works {
        ui::warn(
            "/dev/kvm is there but a trial guest did not run: using emulation (slower); `--accel kvm` insists",
        );
    }
    fs::create_dir_all(paths::cache()?)?;
    fs::write(note, format!("{} {}", boot.trim(), if works { "works" } else { "does not" }))?;
    Ok(works)
}

fn try_guest() -> Result<bool> {
    let file = std::env::temp_dir().join(format!("caracal-trial-{}", std::process::id()));
    fs::write(&file, trial_image())?;
    let mut child = Command::new(qemu::program()?)
        .args([
            "-nodefaults",
            "-no-user-config",
            "-no-reboot",
            "-display",
            "none",
            "-machine",
            "q35",
            "-accel",
            "kvm",
            "-cpu",
            "max",
            "-m",
            "64M",
        ])
        .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=0x4", "-kernel"])
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let start = Instant::now();
    let works = loop {
        if let Some(status) = child.try_wait()? {
            // isa-debug-exit turns the 0 the guest writes into 1.
            break status.code() == Some(1)
                && start.elapsed() < PATIENCE
                && start.elapsed() > Duration::from_millis(20);
        }
        if start.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            break false;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    fs::remove_file(file)?;
    // QEMU that cannot start with KVM also ends with 1, but says so at once; then a real guest will say it again.
    Ok(works)
}

/// A PVH guest of 17 bytes: counts to a hundred million, then writes 0 to the exit port.
fn trial_image() -> Vec<u8> {
    const LOAD: u64 = 0x10_0000;
    const NOTE: u64 = 64 + 2 * 56;
    const CODE: u64 = NOTE + 20 + 4;
    let code = [0xb9, 0x00, 0xe1, 0xf5, 0x05, 0x49, 0x75, 0xfd, 0xb0, 0x00, 0xe6, 0xf4, 0xf4, 0xeb, 0xfd];
    let size = CODE + code.len() as u64;
    let mut image = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let words16 =
        |image: &mut Vec<u8>, words: &[u16]| words.iter().for_each(|word| image.extend(word.to_le_bytes()));
    words16(&mut image, &[2, 62, 1, 0]);
    for word in [LOAD + CODE, 64, 0] {
        image.extend(word.to_le_bytes());
    }
    words16(&mut image, &[0, 0, 64, 56, 2, 64, 0, 0]);
    // PT_LOAD (1) of everything, PT_NOTE (4) of the note; both readable and executable.
    for (kind, offset, bytes, align) in [(1_u32, 0_u64, size, 4096_u64), (4, NOTE, 20, 4)] {
        image.extend(kind.to_le_bytes());
        image.extend(5_u32.to_le_bytes());
        for word in [offset, LOAD + offset, LOAD + offset, bytes, bytes, align] {
            image.extend(word.to_le_bytes());
        }
    }
    for word in [4_u32, 4, 18] {
        image.extend(word.to_le_bytes());
    }
    image.extend(b"Xen\0");
    // The entry: the note takes the low four bytes, the high ones align the code.
    image.extend((LOAD + CODE).to_le_bytes());
    image.extend(code);
    image
}
