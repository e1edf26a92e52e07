//! `programs`: published servers and clients, unmodified, in guests; who asks or answers them are programs of the host that nobody here
//! wrote. What worked and what did not becomes `docs/programs.md`.
//!
//! What is run and how stands in `tests/programs/programs.toml`. Not here: programs without a network (`test apps`), test suites
//! (`conformance`).

mod guest;
mod image;
mod page;
mod record;
mod table;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::{paths, process, server, tables, ui};
use image::Image;
use page::Row;
use table::Program;

/// Which programs, and where.
#[derive(Args, Debug)]
pub(crate) struct ProgramsArgs {
    /// Programs by name; their rows of docs/programs.md are written if they do as they should [default: all of tests/programs/programs.toml, and
    /// the page is written in any case]
    programs: Vec<String>,
    /// Number of vCPUs
    #[arg(long, short = 'c', default_value_t = 2)]
    smp: u16,
    /// Run also what has not changed since it was run last
    #[arg(long)]
    again: bool,
    /// Show what clients and guests say
    #[arg(long, short)]
    verbose: bool,
}

/// Runs the programs; an error if something did not work without a reason.
pub(crate) fn main(args: &ProgramsArgs) -> Result<()> {
    let file = folder().join("programs.toml");
    let document = tables::read(&file)?;
    let all = tables::all(&document, "program").map(Program::read).collect::<Result<Vec<Program>>>()?;
    let names: Vec<&str> = all.iter().map(|program| program.name.as_str()).collect();
    let is_wanted = |program: &&Program| args.programs.is_empty() || args.programs.contains(&program.name);
    let programs: Vec<&Program> = all.iter().filter(is_wanted).collect();
    if let Some(name) = args.programs.iter().find(|name| programs.iter().all(|known| known.name != **name)) {
        bail!("no program is called {name}: see {}", file.display());
    }
    server::check_tools(
        programs.iter().flat_map(|program| program.clients()).map(|client| client.tool.as_str()),
    )?;
    let data = data()?;
    let mut rows = Vec::new();
    for program in programs {
        let row = match image::of(program) {
            Ok(image) => row(program, &image, &data, args)?,
            Err(error) => Row::not_built(program, &error),
        };
        row.tell();
        rows.push(row);
    }
    let passed: usize = rows.iter().map(Row::passed).sum();
    let failed: usize = rows.iter().map(Row::failed).sum();
    if !args.programs.is_empty() {
        rows.retain(|row| row.failed() == 0);
    }
    page::write(args.smp, &names, &rows)?;
    #[expect(clippy::print_stdout, reason = "the result is what was asked for")]
    {
        println!("{passed} passed, {failed} failed");
    }
    if failed > 0 {
        bail!("not everything works");
    }
    Ok(())
}

/// What comes of `program`; as it was the last time, unless everything is to be run again.
fn row(program: &Program, image: &Image, data: &Path, args: &ProgramsArgs) -> Result<Row> {
    let record = record::place(program, image, args.smp)?;
    if record.is_file() && !args.again {
        ui::status("Known", &program.name);
        return Ok(Row::as_expected(program, image));
    }
    let row = Row::of(program, image, guest::visit(program, image, data, args));
    if row.failed() == 0 {
        record::write(&record)?;
    }
    Ok(row)
}

/// Where the table and the programs of ours are.
fn folder() -> PathBuf {
    paths::root().join("tests/programs")
}

/// What programs serve: files, certificates, configuration.
fn data() -> Result<PathBuf> {
    let data = paths::cache()?.join("programs/data");
    std::fs::create_dir_all(&data)?;
    let mut script = Command::new("sh");
    script.arg("-eu").arg(folder().join("data.sh")).current_dir(&data);
    process::output(&mut script).context("cannot make the data that programs serve")?;
    ui::status("Data", &data.display().to_string());
    Ok(data)
}
