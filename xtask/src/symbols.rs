//! Addresses of a fault report into names, files and lines: kernel and program are one ELF.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use addr2line::Loader;

/// An image's symbols, read when the first report comes.
pub(crate) struct Symbols {
    image: PathBuf,
    loader: Option<Loader>,
}

impl Symbols {
    /// Of `image`.
    pub(crate) fn of(image: &Path) -> Self {
        Self { image: image.to_owned(), loader: None }
    }

    /// The line, with names behind the address if it is a frame such as `  #3 0x0000000000234567`.
    pub(crate) fn explain(&mut self, line: &str) -> String {
        let Some((index, address)) = frame(line) else { return line.to_owned() };
        if self.loader.is_none() {
            self.loader = Loader::new(&self.image).ok();
        }
        let mut text = line.trim_end().to_owned();
        // A return address stands after its call; the call is what the reader wants.
        let place = if index == 0 { address } else { address.saturating_sub(1) };
        let Some(loader) = &self.loader else { return text };
        let Ok(mut frames) = loader.find_frames(place) else { return text };
        let mut is_known = false;
        while let Ok(Some(frame)) = frames.next() {
            let name =
                frame.function.as_ref().and_then(|function| Some(function.demangle().ok()?.into_owned()));
            let _ = write!(
                text,
                "{} {}",
                if is_known { "\n      inlined in" } else { "" },
                name.as_deref().unwrap_or("?")
            );
            if let Some((file, line)) =
                frame.location.and_then(|location| Some((location.file?, location.line?)))
            {
                let _ = write!(text, " at {file}:{line}");
            }
            is_known = true;
        }
        if !is_known && let Some(name) = loader.find_symbol(place) {
            let _ = write!(text, " {}", demangle(name));
        }
        text
    }
}

/// A symbol as it is written in Rust, without what makes it unique.
pub(crate) fn demangle(symbol: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(symbol))
}

/// The number and the address of a frame line.
fn frame(line: &str) -> Option<(u32, u64)> {
    let (_, rest) = line.split_once("  #")?;
    let (index, rest) = rest.split_once(' ')?;
    let address = rest.trim().strip_prefix("0x")?;
    Some((index.parse().ok()?, u64::from_str_radix(address, 16).ok()?))
}

#[cfg(test)]
mod tests;
