//! The target specification and its names.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// `targets/x86_64-unikernel.json`.
pub(crate) const SPEC: &str = include_str!("../../targets/x86_64-unikernel.json");

/// A name under which images are built. All give the same kind of image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The front door.
    Unikernel,
    /// The same specification under a triple that C build systems understand.
    UnikernelMusl,
    /// rustc's built-in musl target, through an overlay of its sysroot.
    Compat,
}

impl Target {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Unikernel, Self::UnikernelMusl, Self::Compat];

    /// As `--target` takes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unikernel => "x86_64-unikernel",
            Self::UnikernelMusl => "x86_64-unikernel-linux-musl",
            Self::Compat => "x86_64-unknown-linux-musl",
        }
    }

    /// The target of that name, also given as a path to the JSON file.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.name() == name)
    }

    /// Whether rustc knows it without a JSON file.
    pub(crate) fn is_built_in(self) -> bool {
        self == Self::Compat
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// Names a sysroot's content: the specification, and the layout this tool gives it.
pub(crate) fn hash() -> String {
    // Raised when the way a sysroot is built changes.
    const LAYOUT: u32 = 2;
    let mut hasher = DefaultHasher::new();
    (SPEC, LAYOUT).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests;
