//! A guest and the network around it: `tests/net`, and the host as somebody to talk to.

use std::io::{Read as _, Write as _};
use std::net::{Ipv6Addr, TcpListener};
use std::path::Path;
use std::thread;

use anyhow::{Context as _, Result, ensure};

use super::{Count, program};
use crate::flags::{BuildArgs, Place};
use crate::{build, paths, ui};

/// The host, as guests on QEMU's own network reach it over IPv6: its `::1`.
const HOST: &str = "fec0::2";

/// Runs them all, at each of `places`.
pub(super) fn run(places: &[Place]) -> Result<Count> {
    let package = paths::root().join("tests/net");
    let mut count = program::check(&package, places)?;
    let build = BuildArgs { what: Some(package.display().to_string()), ..BuildArgs::default() };
    let image = build::images(&build)?.into_iter().next().context("has no binary")?;
    for &place in places {
        match TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) {
            Ok(listener) => {
                let name = format!("a guest talks to the host over IPv6 ({place})");
                count.add(Count::one(&name, talk(&image.file, place, listener)));
            }
            Err(error) => ui::status("Skipping", &format!("the host over IPv6, which has none: {error}")),
        }
    }
    Ok(count)
}

/// The guest connects, says something and hears it again.
fn talk(image: &Path, place: Place, listener: TcpListener) -> Result<()> {
    let port = listener.local_addr()?.port();
    let echo = thread::spawn(move || -> std::io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        let mut text = Vec::new();
        stream.read_to_end(&mut text)?;
        stream.write_all(&text)
    });
    let args = ["talk".to_owned(), format!("[{HOST}]:{port}")];
    let output = program::guest(image, &args, &place.flags(), false)?.output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success() && said == "hello from the guest\n",
        "ended with {}\n{said}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    echo.join().expect("it does not panic")?;
    Ok(())
}
