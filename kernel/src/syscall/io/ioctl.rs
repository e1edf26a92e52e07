//! ioctl(2): terminals, sockets, and what every file knows.

use abi::errno::Errno;
use abi::fs::OpenFlags;
use abi::prelude::*;
use abi::tty::{Termios, Winsize};
use logic::file::open::OpenFile;
use logic::file::terminal::Terminal;
use logic::net::socket::Socket;

use crate::process::PID;

use super::super::{Ctx, net};

/// ioctl(2)
pub fn sys_ioctl(cx: &Ctx<'_>, fd: Fd, request: Ioctl, arg: usize) -> Result<usize, Errno> {
    let open = cx.file(fd)?;
    open.check_not_path()?;
    match request {
        Ioctl::FIOCLEX => cx.process().files.table.lock().set_close_on_exec(fd, true)?,
        Ioctl::FIONCLEX => cx.process().files.table.lock().set_close_on_exec(fd, false)?,
        Ioctl::FIONBIO => {
            let on: i32 = cx.read_struct(UserPtr::new(arg))?;
            open.set_flag(OpenFlags::NONBLOCK, on != 0);
        }
        Ioctl::FIONREAD => {
            let count = open.file.available(open.position())?;
            cx.write_struct(UserPtr::new(arg), &i32::try_from(count).unwrap_or(i32::MAX))?;
        }
        _ => match open.file.socket() {
            Some(of) => socket(cx, of, request, arg)?,
            None => terminal(cx, &open, request, arg)?,
        },
    }
    Ok(0)
}

/// Requests only sockets know.
fn socket(cx: &Ctx<'_>, socket: &dyn Socket, request: Ioctl, arg: usize) -> Result<(), Errno> {
    if request == Ioctl::SIOCOUTQ {
        let count = socket.unsent()?;
        return cx.write_struct(UserPtr::new(arg), &i32::try_from(count).unwrap_or(i32::MAX));
    }
    net::ioctl(cx, socket.common().family, request, arg)
}

/// Requests only terminals know; anything else answers `ENOTTY` to them.
fn terminal(cx: &Ctx<'_>, open: &OpenFile, request: Ioctl, arg: usize) -> Result<(), Errno> {
    let terminal: &dyn Terminal = open.file.terminal().ok_or(Errno::ENOTTY)?;
    let pid = PID.cast_signed();
    match request {
        Ioctl::TCGETS => cx.write_struct(UserPtr::new(arg), &terminal.settings()),
        Ioctl::TCSETS | Ioctl::TCSETSW | Ioctl::TCSETSF => {
            let settings: Termios = cx.read_struct(UserPtr::new(arg))?;
            if request == Ioctl::TCSETSF {
                terminal.drop_input()?;
            }
            terminal.set_settings(settings);
            Ok(())
        }
        Ioctl::TIOCGWINSZ => cx.write_struct(UserPtr::new(arg), &terminal.window()),
        Ioctl::TIOCSWINSZ => {
            let window: Winsize = cx.read_struct(UserPtr::new(arg))?;
            terminal.set_window(window);
            Ok(())
        }
        Ioctl::TCFLSH => match arg {
            // TCIFLUSH, TCIOFLUSH; output (1) is never queued.
            0 | 2 => terminal.drop_input(),
            1 => Ok(()),
            _ => Err(Errno::EINVAL),
        },
        Ioctl::TIOCOUTQ => cx.write_struct(UserPtr::new(arg), &0i32),
        // Output is sent when write(2) returns.
        Ioctl::TCSBRK => Ok(()),
        Ioctl::TIOCGPGRP | Ioctl::TIOCGSID => cx.write_struct(UserPtr::new(arg), &pid),
        Ioctl::TIOCSPGRP => {
            let group: i32 = cx.read_struct(UserPtr::new(arg))?;
            if group == pid { Ok(()) } else { Err(if group < 0 { Errno::EINVAL } else { Errno::ESRCH }) }
        }
        Ioctl::TIOCSCTTY => Ok(()),
        _ => Err(Errno::ENOTTY),
    }
}
