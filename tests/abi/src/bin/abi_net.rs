//! What is not a socket says so to every call about sockets; a family that nobody knows is refused.

use abi_tests::{call, cases, open};
use libc::{EAFNOSUPPORT, EBADF, ENOTSOCK};

cases! { unknown_families, files_are_no_sockets }

// covers: socket, socketpair
fn unknown_families() {
    assert_eq!(call(libc::SYS_socket, [99, 1, 0, 0, 0, 0]), Err(EAFNOSUPPORT));
    let fds = [0i32; 2];
    assert_eq!(call(libc::SYS_socketpair, [99, 1, 0, fds.as_ptr() as usize, 0, 0]), Err(EAFNOSUPPORT));
}

// covers: connect, accept, accept4, sendto, recvfrom, sendmsg, recvmsg, sendmmsg, recvmmsg, shutdown, bind, listen, getsockname, getpeername, setsockopt, getsockopt
fn files_are_no_sockets() {
    let file = open("/dev/null", libc::O_RDWR).unwrap();
    // Room for whatever a call reads before it looks at the descriptor.
    let room = [0u8; 256];
    let mut length = 16u32;
    let (at, length) = (room.as_ptr() as usize, &raw mut length as usize);
    let calls = [
        (libc::SYS_connect, [at, 16, 0, 0, 0]),
        (libc::SYS_accept, [at, length, 0, 0, 0]),
        (libc::SYS_accept4, [at, length, 0, 0, 0]),
        (libc::SYS_sendto, [at, 1, 0, 0, 0]),
        (libc::SYS_recvfrom, [at, 1, 0, 0, 0]),
        (libc::SYS_sendmsg, [at, 0, 0, 0, 0]),
        (libc::SYS_recvmsg, [at, 0, 0, 0, 0]),
        (libc::SYS_sendmmsg, [at, 1, 0, 0, 0]),
        (libc::SYS_recvmmsg, [at, 1, 0, 0, 0]),
        (libc::SYS_shutdown, [2, 0, 0, 0, 0]),
        (libc::SYS_bind, [at, 16, 0, 0, 0]),
        (libc::SYS_listen, [1, 0, 0, 0, 0]),
        (libc::SYS_getsockname, [at, length, 0, 0, 0]),
        (libc::SYS_getpeername, [at, length, 0, 0, 0]),
        (libc::SYS_setsockopt, [1, 2, at, 4, 0]),
        (libc::SYS_getsockopt, [1, 2, at, length, 0]),
    ];
    for (number, [a, b, c, d, e]) in calls {
        assert_eq!(call(number, [file.0 as usize, a, b, c, d, e]), Err(ENOTSOCK), "{number}");
        assert_eq!(call(number, [9999, a, b, c, d, e]), Err(EBADF), "{number}");
    }
}
