//! What goes with bytes between sockets of this machine (unix(7)): open files, and who sends.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::io::Read as _;
use std::os::fd::FromRawFd as _;

use abi_tests::sockets::{
    Address, Control, accept, bind, connect, get, listen, pair, receive, receive_message, send, send_message,
    set, socket,
};
use abi_tests::{Fd, Scratch, cases, open};
use libc::{
    EAGAIN, EBADF, EINVAL, EPERM, MSG_CMSG_CLOEXEC, MSG_CTRUNC, MSG_DONTWAIT, MSG_PEEK, SO_PASSCRED,
    SO_PEERCRED, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM,
};

cases! {
    rights_arrive, rights_of_a_stream_stop_it, rights_without_room, rights_that_nobody_takes,
    rights_are_checked, a_socket_carries_itself, credentials_are_passed, credentials_are_checked,
    who_the_peer_is,
}

fn bytes(text: &str) -> Result<Vec<u8>, i32> {
    Ok(text.as_bytes().to_vec())
}

/// A listening socket with its address.
fn server(kind: i32, at: &Address, backlog: i32) -> Fd {
    let fd = socket(kind);
    bind(&fd, at).unwrap();
    listen(&fd, backlog).unwrap();
    fd
}

fn connected(kind: i32, to: &Address) -> Fd {
    let fd = socket(kind);
    connect(&fd, to).unwrap();
    fd
}

// covers: sendmsg, recvmsg
fn rights_arrive() {
    for kind in [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] {
        let scratch = Scratch::new("rights");
        std::fs::write(scratch.path("file"), "through another door").unwrap();
        let (one, other) = pair(kind);
        let file = open(scratch.path("file"), libc::O_RDONLY).unwrap();
        let (near, far) = pair(SOCK_STREAM);
        assert_eq!(send_message(&one, &[b"with files"], &[Control::rights(&[file.0, near.0])], 0), Ok(10));
        drop((file, near));
        let received = receive_message(&other, 100, 200, MSG_CMSG_CLOEXEC).unwrap();
        assert_eq!((received.bytes.as_slice(), received.controls.len()), (&b"with files"[..], 1));
        assert_eq!(received.flags & MSG_CTRUNC, 0);
        let fds = received.controls[0].fds();
        assert_eq!(fds.len(), 2);
        // SAFETY: no memory is passed.
        assert_eq!(unsafe { libc::fcntl(fds[0].0, libc::F_GETFD) }, libc::FD_CLOEXEC);
        // SAFETY: the descriptor is this case's, and goes with the file.
        let mut file = unsafe { std::fs::File::from_raw_fd(libc::dup(fds[0].0)) };
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through another door");
        send(&fds[1], b"same socket", 0).unwrap();
        assert_eq!(receive(&far, 100, 0), bytes("same socket"));
    }
}

fn rights_of_a_stream_stop_it() {
    let (one, other) = pair(SOCK_STREAM);
    let null = open("/dev/null", libc::O_RDWR).unwrap();
    send(&one, b"before ", 0).unwrap();
    send_message(&one, &[b"with"], &[Control::rights(&[null.0])], 0).unwrap();
    send(&one, b" behind", 0).unwrap();
    send_message(&one, &[b" end"], &[Control::rights(&[null.0, null.0])], 0).unwrap();
    let looked = receive_message(&other, 100, 100, MSG_PEEK).unwrap();
    assert_eq!(looked.bytes, b"before with", "up to the bytes they came with");
    assert_eq!(looked.controls[0].fds().len(), 1, "who looks has them too");
    let first = receive_message(&other, 3, 100, 0).unwrap();
    assert_eq!((first.bytes.as_slice(), first.controls.len()), (&b"bef"[..], 0));
    let part = receive_message(&other, 6, 100, 0).unwrap();
    assert_eq!(
        (part.bytes.as_slice(), part.controls[0].fds().len()),
        (&b"ore wi"[..], 1),
        "with the first byte"
    );
    let rest = receive_message(&other, 100, 100, 0).unwrap();
    assert_eq!((rest.bytes.as_slice(), rest.controls[0].fds().len()), (&b"th behind end"[..], 2));
}

fn rights_without_room() {
    let null = open("/dev/null", libc::O_RDWR).unwrap();
    let send_three = |one: &Fd| send_message(one, &[b"x"], &[Control::rights(&[null.0; 3])], 0).unwrap();
    let (one, other) = pair(SOCK_DGRAM);
    send_three(&one);
    // Room for two: what does not fit is closed.
    let some = receive_message(&other, 10, 24, 0).unwrap();
    assert_eq!((some.controls[0].fds().len(), some.flags & MSG_CTRUNC), (2, MSG_CTRUNC));
    assert_eq!(some.control_bytes, 24);
    send_three(&one);
    let none = receive_message(&other, 10, 8, 0).unwrap();
    assert_eq!((none.controls.len(), none.flags & MSG_CTRUNC, none.control_bytes), (0, MSG_CTRUNC, 0));
    send_three(&one);
    assert_eq!(receive(&other, 10, 0), bytes("x"));
}

fn rights_that_nobody_takes() {
    let (near, far) = pair(SOCK_STREAM);
    let (one, other) = pair(SOCK_STREAM);
    send_message(&one, &[b"x"], &[Control::rights(&[near.0])], 0).unwrap();
    drop(near);
    assert_eq!(receive(&far, 1, MSG_DONTWAIT), Err(EAGAIN), "it is on its way still");
    drop(other);
    assert_eq!(receive(&far, 1, 0), bytes(""), "it was given up with the channel");
    // Chains of them, each on its way in the next one.
    let (mut inner, last) = pair(SOCK_STREAM);
    for _ in 0..2000 {
        let (near, far) = pair(SOCK_STREAM);
        // Linux refuses when they are nested too deep.
        if send_message(&near, &[b"x"], &[Control::rights(&[inner.0])], 0).is_err() {
            break;
        }
        inner = far;
    }
    drop(inner);
    assert_eq!(receive(&last, 1, 0), bytes(""));
}

fn rights_are_checked() {
    let (one, other) = pair(SOCK_STREAM);
    let sent = |control: Control| send_message(&one, &[b"x"], &[control], 0);
    assert_eq!(sent(Control::rights(&[9999])), Err(EBADF));
    assert_eq!(sent(Control::rights(&[-1])), Err(EBADF));
    assert_eq!(sent(Control::rights(&vec![0; 254])), Err(EINVAL));
    assert_eq!(sent(Control { level: libc::SOL_SOCKET, kind: 77, data: vec![0; 4] }), Err(EINVAL));
    assert_eq!(receive(&other, 1, MSG_DONTWAIT), Err(EAGAIN), "nothing was sent");
    assert_eq!(sent(Control { level: libc::IPPROTO_TCP, kind: 1, data: vec![0; 4] }), Ok(1), "not looked at");
    let two = [Control::rights(&[one.0]), Control::rights(&[other.0])];
    assert_eq!(receive(&other, 1, 0), bytes("x"));
    assert_eq!(send_message(&one, &[b"y"], &two, 0), Ok(1));
    let received = receive_message(&other, 10, 100, 0).unwrap();
    let fds: Vec<Fd> = received.controls.iter().flat_map(Control::fds).collect();
    assert_eq!((received.controls.len(), fds.len()), (1, 2), "they go as one");
}

fn a_socket_carries_itself() {
    for _ in 0..10 {
        let (one, other) = pair(SOCK_STREAM);
        send_message(&one, &[b"x"], &[Control::rights(&[one.0, other.0])], 0).unwrap();
    }
    let (one, other) = pair(SOCK_STREAM);
    assert_eq!(send(&one, b"fine", 0), Ok(4));
    assert_eq!(receive(&other, 10, 0), bytes("fine"));
}

// covers: setsockopt
fn credentials_are_passed() {
    // SAFETY: no memory is passed.
    let me = unsafe { Control::credentials(libc::getpid(), libc::getuid(), libc::getgid()) };
    for kind in [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] {
        let (one, other) = pair(kind);
        send(&one, b"unasked", 0).unwrap();
        assert_eq!(receive_message(&other, 10, 100, 0).unwrap().controls, vec![]);
        set(&other, SO_PASSCRED, 1).unwrap();
        send(&one, b"asked", 0).unwrap();
        assert_eq!(receive_message(&other, 10, 100, 0).unwrap().controls, vec![me.clone()]);
        send_message(&one, &[b"said"], std::slice::from_ref(&me), 0).unwrap();
        let null = open("/dev/null", libc::O_RDWR).unwrap();
        assert_eq!(receive_message(&other, 10, 100, 0).unwrap().controls, vec![me.clone()]);
        send_message(&one, &[b"both"], &[Control::rights(&[null.0])], 0).unwrap();
        let both = receive_message(&other, 10, 100, 0).unwrap();
        assert_eq!((both.controls.len(), &both.controls[0]), (2, &me));
        drop(both.controls[1].fds());
        send(&one, b"cut", 0).unwrap();
        assert_eq!(receive_message(&other, 10, 0, 0).unwrap().flags & MSG_CTRUNC, MSG_CTRUNC);
    }
}

fn credentials_are_checked() {
    let (one, other) = pair(SOCK_DGRAM);
    set(&other, SO_PASSCRED, 1).unwrap();
    // SAFETY: no memory is passed.
    let (pid, uid, gid) = unsafe { (libc::getpid(), libc::getuid(), libc::getgid()) };
    let sent = |control: Control| send_message(&one, &[b"x"], &[control], 0);
    let short = Control { data: vec![0; 8], ..Control::credentials(pid, uid, gid) };
    assert_eq!(sent(short), Err(EINVAL));
    let stranger = sent(Control::credentials(1 << 28, uid, gid));
    assert!(matches!(stranger, Err(libc::ESRCH | EPERM)), "{stranger:?}");
    assert_eq!(sent(Control::credentials(pid, uid, gid)), Ok(1));
    assert_eq!(
        receive_message(&other, 10, 100, 0).unwrap().controls,
        vec![Control::credentials(pid, uid, gid)]
    );
}

// covers: getsockopt
fn who_the_peer_is() {
    // SAFETY: no memory is passed.
    let me = unsafe { [libc::getpid() as u32, libc::geteuid(), libc::getegid()] };
    let (one, _other) = pair(SOCK_STREAM);
    assert_eq!(get::<[u32; 3]>(&one, SO_PEERCRED), Ok(me));
    let at = Address::hidden("peercred");
    let listener = server(SOCK_STREAM, &at, 1);
    let client = connected(SOCK_STREAM, &at);
    assert_eq!(get::<[u32; 3]>(&client, SO_PEERCRED), Ok(me));
    assert_eq!(get::<[u32; 3]>(&accept(&listener).unwrap(), SO_PEERCRED), Ok(me));
    let nobody = [0, u32::MAX, u32::MAX];
    assert_eq!(get::<[u32; 3]>(&socket(SOCK_STREAM), SO_PEERCRED), Ok(nobody));
    assert_eq!(get::<[u32; 3]>(&socket(SOCK_DGRAM), SO_PEERCRED), Ok(nobody));
}
