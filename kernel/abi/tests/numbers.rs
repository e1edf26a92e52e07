//! Error and system call numbers are those of Linux, none missing, none invented.

use std::collections::BTreeSet;

use abi::errno::Errno;
use abi::table;

/// Compares each name with the same name in two independent crates.
macro_rules! compare_errors {
    ($($name:ident)*) => {
        $(
            assert_eq!(Errno::$name.raw(), libc::$name, stringify!($name));
            assert_eq!(Errno::$name.raw().cast_unsigned(), linux_raw_sys::errno::$name, stringify!($name));
        )*
    };
}

#[test]
fn errors_have_their_numbers() {
    compare_errors! {
        EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK
        EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE
        EROFS EMLINK EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP ENOMSG EIDRM
        ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT
        EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP
        EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD ELIBSCN ELIBMAX ELIBEXEC EILSEQ
        ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT
        ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH
        ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT
        ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM
        EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED
        EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON
        EWOULDBLOCK
    }
    assert_eq!(Errno::ENOTSUP.raw(), libc::ENOTSUP);
    assert_eq!(Errno::EDEADLOCK.raw(), libc::EDEADLOCK);
}

#[test]
fn the_table_has_exactly_the_calls_of_linux() {
    let linux = (0..1024).filter_map(syscalls::x86_64::Sysno::new).map(|call| (call as usize, call.name()));
    let linux: BTreeSet<_> = linux.collect();
    let ours: BTreeSet<_> = table::rows().iter().map(|row| (row.number, row.name)).collect();
    let differences: Vec<_> = ours.symmetric_difference(&linux).collect();
    assert!(differences.is_empty(), "in one set only: {differences:?}");
    assert!(ours.len() > 380, "the other set is empty or cut short: {}", ours.len());
}

/// The headers linux-raw-sys was made from, for a few calls of each age.
#[test]
fn numbers_agree_with_the_headers() {
    use linux_raw_sys::general as linux;
    macro_rules! compare {
        ($($ours:ident $theirs:ident,)*) => {
            $(assert_eq!(table::number::$ours, usize::try_from(linux::$theirs).expect("it is small"));)*
        };
    }
    compare! {
        read __NR_read, rt_sigreturn __NR_rt_sigreturn, fork __NR_fork, futex __NR_futex, openat __NR_openat,
        prlimit64 __NR_prlimit64, statx __NR_statx, rseq __NR_rseq, clone3 __NR_clone3, mseal __NR_mseal,
        file_setattr __NR_file_setattr,
    }
}
