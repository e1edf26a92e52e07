//! Control messages (cmsg(3)) between the program's memory and what sockets know: `logic::net::socket::Control`.

use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::errno::Errno;
use abi::net::message::SCM_MAX_FD;
use abi::net::{CmsgHdr, Level, ScmType, Ucred};
use abi::prelude::*;
use logic::file::open::OpenFile;
use logic::net::control::Messages;
use logic::net::socket::Control;
use zerocopy::{FromBytes as _, IntoBytes as _};

use super::super::Ctx;
use crate::process::PID;

/// Most bytes of control messages that are sent at once (`/proc/sys/net/core/optmem_max`).
const MOST_BYTES: usize = 128 * 1024;
/// Bytes of a header.
const HEADER: usize = size_of::<CmsgHdr>();
/// Bytes of a descriptor.
const FD: usize = size_of::<i32>();

/// The control messages of a message that is sent.
///
/// # Errors
/// `ENOBUFS` for too many bytes; `EINVAL` for a message that does not end, or that nobody knows; `EBADF`, `EPERM`, `ESRCH`.
pub(super) fn read(cx: &Ctx<'_>, family: Family, header: &MsgHdr) -> Result<Vec<Control>, Errno> {
    if header.msg_control == 0 || header.msg_controllen == 0 {
        return Ok(Vec::new());
    }
    if header.msg_controllen > MOST_BYTES {
        return Err(Errno::ENOBUFS);
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(header.msg_controllen).map_err(|_| Errno::ENOBUFS)?;
    bytes.resize(header.msg_controllen, 0);
    cx.read_bytes(UserPtr::new(header.msg_control), &mut bytes)?;
    let mut gathered = Gathered::default();
    for message in Messages::new(&bytes) {
        let (header, data) = message?;
        gathered.add(cx, family, &header, data)?;
    }
    Ok(gathered.finish())
}

/// Control messages so far: files of several go as one, and of credentials the last ones count.
#[derive(Default)]
struct Gathered {
    files: Vec<Arc<OpenFile>>,
    credentials: Option<Ucred>,
    others: Vec<Control>,
}

impl Gathered {
    fn add(&mut self, cx: &Ctx<'_>, family: Family, header: &CmsgHdr, data: &[u8]) -> Result<(), Errno> {
        let (level, kind) = (header.cmsg_level, header.cmsg_type);
        if family != Family::Unix {
            self.others.push(Control::Other { level, kind, data: data.to_vec() });
            return Ok(());
        }
        // Other levels' are not for this family (Linux `__scm_send`).
        if level != Level::Socket.raw() {
            return Ok(());
        }
        match ScmType::try_from(kind)? {
            ScmType::Rights => self.add_files(cx, data),
            ScmType::Credentials => {
                self.credentials = Some(credentials(cx, data)?);
                Ok(())
            }
            _ => Err(Errno::EINVAL),
        }
    }

    /// The open files whose descriptors are in `data`.
    fn add_files(&mut self, cx: &Ctx<'_>, data: &[u8]) -> Result<(), Errno> {
        let (fds, _) = data.as_chunks::<FD>();
        if self.files.len() + fds.len() > SCM_MAX_FD {
            return Err(Errno::EINVAL);
        }
        for &fd in fds {
            self.files.push(cx.process().files.get(Fd(i32::from_ne_bytes(fd)))?);
        }
        Ok(())
    }

    fn finish(self) -> Vec<Control> {
        let mut controls = self.others;
        controls.extend(self.credentials.map(Control::Credentials));
        if !self.files.is_empty() {
            controls.push(Control::Rights(self.files));
        }
        controls
    }
}

/// Who the sender says he is: himself, unless he may be anybody (unix(7)).
fn credentials(cx: &Ctx<'_>, data: &[u8]) -> Result<Ucred, Errno> {
    let given = Ucred::read_from_bytes(data).map_err(|_| Errno::EINVAL)?;
    let own = cx.process().credentials.lock().clone();
    let may_be_anybody = own.user.effective == 0;
    let is_own_id =
        |id: u32, ids: logic::credentials::Ids| [ids.real, ids.effective, ids.saved].contains(&id);
    if given.pid != PID.cast_signed() {
        return Err(if may_be_anybody { Errno::ESRCH } else { Errno::EPERM });
    }
    let is_himself = is_own_id(given.uid, own.user) && is_own_id(given.gid, own.group);
    if !(may_be_anybody || is_himself) {
        return Err(Errno::EPERM);
    }
    Ok(given)
}

/// How control messages were written.
pub(super) struct Written {
    /// Bytes of the program's room that they took.
    pub(super) bytes: usize,
    /// `MSG_CTRUNC`, if there was not enough of it.
    pub(super) told: MsgFlags,
}

/// The room for control messages, and how far it is filled.
struct Room<'a> {
    cx: &'a Ctx<'a>,
    at: UserPtr<u8>,
    size: usize,
    used: usize,
    told: MsgFlags,
}

/// Writes `controls` to where `header` says. Open files get descriptors there.
///
/// # Errors
/// `EFAULT`.
pub(super) fn write(
    cx: &Ctx<'_>,
    controls: Vec<Control>,
    header: &MsgHdr,
    close_on_exec: MsgFlags,
) -> Result<Written, Errno> {
    let size = if header.msg_control == 0 { 0 } else { header.msg_controllen };
    let at = UserPtr::new(header.msg_control);
    let mut room = Room { cx, at, size, used: 0, told: MsgFlags::empty() };
    for control in controls {
        match control {
            Control::Rights(files) => room.put_rights(files, !close_on_exec.is_empty())?,
            Control::Credentials(who) => {
                room.put(Level::Socket.raw(), ScmType::Credentials.raw(), who.as_bytes())?;
            }
            Control::Other { level, kind, data } => room.put(level, kind, &data)?,
        }
    }
    Ok(Written { bytes: room.used, told: room.told })
}

impl Room<'_> {
    fn left(&self) -> usize {
        self.size - self.used
    }

    /// Writes one message, cut where the room ends (Linux `put_cmsg`).
    fn put(&mut self, level: i32, kind: i32, data: &[u8]) -> Result<(), Errno> {
        if self.left() < HEADER {
            self.told |= MsgFlags::CTRUNC;
            return Ok(());
        }
        let count = data.len().min(self.left() - HEADER);
        self.told.set(MsgFlags::CTRUNC, count < data.len() || self.told.contains(MsgFlags::CTRUNC));
        let header = CmsgHdr { cmsg_len: HEADER + count, cmsg_level: level, cmsg_type: kind };
        let at = self.at.byte_offset(self.used)?;
        self.cx.write_struct(at.cast(), &header)?;
        self.cx.write_bytes(at.byte_offset(HEADER)?, &data[..count])?;
        self.used += CmsgHdr::space(count).min(self.left());
        Ok(())
    }

    /// Gives `files` descriptors, as far as there is room for them and there may be more, and writes those (Linux `scm_detach_fds`).
    fn put_rights(&mut self, files: Vec<Arc<OpenFile>>, close_on_exec: bool) -> Result<(), Errno> {
        let table = &self.cx.process().files.table;
        let (all, most) = (files.len(), self.left().saturating_sub(HEADER) / FD);
        let mut fds = Vec::new();
        for file in files.into_iter().take(most) {
            let inserted = table.lock().insert(file, close_on_exec, 0);
            let Ok(fd) = inserted else { break };
            fds.push(fd);
        }
        if fds.len() < all {
            self.told |= MsgFlags::CTRUNC;
        }
        if fds.is_empty() {
            return Ok(());
        }
        let data: Vec<u8> = fds.iter().flat_map(|fd| fd.0.to_ne_bytes()).collect();
        let put = self.put(Level::Socket.raw(), ScmType::Rights.raw(), &data);
        put.inspect_err(|_| fds.iter().for_each(|&fd| drop(table.lock().remove(fd))))
    }
}
