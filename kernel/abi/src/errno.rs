//! The error numbers of Linux on x86_64, each with its name and meaning.
//!
//! Everything in the kernel returns `Result<T, Errno>`. The number becomes `-errno` in one place (dispatch) and the
//! program's `errno` variable in one other (std-shim); neither is done here.
//!
//! Source: errno(3) and Linux `include/uapi/asm-generic/errno.h`. 41 and 58 are unused: `EWOULDBLOCK` and `EDEADLOCK`
//! are second names of `EAGAIN` and `EDEADLK`, and `ENOTSUP` of `EOPNOTSUPP`.

use core::fmt;

/// Defines [`Errno`] and everything that goes through all its rows, e.g.
/// `errno! { EPERM = 1, "operation not permitted"; }`.
macro_rules! errno {
    ($($name:ident = $number:literal, $meaning:literal;)*) => {
        /// Why a call failed: the numbers of errno(3). As wide as a word, so that `Result<usize, Errno>` travels in two registers.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u64)]
        pub enum Errno {
            $(#[doc = $meaning] $name = $number,)*
        }

        impl Errno {
            /// Every error number, ascending.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The positive number, 1..=133.
            #[must_use]
            pub const fn raw(self) -> i32 {
                match self {
                    $(Self::$name => $number,)*
                }
            }

            /// The error of this positive number; `None` if Linux has no such error.
            #[must_use]
            pub const fn from_raw(number: i32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// The name as the manual pages print it, e.g. `"ENOENT"`.
            #[must_use]
            pub fn name(self) -> &'static str {
                self.line().0
            }

            /// What it means, in a few words, e.g. `"no such file or directory"`.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                self.line().1
            }

            /// Name and meaning, out of one text: tables of them would be four times as long.
            fn line(self) -> (&'static str, &'static str) {
                const LINES: &str = concat!($(stringify!($name), "\t", $meaning, "\n"),*);
                let number = Self::ALL.iter().position(|&errno| errno == self);
                number.and_then(|number| LINES.lines().nth(number)?.split_once('\t')).unwrap_or_default()
            }
        }
    };
}

errno! {
    EPERM = 1, "operation not permitted";
    ENOENT = 2, "no such file or directory";
    ESRCH = 3, "no such process or thread";
    EINTR = 4, "a signal interrupted the call";
    EIO = 5, "input/output error";
    ENXIO = 6, "no such device or address";
    E2BIG = 7, "argument list too long";
    ENOEXEC = 8, "not an executable format";
    EBADF = 9, "bad file descriptor";
    ECHILD = 10, "no child processes";
    EAGAIN = 11, "would have to wait, try again (also called EWOULDBLOCK)";
    ENOMEM = 12, "out of memory";
    EACCES = 13, "permission denied";
    EFAULT = 14, "bad address";
    ENOTBLK = 15, "block device required";
    EBUSY = 16, "device or resource busy";
    EEXIST = 17, "file exists";
    EXDEV = 18, "link across file systems";
    ENODEV = 19, "no such device";
    ENOTDIR = 20, "not a directory";
    EISDIR = 21, "is a directory";
    EINVAL = 22, "invalid argument";
    ENFILE = 23, "too many open files in the system";
    EMFILE = 24, "too many open files in the process";
    ENOTTY = 25, "request does not fit this kind of file";
    ETXTBSY = 26, "text file busy";
    EFBIG = 27, "file too large";
    ENOSPC = 28, "no space left on device";
    ESPIPE = 29, "file cannot seek";
    EROFS = 30, "read-only file system";
    EMLINK = 31, "too many links";
    EPIPE = 32, "nobody reads the other end";
    EDOM = 33, "argument outside the function's domain";
    ERANGE = 34, "result too large";
    EDEADLK = 35, "resource deadlock avoided (also called EDEADLOCK)";
    ENAMETOOLONG = 36, "file name too long";
    ENOLCK = 37, "no locks available";
    ENOSYS = 38, "system call not implemented";
    ENOTEMPTY = 39, "directory not empty";
    ELOOP = 40, "too many symbolic links";
    ENOMSG = 42, "no message of the desired type";
    EIDRM = 43, "identifier removed";
    ECHRNG = 44, "channel number out of range";
    EL2NSYNC = 45, "level 2 not synchronised";
    EL3HLT = 46, "level 3 halted";
    EL3RST = 47, "level 3 reset";
    ELNRNG = 48, "link number out of range";
    EUNATCH = 49, "protocol driver not attached";
    ENOCSI = 50, "no CSI structure available";
    EL2HLT = 51, "level 2 halted";
    EBADE = 52, "invalid exchange";
    EBADR = 53, "invalid request descriptor";
    EXFULL = 54, "exchange full";
    ENOANO = 55, "no anode";
    EBADRQC = 56, "invalid request code";
    EBADSLT = 57, "invalid slot";
    EBFONT = 59, "bad font file format";
    ENOSTR = 60, "device is not a stream";
    ENODATA = 61, "no data available";
    ETIME = 62, "timer expired";
    ENOSR = 63, "out of streams resources";
    ENONET = 64, "machine is not on the network";
    ENOPKG = 65, "package not installed";
    EREMOTE = 66, "object is remote";
    ENOLINK = 67, "link has been severed";
    EADV = 68, "advertise error";
    ESRMNT = 69, "srmount error";
    ECOMM = 70, "communication error on send";
    EPROTO = 71, "protocol error";
    EMULTIHOP = 72, "multihop attempted";
    EDOTDOT = 73, "RFS specific error";
    EBADMSG = 74, "bad message";
    EOVERFLOW = 75, "value too large for its type";
    ENOTUNIQ = 76, "name not unique on network";
    EBADFD = 77, "file descriptor in bad state";
    EREMCHG = 78, "remote address changed";
    ELIBACC = 79, "cannot access a needed shared library";
    ELIBBAD = 80, "accessing a corrupted shared library";
    ELIBSCN = 81, "corrupted .lib section in an executable";
    ELIBMAX = 82, "too many shared libraries";
    ELIBEXEC = 83, "shared library cannot be executed directly";
    EILSEQ = 84, "invalid byte sequence";
    ERESTART = 85, "interrupted call should be restarted";
    ESTRPIPE = 86, "streams pipe error";
    EUSERS = 87, "too many users";
    ENOTSOCK = 88, "not a socket";
    EDESTADDRREQ = 89, "destination address required";
    EMSGSIZE = 90, "message too long";
    EPROTOTYPE = 91, "wrong protocol for this type of socket";
    ENOPROTOOPT = 92, "protocol option not available";
    EPROTONOSUPPORT = 93, "protocol not supported";
    ESOCKTNOSUPPORT = 94, "socket type not supported";
    EOPNOTSUPP = 95, "operation not supported (also called ENOTSUP)";
    EPFNOSUPPORT = 96, "protocol family not supported";
    EAFNOSUPPORT = 97, "address family not supported";
    EADDRINUSE = 98, "address already in use";
    EADDRNOTAVAIL = 99, "address is not ours to use";
    ENETDOWN = 100, "network is down";
    ENETUNREACH = 101, "network is unreachable";
    ENETRESET = 102, "connection lost because of a network reset";
    ECONNABORTED = 103, "connection aborted";
    ECONNRESET = 104, "connection reset by peer";
    ENOBUFS = 105, "no buffer space available";
    EISCONN = 106, "socket is connected already";
    ENOTCONN = 107, "socket is not connected";
    ESHUTDOWN = 108, "cannot send after shutdown";
    ETOOMANYREFS = 109, "too many references";
    ETIMEDOUT = 110, "timed out";
    ECONNREFUSED = 111, "connection refused";
    EHOSTDOWN = 112, "host is down";
    EHOSTUNREACH = 113, "no route to host";
    EALREADY = 114, "operation already in progress";
    EINPROGRESS = 115, "operation now in progress";
    ESTALE = 116, "stale file handle";
    EUCLEAN = 117, "structure needs cleaning";
    ENOTNAM = 118, "not a XENIX named type file";
    ENAVAIL = 119, "no XENIX semaphores available";
    EISNAM = 120, "is a named type file";
    EREMOTEIO = 121, "remote input/output error";
    EDQUOT = 122, "disk quota exceeded";
    ENOMEDIUM = 123, "no medium found";
    EMEDIUMTYPE = 124, "wrong medium type";
    ECANCELED = 125, "operation cancelled";
    ENOKEY = 126, "required key not available";
    EKEYEXPIRED = 127, "key has expired";
    EKEYREVOKED = 128, "key has been revoked";
    EKEYREJECTED = 129, "key was rejected";
    EOWNERDEAD = 130, "the lock's owner died";
    ENOTRECOVERABLE = 131, "state not recoverable";
    ERFKILL = 132, "radio is switched off";
    EHWPOISON = 133, "memory page has a hardware error";
}

impl Errno {
    /// Second name of [`Errno::EAGAIN`].
    pub const EWOULDBLOCK: Self = Self::EAGAIN;
    /// Second name of [`Errno::EDEADLK`].
    pub const EDEADLOCK: Self = Self::EDEADLK;
    /// Second name of [`Errno::EOPNOTSUPP`].
    pub const ENOTSUP: Self = Self::EOPNOTSUPP;
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.meaning())
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl core::error::Error for Errno {}

#[cfg(test)]
mod tests;
