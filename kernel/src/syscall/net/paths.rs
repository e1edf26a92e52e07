//! The tree of files as sockets with paths see it: with the caller's working directory, mask and permissions.

use alloc::sync::Arc;

use abi::errno::Errno;
use logic::fs::inode::{Inode, New, want};
use logic::fs::path::Last;
use logic::fs::vfs::At;
use logic::net::socket::Paths;

use super::super::Ctx;
use super::super::fs::with_walk;

/// Permissions of a socket's name before the mask (Linux `unix_bind_bsd`).
const PERMISSIONS: u32 = 0o777;

/// The paths of the calling thread.
pub(super) struct CallerPaths<'a>(pub(super) &'a Ctx<'a>);

impl Paths for CallerPaths<'_> {
    fn find(&self, path: &[u8]) -> Result<Arc<dyn Inode>, Errno> {
        let start = self.0.process().files.working_directory()?;
        with_walk(self.0, |walk| {
            let inode = walk.resolve(&start, path, Last::Follow)?;
            walk.caller.check(&inode.rights(), want::WRITE)?;
            Ok(inode)
        })
    }

    fn create(&self, path: &[u8]) -> Result<Arc<dyn Inode>, Errno> {
        let start = self.0.process().files.working_directory()?;
        with_walk(self.0, |walk| {
            let permissions = PERMISSIONS & !walk.caller.umask;
            walk.create_inode(At { start: &start, path }, New::Socket, permissions).map_err(|errno| {
                match errno {
                    Errno::EEXIST => Errno::EADDRINUSE,
                    errno => errno,
                }
            })
        })
    }
}
