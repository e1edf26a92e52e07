//! What the system calls itself: uname(2), `/proc/version`.

/// The Linux whose system calls these are, as uname(2) tells it to programs that look.
pub const RELEASE: &str = "6.1.0-caracal";
/// The machine's name.
pub const HOST_NAME: &str = "caracal";
