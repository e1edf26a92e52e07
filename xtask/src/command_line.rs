//! The guest's command line (docs/command-line.md): options and the program's words, quoted as the kernel reads them.

/// A command line under construction.
#[derive(Clone, Debug, Default)]
pub(crate) struct CommandLine {
    options: Vec<String>,
    argv: Vec<String>,
}

impl CommandLine {
    /// With the program's arguments, its own name first.
    pub(crate) fn new(argv: Vec<String>) -> Self {
        Self { options: Vec::new(), argv }
    }

    /// Adds a word such as `log=info` or `strace`.
    pub(crate) fn option(&mut self, word: impl Into<String>) {
        self.options.push(word.into());
    }

    /// The text for the guest.
    pub(crate) fn text(&self) -> String {
        let separator = "--".to_owned();
        let words = self.options.iter().chain(std::iter::once(&separator)).chain(&self.argv);
        let quoted = words.enumerate().map(|(index, word)| {
            // Among the options a bare `--` would end them too early; the separator itself must stay bare.
            if word == "--" && index < self.options.len() { "\"--\"".to_owned() } else { quote(word) }
        });
        quoted.collect::<Vec<_>>().join(" ")
    }
}

/// A word in double quotes where the kernel's reader needs them.
fn quote(word: &str) -> String {
    let is_plain = !word.is_empty()
        && !word.contains(|c: char| c.is_ascii_whitespace() || c == '"' || c == '\0' || c == '\x0b');
    if is_plain {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests;
