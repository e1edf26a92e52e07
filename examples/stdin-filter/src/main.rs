//! A filter: standard input to standard output, line by line, numbered.
use std::io::{self, BufRead, Write};

fn main() -> io::Result<()> {
    let mut output = io::stdout().lock();
    let mut count = 0;
    for line in io::stdin().lock().lines() {
        count += 1;
        writeln!(output, "{count:6}\t{}", line?)?;
    }
    writeln!(output, "{count} lines")
}
