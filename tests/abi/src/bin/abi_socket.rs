//! What all sockets share: options, addresses and their lengths, waiting, signals. Families and messages have files of their own.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::mem::size_of;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use std::time::Instant;

use abi_tests::sockets::{
    Address, Control, accept, bind, connect, get, listen, name, pair, receive, receive_from, receive_message,
    send, send_message, send_to, set, set_nonblocking, socket,
};
use abi_tests::{Fd, call, cases, check, handle, open};
use libc::{
    EAGAIN, EBADF, EDOM, EFAULT, EINTR, EINVAL, ENOPROTOOPT, ENOTSOCK, EPIPE, MSG_DONTWAIT, MSG_NOSIGNAL,
    MSG_WAITALL, SA_RESTART, SO_BROADCAST, SO_DOMAIN, SO_ERROR, SO_KEEPALIVE, SO_LINGER, SO_PROTOCOL,
    SO_RCVBUF, SO_RCVTIMEO, SO_REUSEADDR, SO_SNDBUF, SO_SNDTIMEO, SO_TYPE, SOCK_DGRAM, SOCK_SEQPACKET,
    SOCK_STREAM, SOL_SOCKET, linger, sockaddr_un, socklen_t, timeval,
};

cases! {
    what_a_socket_is, switches, buffers_are_doubled, lingering, timeouts_are_kept, lengths_of_options,
    unknown_options, lengths_of_addresses, addresses_are_cut, receiving_times_out, accepting_times_out,
    sending_times_out, connecting_times_out, waiting_this_once, broken_pipes, a_signal_interrupts,
    a_signal_restarts, wild_pointers, places_are_no_sockets, closing_others_wait, duplicates_share,
}

fn bytes(text: &str) -> Result<Vec<u8>, i32> {
    Ok(text.as_bytes().to_vec())
}

// covers: getsockopt
fn what_a_socket_is() {
    for kind in [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] {
        let fd = socket(kind);
        assert_eq!(get::<i32>(&fd, SO_TYPE), Ok(kind));
        assert_eq!(get::<i32>(&fd, SO_DOMAIN), Ok(libc::AF_UNIX));
        assert_eq!(get::<i32>(&fd, SO_PROTOCOL), Ok(0));
        assert_eq!(get::<i32>(&fd, SO_ERROR), Ok(0));
        for option in [SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ERROR] {
            assert_eq!(set(&fd, option, 1), Err(ENOPROTOOPT));
        }
    }
}

// covers: setsockopt, getsockopt
fn switches() {
    let fd = socket(SOCK_STREAM);
    for option in
        [SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST, libc::SO_DONTROUTE, libc::SO_OOBINLINE, libc::SO_PASSCRED]
    {
        assert_eq!(get::<i32>(&fd, option), Ok(0), "{option}");
        assert_eq!(set(&fd, option, 77), Ok(0));
        assert_eq!(get::<i32>(&fd, option), Ok(1));
        assert_eq!(set(&fd, option, 0), Ok(0));
        assert_eq!(get::<i32>(&fd, option), Ok(0));
    }
}

fn buffers_are_doubled() {
    let fd = socket(SOCK_STREAM);
    for option in [SO_SNDBUF, SO_RCVBUF] {
        assert!(get::<i32>(&fd, option).unwrap() >= 65_536);
        assert_eq!(set(&fd, option, 20_000), Ok(0));
        assert_eq!(get::<i32>(&fd, option), Ok(40_000));
        assert_eq!(set(&fd, option, 0), Ok(0));
        assert!((2000..8000).contains(&get::<i32>(&fd, option).unwrap()), "there is a least");
        assert_eq!(set(&fd, option, i32::MAX), Ok(0));
        let most = get::<i32>(&fd, option).unwrap();
        assert!((100_000..i32::MAX).contains(&most), "there is a most");
        assert_eq!(set(&fd, option, -1), Ok(0));
        assert_eq!(get::<i32>(&fd, option), Ok(most));
    }
}

fn lingering() {
    let fd = socket(SOCK_STREAM);
    let get = || {
        let [on, seconds] = get::<[i32; 2]>(&fd, SO_LINGER).unwrap();
        (on, seconds)
    };
    assert_eq!(get(), (0, 0));
    assert_eq!(set(&fd, SO_LINGER, linger { l_onoff: 5, l_linger: 30 }), Ok(0));
    assert_eq!(get(), (1, 30));
    assert_eq!(set(&fd, SO_LINGER, linger { l_onoff: 1, l_linger: 0 }), Ok(0));
    assert_eq!(get(), (1, 0));
    assert_eq!(set(&fd, SO_LINGER, linger { l_onoff: 0, l_linger: 9 }), Ok(0));
    assert_eq!(get().0, 0);
    assert_eq!(set(&fd, SO_LINGER, 1), Err(EINVAL), "too short");
}

fn timeouts_are_kept() {
    let fd = socket(SOCK_STREAM);
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
        assert_eq!(get::<[i64; 2]>(&fd, option), Ok([0, 0]));
        assert_eq!(set(&fd, option, timeval { tv_sec: 2, tv_usec: 500_000 }), Ok(0));
        assert_eq!(get::<[i64; 2]>(&fd, option), Ok([2, 500_000]));
        assert_eq!(set(&fd, option, timeval { tv_sec: 1, tv_usec: 1_000_000 }), Err(EDOM));
        assert_eq!(set(&fd, option, timeval { tv_sec: 1, tv_usec: -1 }), Err(EDOM));
        assert_eq!(set(&fd, option, 1), Err(EINVAL));
        assert_eq!(get::<[i64; 2]>(&fd, option), Ok([2, 500_000]));
        assert_eq!(set(&fd, option, timeval { tv_sec: 0, tv_usec: 0 }), Ok(0));
        assert_eq!(get::<[i64; 2]>(&fd, option), Ok([0, 0]));
    }
}

/// getsockopt(2) of `SO_TYPE` with room for `length` bytes; answers what it says and the room.
fn type_in(fd: &Fd, length: socklen_t) -> (Result<i32, i32>, socklen_t, [u8; 8]) {
    let (mut length, mut room) = (length, [0xee; 8]);
    // SAFETY: no more than the room is asked for.
    let answer =
        unsafe { libc::getsockopt(fd.0, SOL_SOCKET, SO_TYPE, room.as_mut_ptr().cast(), &raw mut length) };
    (check(answer), length, room)
}

fn lengths_of_options() {
    let fd = socket(SOCK_SEQPACKET);
    assert_eq!(type_in(&fd, 8), (Ok(0), 4, [5, 0, 0, 0, 0xee, 0xee, 0xee, 0xee]));
    assert_eq!(type_in(&fd, 1), (Ok(0), 1, [5, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee]));
    assert_eq!(type_in(&fd, 0), (Ok(0), 0, [0xee; 8]));
    assert_eq!(type_in(&fd, u32::MAX).0, Err(EINVAL));
    assert_eq!(set(&fd, SO_KEEPALIVE, 1u8), Err(EINVAL));
    assert_eq!(set(&fd, SO_KEEPALIVE, 1u64), Ok(0), "what is longer is not looked at");
    let value = 1i32;
    let set = |length: u32| {
        let words = [fd.0 as usize, SOL_SOCKET as usize, SO_KEEPALIVE as usize, &raw const value as usize];
        call(libc::SYS_setsockopt, [words[0], words[1], words[2], words[3], length as usize, 0])
    };
    assert_eq!(set(u32::MAX), Err(EINVAL));
    assert_eq!(set(4), Ok(0));
}

fn unknown_options() {
    let fd = socket(SOCK_STREAM);
    assert_eq!(set(&fd, 9999, 1), Err(ENOPROTOOPT));
    assert_eq!(get::<i32>(&fd, 9999), Err(ENOPROTOOPT));
    let value = 1i32;
    for level in [libc::IPPROTO_TCP, libc::IPPROTO_IP, 9999] {
        // SAFETY: a number.
        let answer = unsafe { libc::setsockopt(fd.0, level, 1, (&raw const value).cast(), 4) };
        assert_eq!(check(answer), Err(libc::EOPNOTSUPP), "other levels are other families'");
    }
}

// covers: getsockname, getpeername, bind, connect
fn lengths_of_addresses() {
    let fd = socket(SOCK_DGRAM);
    let at = Address::hidden("lengths");
    let raw = |number, length: u32| {
        call(number, [fd.0 as usize, &raw const at.raw as usize, length as usize, 0, 0, 0])
    };
    for number in [libc::SYS_bind, libc::SYS_connect] {
        for length in [u32::MAX, 129, 128, 0, 1] {
            assert_eq!(raw(number, length), Err(EINVAL), "{length}");
        }
    }
    assert_eq!(name(&fd).unwrap().length, 2, "nothing happened");
}

fn addresses_are_cut() {
    let fd = socket(SOCK_DGRAM);
    let at = Address::hidden("cut");
    bind(&fd, &at).unwrap();
    let get = |length: socklen_t| {
        let mut room = [0xee_u8; 32];
        let mut length = length;
        // SAFETY: no more than the room is asked for.
        let answer = unsafe { libc::getsockname(fd.0, room.as_mut_ptr().cast(), &raw mut length) };
        (check(answer), length, room)
    };
    let (answer, length, room) = get(5);
    assert_eq!((answer, length), (Ok(0), at.length), "the whole length is told");
    assert_eq!((&room[..5], room[5]), (&[1, 0, 0, b'c', b'u'][..], 0xee));
    let (answer, length, room) = get(0);
    assert_eq!((answer, length, room), (Ok(0), at.length, [0xee; 32]));
    assert_eq!(get(u32::MAX).0, Err(EINVAL));
}

fn short() -> timeval {
    timeval { tv_sec: 0, tv_usec: 40_000 }
}

/// Whether it took about as long as [`short`].
fn waited(since: Instant) -> bool {
    (Duration::from_millis(35)..Duration::from_secs(5)).contains(&since.elapsed())
}

// covers: recvfrom, read
fn receiving_times_out() {
    for kind in [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] {
        let (one, other) = pair(kind);
        set(&one, SO_RCVTIMEO, short()).unwrap();
        let start = Instant::now();
        assert_eq!(receive(&one, 10, 0), Err(EAGAIN));
        assert!(waited(start));
        let (start, mut room) = (Instant::now(), [0u8; 10]);
        // SAFETY: an array.
        assert_eq!(check(unsafe { libc::read(one.0, room.as_mut_ptr().cast(), 10) }), Err(EAGAIN));
        assert!(waited(start));
        let start = Instant::now();
        assert_eq!(receive_message(&one, 10, 0, 0).err(), Some(EAGAIN));
        assert!(waited(start));
        send(&other, b"there", 0).unwrap();
        assert_eq!(receive(&one, 10, 0), bytes("there"));
    }
}

// covers: accept
fn accepting_times_out() {
    let listener = socket(SOCK_STREAM);
    bind(&listener, &Address::hidden("accept-timeout")).unwrap();
    listen(&listener, 1).unwrap();
    set(&listener, SO_RCVTIMEO, short()).unwrap();
    let start = Instant::now();
    assert_eq!(accept(&listener).err(), Some(EAGAIN));
    assert!(waited(start));
}

// covers: sendto, write
fn sending_times_out() {
    for kind in [SOCK_STREAM, SOCK_DGRAM] {
        let (one, _other) = pair(kind);
        let block = [0u8; 1024];
        while send(&one, &block, MSG_DONTWAIT).is_ok() {}
        set(&one, SO_SNDTIMEO, short()).unwrap();
        let start = Instant::now();
        assert_eq!(send(&one, &block, 0), Err(EAGAIN));
        assert!(waited(start));
        // SAFETY: an array.
        assert_eq!(check(unsafe { libc::write(one.0, block.as_ptr().cast(), 1024) }), Err(EAGAIN));
    }
    // What was sent before it is up counts.
    let (one, _other) = pair(SOCK_STREAM);
    set(&one, SO_SNDTIMEO, short()).unwrap();
    let sent = send(&one, &vec![0; 8 << 20], 0).unwrap();
    assert!((1000..8 << 20).contains(&sent));
}

// covers: connect
fn connecting_times_out() {
    let listener = socket(SOCK_STREAM);
    let at = Address::hidden("connect-timeout");
    bind(&listener, &at).unwrap();
    listen(&listener, 0).unwrap();
    let first = socket(SOCK_STREAM);
    connect(&first, &at).unwrap();
    let late = socket(SOCK_STREAM);
    set(&late, SO_SNDTIMEO, short()).unwrap();
    let start = Instant::now();
    assert_eq!(connect(&late, &at), Err(EAGAIN));
    assert!(waited(start));
}

fn waiting_this_once() {
    let (one, other) = pair(SOCK_STREAM);
    assert_eq!(receive(&one, 1, MSG_DONTWAIT), Err(EAGAIN));
    set_nonblocking(&one, true);
    assert_eq!(receive(&one, 1, 0), Err(EAGAIN));
    assert_eq!(receive_message(&one, 1, 0, 0).err(), Some(EAGAIN));
    set_nonblocking(&one, false);
    let thread = thread::spawn(move || receive(&one, 4, 0));
    send(&other, b"last", 0).unwrap();
    assert_eq!(thread.join().unwrap(), bytes("last"));
}

static SIGNALS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(_: i32, _: *mut libc::siginfo_t, _: *mut libc::c_void) {
    SIGNALS.fetch_add(1, Ordering::SeqCst);
}

fn broken_pipes() {
    handle(libc::SIGPIPE, 0, count);
    let signals = || SIGNALS.swap(0, Ordering::SeqCst);
    signals();
    let (one, other) = pair(SOCK_STREAM);
    drop(other);
    assert_eq!((send(&one, b"x", MSG_NOSIGNAL), signals()), (Err(EPIPE), 0));
    assert_eq!((send(&one, b"x", 0), signals()), (Err(EPIPE), 1));
    assert_eq!((send_message(&one, &[b"x"], &[], 0), signals()), (Err(EPIPE), 1));
    // SAFETY: one byte.
    let written = check(unsafe { libc::write(one.0, b"x".as_ptr().cast(), 1) });
    assert_eq!((written, signals()), (Err(EPIPE), 1));
    // Messages have no readers.
    let (one, other) = pair(SOCK_SEQPACKET);
    drop(other);
    assert_eq!((send(&one, b"x", 0), signals()), (Err(EPIPE), 0));
    // SAFETY: one byte.
    let written = check(unsafe { libc::write(one.0, b"x".as_ptr().cast(), 1) });
    assert_eq!((written, signals()), (Err(EPIPE), 0));
}

/// Has `signal` sent to this thread after a while.
fn soon(signal: i32, then: impl FnOnce() + Send + 'static) -> thread::JoinHandle<()> {
    // SAFETY: names the calling thread, which waits for the other one.
    let me = unsafe { libc::pthread_self() } as usize;
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(30));
        // SAFETY: as above.
        unsafe { libc::pthread_kill(me as libc::pthread_t, signal) };
        then();
    })
}

fn a_signal_interrupts() {
    handle(libc::SIGUSR1, 0, count);
    let (one, _other) = pair(SOCK_STREAM);
    let thread = soon(libc::SIGUSR1, || ());
    assert_eq!(receive(&one, 1, 0), Err(EINTR));
    thread.join().unwrap();
    let listener = socket(SOCK_STREAM);
    let at = Address::hidden("interrupt");
    bind(&listener, &at).unwrap();
    listen(&listener, 0).unwrap();
    let thread = soon(libc::SIGUSR1, || ());
    assert_eq!(accept(&listener).err(), Some(EINTR));
    thread.join().unwrap();
    let first = socket(SOCK_STREAM);
    connect(&first, &at).unwrap();
    let thread = soon(libc::SIGUSR1, || ());
    assert_eq!(connect(&socket(SOCK_STREAM), &at), Err(EINTR));
    thread.join().unwrap();
    // A wait that is not for ever is not begun again, whatever the handler says (signal(7)).
    handle(libc::SIGUSR2, SA_RESTART, count);
    let (one, _other) = pair(SOCK_STREAM);
    set(&one, SO_RCVTIMEO, timeval { tv_sec: 10, tv_usec: 0 }).unwrap();
    let (thread, start) = (soon(libc::SIGUSR2, || ()), Instant::now());
    assert_eq!(receive(&one, 1, 0), Err(EINTR));
    assert!(start.elapsed() < Duration::from_secs(5));
    thread.join().unwrap();
    // What was moved before counts.
    let (one, other) = pair(SOCK_STREAM);
    send(&other, b"some", 0).unwrap();
    let thread = soon(libc::SIGUSR1, || ());
    assert_eq!(receive(&one, 100, MSG_WAITALL), bytes("some"));
    thread.join().unwrap();
}

fn a_signal_restarts() {
    handle(libc::SIGUSR2, SA_RESTART, count);
    for kind in [SOCK_STREAM, SOCK_DGRAM] {
        SIGNALS.store(0, Ordering::SeqCst);
        let (one, other) = pair(kind);
        let thread = soon(libc::SIGUSR2, move || {
            thread::sleep(Duration::from_millis(20));
            send(&other, b"after", 0).unwrap();
        });
        assert_eq!(receive(&one, 10, 0), bytes("after"));
        assert_eq!(SIGNALS.load(Ordering::SeqCst), 1);
        thread.join().unwrap();
    }
}

// covers: bind, connect, getsockname, getpeername, getsockopt, setsockopt, sendmsg, recvmsg, sendto, recvfrom, socketpair, accept
fn wild_pointers() {
    let (one, other) = pair(SOCK_DGRAM);
    let fd = one.0 as usize;
    let (number, wild) = (16u32, 8usize);
    let good = &raw const number as usize;
    let refused = [
        (libc::SYS_bind, [fd, wild, 16, 0, 0, 0]),
        (libc::SYS_connect, [fd, wild, 16, 0, 0, 0]),
        (libc::SYS_getsockname, [fd, wild, good, 0, 0, 0]),
        (libc::SYS_getsockname, [fd, good, wild, 0, 0, 0]),
        (libc::SYS_getpeername, [fd, wild, good, 0, 0, 0]),
        (libc::SYS_getsockopt, [fd, 1, SO_TYPE as usize, wild, good, 0]),
        (libc::SYS_getsockopt, [fd, 1, SO_TYPE as usize, good, wild, 0]),
        (libc::SYS_setsockopt, [fd, 1, SO_KEEPALIVE as usize, wild, 4, 0]),
        (libc::SYS_sendmsg, [fd, wild, 0, 0, 0, 0]),
        (libc::SYS_recvmsg, [fd, wild, 0, 0, 0, 0]),
        (libc::SYS_sendto, [fd, wild, 10, 0, 0, 0]),
        (libc::SYS_sendto, [fd, good, 4, 0, wild, 16]),
        (libc::SYS_socketpair, [1, 1, 0, wild, 0, 0]),
    ];
    let before = std::fs::read_dir("/proc/self/fd").unwrap().count();
    for (call_number, words) in refused {
        assert_eq!(call(call_number, words), Err(EFAULT), "{call_number} {words:?}");
    }
    assert_eq!(std::fs::read_dir("/proc/self/fd").unwrap().count(), before, "no descriptor stays");
    // The address of the sender cannot be written: the message was received all the same.
    let named = Address::hidden("wild");
    bind(&other, &named).unwrap();
    send(&other, b"lost", 0).unwrap();
    let mut room = [0u8; 8];
    let words = [fd, room.as_mut_ptr() as usize, 8, 0, wild, good];
    assert_eq!(call(libc::SYS_recvfrom, words), Err(EFAULT));
    assert_eq!(&room[..4], b"lost");
    assert_eq!(receive(&one, 10, MSG_DONTWAIT), Err(EAGAIN));
}

fn places_are_no_sockets() {
    let place = open("/", libc::O_PATH).unwrap();
    let folder = open("/", 0).unwrap();
    assert_eq!(listen(&place, 1), Err(EBADF));
    assert_eq!(listen(&folder, 1), Err(ENOTSOCK));
    assert_eq!(send(&folder, b"x", 0), Err(ENOTSOCK));
    assert_eq!(receive(&Fd(-1), 1, 0), Err(EBADF));
    assert_eq!(get::<i32>(&folder, SO_TYPE), Err(ENOTSOCK));
}

fn closing_others_wait() {
    let (one, other) = pair(SOCK_STREAM);
    // Another number of the same socket keeps it, and the connection.
    // SAFETY: the case's own.
    let again = Fd(unsafe { libc::dup(one.0) });
    drop(one);
    assert_eq!(send(&other, b"still", 0), Ok(5));
    assert_eq!(receive(&again, 10, 0), bytes("still"));
    drop(again);
    assert_eq!(receive(&other, 10, 0), bytes(""));
}

fn duplicates_share() {
    let (one, _other) = pair(SOCK_STREAM);
    // SAFETY: the case's own.
    let again = Fd(unsafe { libc::dup(one.0) });
    set_nonblocking(&again, true);
    assert_eq!(receive(&one, 1, 0), Err(EAGAIN));
    set(&again, SO_KEEPALIVE, 1).unwrap();
    assert_eq!(get::<i32>(&one, SO_KEEPALIVE), Ok(1));
    assert_eq!(size_of::<sockaddr_un>(), 110);
    let (fd, to) = (socket(SOCK_DGRAM), Address::hidden("control"));
    bind(&fd, &to).unwrap();
    assert_eq!(send_to(&fd, b"me", 0, &to), Ok(2));
    assert_eq!(receive_from(&fd, 10, 0).unwrap().1.tail(), to.tail());
    assert_eq!(send_message(&one, &[b"x"], &[Control::rights(&[])], 0), Ok(1), "no descriptors are none");
}
