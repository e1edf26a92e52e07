//! One boot of one program, with what the table says of it.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Result;

use super::ProgramsArgs;
use super::image::Image;
use super::table::Program;
use crate::server::{self, Answers, Client, Running, Words};
use crate::test::program;
use crate::ui;

/// Seconds a guest may be up.
const LIMIT: &str = "900";

/// Boots `image`, and has everything done that the table says of `program`.
pub(super) fn visit(program: &Program, image: &Image, data: &Path, args: &ProgramsArgs) -> Result<Answers> {
    ui::status("Running", &program.name);
    let words = Words::new(data, &program.service.ports)?;
    let mut flags = vec![format!("--smp={}", args.smp), format!("--timeout={LIMIT}")];
    flags.extend(program.flags.iter().map(|flag| words.put_into(flag)));
    flags.extend(program.service.flags(&words)?);
    let arguments: Vec<String> = program.args.iter().map(|argument| words.put_into(argument)).collect();
    let guest = program::guest(&image.file, &arguments, &flags, false)?;
    match &program.server {
        Some(server) => Ok(vec![(server.does.clone(), ask_host(guest, server, &words, args.verbose))]),
        None => {
            let log = data.with_file_name(format!("{}.log", program.name));
            program.service.visit(guest, &words, &log, args.verbose)
        }
    }
}

/// The guest is a client of a program on the host.
fn ask_host(mut guest: Command, server: &Client, words: &Words, is_verbose: bool) -> Result<()> {
    let mut host = Command::new("sh");
    // The server is the process itself, not a child of a shell.
    host.args(["-c", &format!("exec {}", words.put_into(&server.command))]);
    let host = Running::start(host.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))?;
    server::wait_for(words.of("host")?.parse()?)?;
    let output = guest.output()?;
    drop(host);
    server::said(&output, &server.says, is_verbose)
}
