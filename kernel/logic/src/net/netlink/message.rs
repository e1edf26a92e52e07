//! Messages of netlink(7) as they lie in a program's buffer: requests are read, answers are written.

use alloc::vec::Vec;
use core::net::IpAddr;

use abi::errno::Errno;
use abi::net::Family;
use abi::net::netlink::{ALIGN, NlMsgHdr, RtAttr, flag, kind};
use zerocopy::{FromBytes as _, Immutable, IntoBytes};

/// Bytes of a datagram with answers: what the smallest buffers hold that programs have for them.
const DATAGRAM: usize = 4096;
const HEADER: usize = size_of::<NlMsgHdr>();

/// A request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    pub(super) header: NlMsgHdr,
    /// What follows the header.
    pub(super) body: &'a [u8],
    /// Both.
    bytes: &'a [u8],
}

impl<'a> Request<'a> {
    /// The address family that it asks for.
    pub(super) fn family(&self) -> u8 {
        self.body.first().copied().unwrap_or(0)
    }

    /// The attributes behind `skipped` bytes of its body.
    pub(super) fn attributes(&self, skipped: usize) -> impl Iterator<Item = (u16, &'a [u8])> {
        let mut rest = self.body.get(skipped..).unwrap_or_default();
        core::iter::from_fn(move || {
            let (header, _) = RtAttr::read_from_prefix(rest).ok()?;
            let value = rest.get(size_of::<RtAttr>()..header.rta_len.into())?;
            rest = rest.get(usize::from(header.rta_len).next_multiple_of(ALIGN)..).unwrap_or_default();
            Some((header.rta_type, value))
        })
    }
}

/// The requests in `bytes`, up to one that does not fit (Linux `netlink_rcv_skb`).
pub(super) fn requests(bytes: &[u8]) -> impl Iterator<Item = Request<'_>> {
    let mut rest = bytes;
    core::iter::from_fn(move || {
        let (header, _) = NlMsgHdr::read_from_prefix(rest).ok()?;
        let length = usize::try_from(header.nlmsg_len).ok()?;
        let bytes = rest.get(..length)?;
        let body = bytes.get(HEADER..)?;
        rest = rest.get(length.next_multiple_of(ALIGN)..).unwrap_or_default();
        Some(Request { header, body, bytes })
    })
}

/// Answers to one socket.
#[derive(Debug)]
pub(super) struct Answers {
    port: u32,
    /// The request's number.
    sequence: u32,
    datagrams: Vec<Vec<u8>>,
}

impl Answers {
    /// None yet, to the socket with this port.
    pub(super) fn to(port: u32) -> Self {
        Self { port, sequence: 0, datagrams: Vec::new() }
    }

    /// What follows is about `request`, in datagrams of its own.
    pub(super) fn begin(&mut self, request: &Request<'_>) {
        self.sequence = request.header.nlmsg_seq;
        self.datagrams.push(Vec::new());
    }

    fn last(&mut self) -> &mut Vec<u8> {
        if self.datagrams.is_empty() {
            self.datagrams.push(Vec::new());
        }
        let last = self.datagrams.len() - 1;
        &mut self.datagrams[last]
    }

    /// Writes a message: `start`, then what `rest` adds.
    pub(super) fn message(
        &mut self,
        nlmsg_type: u16,
        nlmsg_flags: u16,
        start: &(impl IntoBytes + Immutable),
        rest: impl FnOnce(&mut Self),
    ) {
        let (nlmsg_seq, nlmsg_pid) = (self.sequence, self.port);
        let begin = self.last().len();
        let header = NlMsgHdr { nlmsg_len: 0, nlmsg_type, nlmsg_flags, nlmsg_seq, nlmsg_pid };
        self.last().extend_from_slice(header.as_bytes());
        self.last().extend_from_slice(start.as_bytes());
        rest(self);
        let length = self.last().len() - begin;
        let told = u32::try_from(length).unwrap_or(u32::MAX).to_ne_bytes();
        self.last()[begin..begin + told.len()].copy_from_slice(&told);
        self.pad();
        if begin > 0 && self.last().len() > DATAGRAM {
            let message = self.last().split_off(begin);
            self.datagrams.push(message);
        }
    }

    fn pad(&mut self) {
        let whole = self.last().len().next_multiple_of(ALIGN);
        self.last().resize(whole, 0);
    }

    /// Adds an attribute to the message that is being written.
    pub(super) fn attribute(&mut self, rta_type: u16, value: &[u8]) {
        let Ok(rta_len) = u16::try_from(size_of::<RtAttr>() + value.len()) else { return };
        self.last().extend_from_slice(RtAttr { rta_len, rta_type }.as_bytes());
        self.last().extend_from_slice(value);
        self.pad();
    }

    /// Adds an address.
    pub(super) fn address(&mut self, rta_type: u16, address: IpAddr) {
        match address {
            IpAddr::V4(address) => self.attribute(rta_type, &address.octets()),
            IpAddr::V6(address) => self.attribute(rta_type, &address.octets()),
        }
    }

    /// Adds a text, with a zero at its end.
    pub(super) fn text(&mut self, rta_type: u16, text: &str) {
        let bytes: Vec<u8> = text.bytes().chain([0]).collect();
        self.attribute(rta_type, &bytes);
    }

    /// That was all.
    pub(super) fn done(&mut self) {
        self.message(kind::DONE, flag::MULTI, &0_i32, |_| ());
    }

    /// What `request` asks for cannot be had; or it can, which was to be told.
    pub(super) fn error(&mut self, request: &Request<'_>, errno: Option<Errno>) {
        let number = errno.map_or(0, |errno| -errno.raw());
        self.message(kind::ERROR, 0, &number, |answers| {
            // A success repeats the header, a failure all of it.
            let repeated = if errno.is_some() { request.bytes } else { request.header.as_bytes() };
            answers.last().extend_from_slice(repeated);
        });
    }

    /// The datagrams.
    pub(super) fn into_datagrams(mut self) -> Vec<Vec<u8>> {
        self.datagrams.retain(|datagram| !datagram.is_empty());
        self.datagrams
    }
}

/// The number of a family as messages have it.
pub(super) fn family(family: Family) -> u8 {
    u8::try_from(family.raw()).unwrap_or(0)
}
