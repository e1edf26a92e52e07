//! Walking a path (path_resolution(7)): `.`, `..`, symbolic links, limits, trailing slashes, search permission.

use alloc::borrow::Cow;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use abi::errno::Errno;
use abi::fs::{FileType, NAME_MAX, PATH_MAX, SYMLINKS_MAX};

use super::inode::{Caller, Inode};

/// What becomes of a symbolic link at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// It is followed.
    Follow,
    /// It is what was asked for, unless a slash behind it asks for the directory it leads to.
    NoFollow,
    /// It is the name that is made, moved or removed, slash or not (rmdir(2), rename(2)).
    Name,
}

/// The last part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name<'a> {
    /// A name in a directory.
    Normal(Cow<'a, [u8]>),
    /// `.`
    Dot,
    /// `..`
    DotDot,
    /// `/`
    Root,
}

/// Where a path leads.
#[derive(Clone, Debug)]
pub struct Found<'a> {
    /// The directory that holds the last part.
    pub directory: Arc<dyn Inode>,
    /// The last part.
    pub name: Name<'a>,
    /// The inode, or `ENOENT`.
    pub inode: Result<Arc<dyn Inode>, Errno>,
    /// The path ended in a slash: it means a directory.
    pub must_be_directory: bool,
}

/// Where walks begin, and who walks.
#[derive(Debug)]
pub struct Walk<'a> {
    /// What `/` means.
    pub root: &'a Arc<dyn Inode>,
    /// Whose permissions count.
    pub caller: &'a Caller,
}

impl Walk<'_> {
    /// Walks `path` from `start`, the last part included.
    ///
    /// # Errors
    /// `ENOENT` for an empty path or a missing part, `ENOTDIR`, `EACCES`, `ELOOP`, `ENAMETOOLONG`.
    pub fn find<'p>(&self, start: &Arc<dyn Inode>, path: &'p [u8], last: Last) -> Result<Found<'p>, Errno> {
        if path.is_empty() {
            return Err(Errno::ENOENT);
        }
        if path.len() >= PATH_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        let mut rest = Rest::new(path);
        let mut at = Arc::clone(if path[0] == b'/' { self.root } else { start });
        let mut links = 0;
        loop {
            let Some(part) = rest.next() else {
                // Nothing but slashes.
                return Ok(Found {
                    directory: Arc::clone(&at),
                    name: Name::Root,
                    inode: Ok(at),
                    must_be_directory: true,
                });
            };
            let is_last = rest.is_empty();
            let must_be_directory = is_last && rest.ends_in_slash();
            let directory = at;
            let inode = self.step(&directory, rest.part(&part));
            if let Ok(link) = &inode
                && (!is_last || last == Last::Follow || must_be_directory && last == Last::NoFollow)
                && link.kind() == FileType::Symlink
            {
                links += 1;
                if links > SYMLINKS_MAX {
                    return Err(Errno::ELOOP);
                }
                if let Some(target) = link.jump() {
                    let target = target?;
                    if is_last {
                        let (inode, name) = (Ok(target), Name::Normal(rest.into_part(part)));
                        check_directory(&inode, must_be_directory)?;
                        return Ok(Found { directory, name, inode, must_be_directory });
                    }
                    at = target;
                    continue;
                }
                let text = link.read_link()?;
                if text.is_empty() {
                    return Err(Errno::ENOENT);
                }
                at = if text[0] == b'/' { Arc::clone(self.root) } else { directory };
                rest.begin_with(text);
                continue;
            }
            if is_last {
                if let Err(errno) = inode
                    && errno != Errno::ENOENT
                {
                    return Err(errno);
                }
                check_directory(&inode, must_be_directory)?;
                let name = match rest.part(&part) {
                    b"." => Name::Dot,
                    b".." => Name::DotDot,
                    _ => Name::Normal(rest.into_part(part)),
                };
                return Ok(Found { directory, name, inode, must_be_directory });
            }
            at = inode?;
        }
    }

    /// The inode `path` leads to.
    ///
    /// # Errors
    /// As for [`Walk::find`].
    pub fn resolve(&self, start: &Arc<dyn Inode>, path: &[u8], last: Last) -> Result<Arc<dyn Inode>, Errno> {
        self.find(start, path, last)?.inode
    }

    /// One part of the way.
    fn step(&self, directory: &Arc<dyn Inode>, part: &[u8]) -> Result<Arc<dyn Inode>, Errno> {
        let names = directory.directory().ok_or(Errno::ENOTDIR)?;
        self.caller.check_search(&**directory)?;
        match part {
            b"." => Ok(Arc::clone(directory)),
            b".." if super::inode::is_same(directory, self.root) => Ok(Arc::clone(directory)),
            b".." => Ok(directory.home().map_or_else(|| Arc::clone(directory), |home| home.directory)),
            _ if part.len() > NAME_MAX => Err(Errno::ENAMETOOLONG),
            _ => names.lookup(part),
        }
    }
}

/// Checks that what must be a directory is one, if it is there.
fn check_directory(inode: &Result<Arc<dyn Inode>, Errno>, must_be_directory: bool) -> Result<(), Errno> {
    match inode {
        Ok(inode) if must_be_directory && inode.directory().is_none() => Err(Errno::ENOTDIR),
        _ => Ok(()),
    }
}

impl Found<'_> {
    /// The name for something new.
    ///
    /// # Errors
    /// `EEXIST` when something is there, or can only be a directory.
    pub fn new_name(&self) -> Result<&[u8], Errno> {
        match &self.name {
            Name::Normal(name) if self.inode.is_err() => Ok(name),
            _ => Err(Errno::EEXIST),
        }
    }
}

/// What is left of a path, links replaced by where they point.
struct Rest<'a> {
    text: Cow<'a, [u8]>,
    /// Everything before is done.
    at: usize,
}

impl<'a> Rest<'a> {
    fn new(path: &'a [u8]) -> Self {
        let mut rest = Self { text: Cow::Borrowed(path), at: 0 };
        rest.skip_slashes();
        rest
    }

    fn skip_slashes(&mut self) {
        while self.text.get(self.at) == Some(&b'/') {
            self.at += 1;
        }
    }

    /// Where the next part is.
    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        while self.text.get(self.at).is_some_and(|&byte| byte != b'/') {
            self.at += 1;
        }
        let part = start..self.at;
        self.skip_slashes();
        (!part.is_empty()).then_some(part)
    }

    fn part(&self, part: &Range<usize>) -> &[u8] {
        &self.text[part.clone()]
    }

    fn into_part(self, part: Range<usize>) -> Cow<'a, [u8]> {
        match self.text {
            Cow::Borrowed(text) => Cow::Borrowed(&text[part]),
            Cow::Owned(mut text) => {
                text.truncate(part.end);
                text.drain(..part.start);
                Cow::Owned(text)
            }
        }
    }

    /// Nothing follows.
    fn is_empty(&self) -> bool {
        self.at == self.text.len()
    }

    fn ends_in_slash(&self) -> bool {
        self.text.last() == Some(&b'/')
    }

    /// Puts `link` in the place of the part that was last taken.
    fn begin_with(&mut self, link: Vec<u8>) {
        let mut text = link;
        if !self.is_empty() || self.ends_in_slash() {
            text.push(b'/');
        }
        text.extend_from_slice(&self.text[self.at..]);
        *self = Self { text: Cow::Owned(text), at: 0 };
        self.skip_slashes();
    }
}

#[cfg(test)]
mod tests;
