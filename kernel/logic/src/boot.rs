//! What start-up decides: which memory is usable, what the command line asks for, how the program's first stack looks.

pub mod cmdline;
pub mod network;
pub mod memmap;
pub mod stack_image;
