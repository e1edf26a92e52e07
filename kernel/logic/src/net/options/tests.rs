//! Options of every socket: values are kept, cut and refused as Linux does.

use super::*;

fn socket() -> Common {
    Common::new(Family::Unix, SocketType::Stream, 0, [BUFFER, BUFFER])
}

fn number(common: &Common, option: SocketOption) -> Option<i32> {
    first(&common.get(option)?).ok()
}

fn set(common: &Common, option: SocketOption, value: i32) -> Result<(), Errno> {
    common.set(&Io::default(), option, &value.to_ne_bytes())
}

#[test]
fn switches_are_on_or_off() {
    let common = socket();
    for (option, switch) in SWITCHES {
        assert_eq!(number(&common, option), Some(0));
        assert_eq!(set(&common, option, -7), Ok(()));
        assert!(common.is_on(switch));
        assert_eq!(number(&common, option), Some(1));
    }
    assert_eq!(set(&common, SocketOption::KeepAlive, 0), Ok(()));
    assert!(!common.is_on(Switches::KEEP_ALIVE) && common.is_on(Switches::BROADCAST));
    assert!(common.inherited().is_on(Switches::BROADCAST));
}

#[test]
fn buffers_are_doubled_and_bounded() {
    let common = socket();
    for (asked, least, is) in [(8192, 0, 16384), (1, 4608, 4608), (i32::MAX, 0, 425_984), (-1, 0, 425_984)] {
        assert_eq!(set(&common, SocketOption::SendBuffer, asked), Ok(()));
        assert_eq!(number(&common, SocketOption::SendBuffer), Some(is.max(least)));
    }
    assert_eq!(set(&common, SocketOption::ReceiveBuffer, 0), Ok(()));
    assert_eq!(common.receive_buffer(), 2304);
    assert_eq!(set(&common, SocketOption::ReceiveBufferForce, 1 << 20), Ok(()));
    assert_eq!(common.receive_buffer(), 2 << 20);
    assert_eq!(set(&common, SocketOption::SendBufferForce, i32::MAX), Ok(()));
    assert_eq!(number(&common, SocketOption::SendBuffer), Some(i32::MAX - 1));
}

#[test]
fn timeouts_come_and_go() {
    let common = socket();
    let set = |seconds, micros| {
        let time = Timeval { tv_sec: seconds, tv_usec: micros };
        common.set(&Io::default(), SocketOption::ReceiveTimeout, time.as_bytes())
    };
    assert_eq!(common.receive_patience(), None);
    assert_eq!(set(1, 500_000), Ok(()));
    assert_eq!(common.receive_patience(), Some(1_500_000_000));
    assert_eq!(set(1, 1_000_000), Err(Errno::EDOM));
    assert_eq!(set(-1, 0), Ok(()));
    assert_eq!(common.receive_patience(), Some(0));
    assert_eq!(set(0, 0), Ok(()));
    assert_eq!(common.receive_patience(), None);
    let short = common.set(&Io::default(), SocketOption::SendTimeout, &[0; 15]);
    assert_eq!(short, Err(Errno::EINVAL));
}

#[test]
fn lingering_for_no_time_is_not_none() {
    let common = socket();
    let set = |l_onoff, l_linger| {
        common.set(&Io::default(), SocketOption::Linger, Linger { l_onoff, l_linger }.as_bytes())
    };
    assert_eq!(common.linger(), None);
    assert_eq!((set(1, 0), common.linger()), (Ok(()), Some(0)));
    assert_eq!((set(2, 30), common.linger()), (Ok(()), Some(30)));
    assert_eq!((set(0, 30), common.linger()), (Ok(()), None));
}

#[test]
fn what_a_socket_is_cannot_be_set() {
    let common = socket();
    for option in [SocketOption::Type, SocketOption::Domain, SocketOption::Protocol, SocketOption::Error] {
        assert_eq!(set(&common, option, 1), Err(Errno::ENOPROTOOPT));
    }
    assert_eq!(number(&common, SocketOption::Type), Some(1));
    assert_eq!(number(&common, SocketOption::Domain), Some(1));
    assert_eq!(common.set(&Io::default(), SocketOption::KeepAlive, &[1, 0, 0]), Err(Errno::EINVAL));
}
