//! Options of setsockopt(2): socket(7), tcp(7), ip(7), ipv6(7).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::reg::choice;

choice! {
    /// Whose options, and whose control messages.
    pub enum Level: i32, else ENOPROTOOPT {
        /// `IPPROTO_IP`: IPv4's.
        Ip = 0,
        /// `SOL_SOCKET`: every socket's.
        Socket = 1,
        /// `IPPROTO_TCP`.
        Tcp = 6,
        /// `IPPROTO_UDP`.
        Udp = 17,
        /// `IPPROTO_IPV6`.
        Ipv6 = 41,
    }
}

choice! {
    /// Options of `SOL_SOCKET`.
    pub enum SocketOption: i32, else ENOPROTOOPT {
        /// `SO_DEBUG`: record what happens.
        Debug = 1,
        /// `SO_REUSEADDR`: bind beside what is going away.
        ReuseAddr = 2,
        /// `SO_TYPE`: the type.
        Type = 3,
        /// `SO_ERROR`: the error that waits, which is taken.
        Error = 4,
        /// `SO_DONTROUTE`: no gateway.
        DontRoute = 5,
        /// `SO_BROADCAST`: may send to everybody.
        Broadcast = 6,
        /// `SO_SNDBUF`: bytes that wait to be sent.
        SendBuffer = 7,
        /// `SO_RCVBUF`: bytes that wait to be read.
        ReceiveBuffer = 8,
        /// `SO_KEEPALIVE`: ask an idle peer whether it is there.
        KeepAlive = 9,
        /// `SO_OOBINLINE`: urgent data in its place.
        OobInline = 10,
        /// `SO_NO_CHECK`: no checksums.
        NoCheck = 11,
        /// `SO_PRIORITY`: of packets.
        Priority = 12,
        /// `SO_LINGER`: what closing waits for: [`Linger`].
        Linger = 13,
        /// `SO_REUSEPORT`: share an address.
        ReusePort = 15,
        /// `SO_PASSCRED`: be told who sends.
        PassCred = 16,
        /// `SO_PEERCRED`: who the peer is.
        PeerCred = 17,
        /// `SO_RCVLOWAT`: least bytes to read.
        ReceiveLowAt = 18,
        /// `SO_SNDLOWAT`: least room to send.
        SendLowAt = 19,
        /// `SO_RCVTIMEO`: how long receiving waits.
        ReceiveTimeout = 20,
        /// `SO_SNDTIMEO`: how long sending waits.
        SendTimeout = 21,
        /// `SO_BINDTODEVICE`: one interface only.
        BindToDevice = 25,
        /// `SO_ATTACH_FILTER`: which packets come in.
        AttachFilter = 26,
        /// `SO_DETACH_FILTER`: all packets come in.
        DetachFilter = 27,
        /// `SO_TIMESTAMP`: be told when, in microseconds.
        Timestamp = 29,
        /// `SO_ACCEPTCONN`: whether it listens.
        AcceptConn = 30,
        /// `SO_PEERSEC`: the peer's security label.
        PeerSec = 31,
        /// `SO_SNDBUFFORCE`: `SendBuffer` above the limit.
        SendBufferForce = 32,
        /// `SO_RCVBUFFORCE`: `ReceiveBuffer` above the limit.
        ReceiveBufferForce = 33,
        /// `SO_TIMESTAMPNS`: be told when, in nanoseconds.
        TimestampNs = 35,
        /// `SO_MARK`: of packets.
        Mark = 36,
        /// `SO_PROTOCOL`: the protocol.
        Protocol = 38,
        /// `SO_DOMAIN`: the family.
        Domain = 39,
        /// `SO_RXQ_OVFL`: be told what was dropped.
        ReceiveOverflow = 40,
        /// `SO_PEEK_OFF`: where `MSG_PEEK` looks.
        PeekOffset = 42,
        /// `SO_BUSY_POLL`: how long to spin.
        BusyPoll = 46,
        /// `SO_INCOMING_CPU`: where its packets are handled.
        IncomingCpu = 49,
        /// `SO_COOKIE`: a number that is its own.
        Cookie = 57,
        /// `SO_PEERGROUPS`: the peer's groups.
        PeerGroups = 59,
        /// `SO_ZEROCOPY`: may send its own pages.
        ZeroCopy = 60,
    }
}

choice! {
    /// Options of `IPPROTO_TCP`.
    pub enum TcpOption: i32, else ENOPROTOOPT {
        /// `TCP_NODELAY`: send small segments at once.
        NoDelay = 1,
        /// `TCP_MAXSEG`: largest segment.
        MaxSegment = 2,
        /// `TCP_CORK`: send full segments only.
        Cork = 3,
        /// `TCP_KEEPIDLE`: seconds before the first question.
        KeepIdle = 4,
        /// `TCP_KEEPINTVL`: seconds between questions.
        KeepInterval = 5,
        /// `TCP_KEEPCNT`: questions before giving up.
        KeepCount = 6,
        /// `TCP_SYNCNT`: how often a SYN is sent.
        SynCount = 7,
        /// `TCP_LINGER2`: seconds in FIN-WAIT-2.
        Linger2 = 8,
        /// `TCP_DEFER_ACCEPT`: accept when data has come.
        DeferAccept = 9,
        /// `TCP_WINDOW_CLAMP`: largest window.
        WindowClamp = 10,
        /// `TCP_INFO`: everything about the connection.
        Info = 11,
        /// `TCP_QUICKACK`: acknowledge at once.
        QuickAck = 12,
        /// `TCP_CONGESTION`: which congestion control.
        Congestion = 13,
        /// `TCP_USER_TIMEOUT`: milliseconds that data may go unacknowledged.
        UserTimeout = 18,
        /// `TCP_FASTOPEN`: data in a SYN.
        FastOpen = 23,
        /// `TCP_TIMESTAMP`: the clock of segments.
        Timestamp = 24,
        /// `TCP_NOTSENT_LOWAT`: bytes not sent below which it is writable.
        NotSentLowAt = 25,
        /// `TCP_FASTOPEN_CONNECT`: data in the SYN of connect(2).
        FastOpenConnect = 30,
    }
}

choice! {
    /// Options, and control messages, of `IPPROTO_UDP`.
    pub enum UdpOption: i32, else ENOPROTOOPT {
        /// `UDP_SEGMENT`: cut what is sent at once into datagrams of this length.
        Segment = 103,
        /// `UDP_GRO`: receive several datagrams at once.
        Gro = 104,
    }
}

choice! {
    /// Options of `IPPROTO_IP`.
    pub enum IpOption: i32, else ENOPROTOOPT {
        /// `IP_TOS`: type of service.
        Tos = 1,
        /// `IP_TTL`: hops a packet lives.
        Ttl = 2,
        /// `IP_HDRINCL`: raw packets bring their header.
        HeaderIncluded = 3,
        /// `IP_OPTIONS`: options of packets.
        Options = 4,
        /// `IP_RECVOPTS`: be told options.
        ReceiveOptions = 6,
        /// `IP_PKTINFO`: be told where packets came in.
        PktInfo = 8,
        /// `IP_MTU_DISCOVER`: whether packets may be cut.
        MtuDiscover = 10,
        /// `IP_RECVERR`: keep errors in a queue.
        ReceiveError = 11,
        /// `IP_RECVTTL`: be told the TTL.
        ReceiveTtl = 12,
        /// `IP_RECVTOS`: be told the type of service.
        ReceiveTos = 13,
        /// `IP_MTU`: the path's.
        Mtu = 14,
        /// `IP_FREEBIND`: bind to what is not there.
        FreeBind = 15,
        /// `IP_TRANSPARENT`: bind to others' addresses.
        Transparent = 19,
        /// `IP_RECVORIGDSTADDR`: be told the first destination.
        OriginalDestination = 20,
        /// `IP_MINTTL`: least TTL that comes in.
        MinTtl = 21,
        /// `IP_BIND_ADDRESS_NO_PORT`: choose the port at connect(2).
        BindNoPort = 24,
        /// `IP_MULTICAST_IF`: where multicast goes out.
        MulticastInterface = 32,
        /// `IP_MULTICAST_TTL`: hops multicast lives.
        MulticastTtl = 33,
        /// `IP_MULTICAST_LOOP`: hear one's own.
        MulticastLoop = 34,
        /// `IP_ADD_MEMBERSHIP`: join a group.
        AddMembership = 35,
        /// `IP_DROP_MEMBERSHIP`: leave a group.
        DropMembership = 36,
        /// `IP_MULTICAST_ALL`: hear every group that was joined.
        MulticastAll = 49,
    }
}

choice! {
    /// Options of `IPPROTO_IPV6`.
    pub enum Ipv6Option: i32, else ENOPROTOOPT {
        /// `IPV6_UNICAST_HOPS`: hops a packet lives.
        UnicastHops = 16,
        /// `IPV6_MULTICAST_IF`: where multicast goes out.
        MulticastInterface = 17,
        /// `IPV6_MULTICAST_HOPS`: hops multicast lives.
        MulticastHops = 18,
        /// `IPV6_MULTICAST_LOOP`: hear one's own.
        MulticastLoop = 19,
        /// `IPV6_ADD_MEMBERSHIP`: join a group.
        AddMembership = 20,
        /// `IPV6_DROP_MEMBERSHIP`: leave a group.
        DropMembership = 21,
        /// `IPV6_MTU_DISCOVER`: whether packets may be cut.
        MtuDiscover = 23,
        /// `IPV6_MTU`: the path's.
        Mtu = 24,
        /// `IPV6_RECVERR`: keep errors in a queue.
        ReceiveError = 25,
        /// `IPV6_V6ONLY`: no IPv4 here.
        V6Only = 26,
        /// `IPV6_RECVPKTINFO`: be told where packets came in.
        ReceivePktInfo = 49,
        /// `IPV6_PKTINFO`: where packets go out.
        PktInfo = 50,
        /// `IPV6_RECVHOPLIMIT`: be told the hops left.
        ReceiveHopLimit = 51,
        /// `IPV6_HOPLIMIT`: the hops of one packet.
        HopLimit = 52,
        /// `IPV6_DONTFRAG`: packets are not cut.
        DontFragment = 62,
        /// `IPV6_RECVTCLASS`: be told the traffic class.
        ReceiveTrafficClass = 66,
        /// `IPV6_TCLASS`: of packets.
        TrafficClass = 67,
    }
}

/// `struct linger`: the value of `SO_LINGER`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Linger {
    /// Whether close(2) waits for what has not been sent.
    pub l_onoff: i32,
    /// How many seconds; zero throws the rest away.
    pub l_linger: i32,
}
