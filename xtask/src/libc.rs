//! Where musl's `libc.a` and start files come from, and GCC's built-ins for C code.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;
use crate::toolchain::Toolchain;

/// The start files beside `libc.a`.
pub(crate) const START_FILES: [&str; 3] = ["crt1.o", "crti.o", "crtn.o"];

/// The toolchain's own musl (rustup target x86_64-unknown-linux-musl), else the distribution's.
pub(crate) fn find(toolchain: &Toolchain) -> Result<PathBuf> {
    let own = toolchain.sysroot.join("lib/rustlib/x86_64-unknown-linux-musl/lib/self-contained");
    let places = [
        own,
        PathBuf::from("/usr/lib/x86_64-linux-musl"),
        PathBuf::from("/usr/lib/musl/lib"),
        PathBuf::from("/usr/local/musl/lib"),
    ];
    let is_complete = |dir: &PathBuf| {
        dir.join("libc.a").is_file() && START_FILES.iter().all(|file| dir.join(file).is_file())
    };
    match places.into_iter().find(is_complete) {
        Some(dir) => Ok(dir),
        None => bail!(
            "musl's libc.a was not found; install it with `rustup target add x86_64-unknown-linux-musl`, or `apt-get install musl-dev`, or let \
             `cargo xtask setup` do it"
        ),
    }
}

/// `libgcc.a` of the C compiler. Programs without C code do not need it.
pub(crate) fn find_builtins() -> Option<PathBuf> {
    ["cc", "gcc"].into_iter().find_map(|compiler| {
        let name = process::output(Command::new(compiler).arg("-print-libgcc-file-name")).ok()?;
        Some(PathBuf::from(name.trim()))
            .filter(|file| file.is_file() && file.extension().is_some_and(|extension| extension == "a"))
    })
}
