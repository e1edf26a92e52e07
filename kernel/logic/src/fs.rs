//! The tree of files: inodes with names, found by walking paths.
//!
//! There is one tree. Its root is a `ramfs`; other file systems (`/dev`, `/proc`, `/sys`) hang in it as inodes that are bound to a
//! name, so a walk needs no table of mounts. Every inode knows its home (a directory and a name), which gives `..`,
//! getcwd(2) and the links of `/proc/self/fd` by one mechanism.

pub mod anonymous;
pub mod devfs;
pub mod initrd;
pub mod inode;
pub mod live;
pub mod pages;
pub mod path;
pub mod procfs;
pub mod ramfs;
pub mod special;
pub mod synthetic;
pub mod vfs;
