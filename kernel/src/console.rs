//! Where bytes go before and beside the file system: the program's output and the kernel's messages.
//!
//! COM1 always; ISA debug consoles for the program's standard error, the kernel log and the control channel where the command
//! line names them (docs/console.md has the channel plan).
