//! What the tool itself says, in cargo's style, on stderr; stdout belongs to the guest.

use std::env;
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Whether colours are wanted on stderr (`NO_COLOR`, `CLICOLOR_FORCE`, else: is it a terminal).
pub(crate) fn is_colored() -> bool {
    if env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        return false;
    }
    env::var_os("CLICOLOR_FORCE").is_some_and(|value| value != "0") || std::io::stderr().is_terminal()
}

/// `        Verb message`, the verb green.
pub(crate) fn status(verb: &str, message: &str) {
    say(verb, message, "\x1b[1;32m", 12);
}

/// `warning: message`.
pub(crate) fn warn(message: &str) {
    say("warning:", message, "\x1b[1;33m", 0);
}

/// `error: message`.
pub(crate) fn error(message: &str) {
    say("error:", message, "\x1b[1;31m", 0);
}

fn say(verb: &str, message: &str, color: &str, width: usize) {
    let mut out = std::io::stderr().lock();
    // A closed stderr is no reason to fail.
    let _ = if is_colored() {
        writeln!(out, "{color}{verb:>width$}\x1b[0m {message}")
    } else {
        writeln!(out, "{verb:>width$} {message}")
    };
}

/// A step that takes long: a line that moves on a terminal, plain lines elsewhere.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Starts the step.
    pub(crate) fn start(verb: &str, message: &str) -> Self {
        if !std::io::stderr().is_terminal() {
            status(verb, message);
            return Self { bar: None };
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{prefix:>12.green.bold} {msg} {spinner} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_prefix(verb.to_owned());
        bar.set_message(message.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar: Some(bar) }
    }

    /// Says how far it is.
    pub(crate) fn update(&self, message: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(message.to_owned());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
