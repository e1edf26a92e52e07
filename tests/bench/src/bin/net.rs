//! `net`: what the network takes over the loopback interface, in guest instructions: `op NAME N` per line. One thread has both ends, so that nothing
//! but the network is counted.
#![expect(clippy::print_stdout, reason = "the report")]
#![expect(unsafe_code, reason = "epoll is there in C only")]

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};

use bench_programs::measure;

fn main() {
    bench_programs::set_up_bare_linux();
    bench_programs::network::set_up_loopback().expect("every system has it");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut client = TcpStream::connect(address).expect("a connection");
    let (mut server, _) = listener.accept().expect("its other end");
    let mut bytes = [7; 64];
    measure("tcp-round-trip", 200, || {
        for _ in 0..2 {
            client.write_all(&bytes).expect("there is room");
            server.read_exact(&mut bytes).expect("it came");
            std::mem::swap(&mut client, &mut server);
        }
    });
    let mut page = vec![7; 4096];
    measure("tcp-4k", 100, || {
        client.write_all(&page).expect("there is room");
        server.read_exact(&mut page).expect("it came");
    });
    measure("tcp-connect-accept-close", 100, || {
        let client = TcpStream::connect(address).expect("a connection");
        let (mut server, _) = listener.accept().expect("its other end");
        drop(client);
        assert_eq!(server.read(&mut [0]).expect("the end"), 0);
    });
    let one = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let other = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    one.connect(other.local_addr().expect("an address")).expect("it is there");
    other.connect(one.local_addr().expect("an address")).expect("it is there");
    let ends = [&one, &other];
    measure("udp-round-trip", 200, || {
        for (from, to) in [(0, 1), (1, 0)] {
            ends[from].send(&bytes).expect("there is room");
            ends[to].recv(&mut bytes).expect("it came");
        }
    });
    let mut epoll = Epoll::of(&[server.as_raw_fd(), one.as_raw_fd()]);
    measure("epoll-wait-nothing", 1000, || assert_eq!(epoll.ready(), 0));
    println!("done");
}

/// An epoll instance.
struct Epoll {
    descriptor: OwnedFd,
    events: [libc::epoll_event; 16],
}

impl Epoll {
    /// One that is told when `files` can be read.
    fn of(files: &[RawFd]) -> Self {
        // SAFETY: it takes no memory of ours.
        let epoll = unsafe { libc::epoll_create1(0) };
        assert!(epoll >= 0, "an instance");
        for &file in files {
            let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: 0 };
            // SAFETY: the event is there for the call.
            let added = unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, file, &raw mut event) };
            assert_eq!(added, 0, "the file can be waited for");
        }
        // SAFETY: the descriptor is new, and nobody else's.
        let descriptor = unsafe { OwnedFd::from_raw_fd(epoll) };
        Self { descriptor, events: [libc::epoll_event { events: 0, u64: 0 }; 16] }
    }

    /// How many files can be read now.
    fn ready(&mut self) -> i32 {
        let (events, most) = (self.events.as_mut_ptr(), self.events.len() as i32);
        // SAFETY: there is room for as many events.
        unsafe { libc::epoll_wait(self.descriptor.as_raw_fd(), events, most, 0) }
    }
}
