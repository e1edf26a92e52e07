//! Headers between that of IPv6 and what it carries (RFC 8200, section 4). Nobody here looks at what they say: they are taken off, or the packet is not looked at.

use alloc::borrow::Cow;

/// Headers that may be passed over: options for everybody on the way, and for its end; the way itself, when it is at its end.
const EACH_HOP: u8 = 0;
const ROUTING: u8 = 43;
const DESTINATION: u8 = 60;
/// Nothing follows.
const NOTHING: u8 = 59;
/// Bytes of the header of IPv6; where it says what follows, and how many bytes.
const HEADER: usize = 40;
const NEXT: usize = 6;
const LENGTH: usize = 4;
/// Headers that are passed over at most.
const MOST: usize = 8;

/// The packet without them; `None` for one that must not be looked at.
pub(super) fn without(packet: &[u8]) -> Option<Cow<'_, [u8]>> {
    let (header, mut rest) = packet.split_at_checked(HEADER)?;
    let mut next = header[NEXT];
    for index in 0..MOST {
        match next {
            EACH_HOP if index == 0 && are_harmless(rest) => {}
            DESTINATION if are_harmless(rest) => {}
            // No segment is left.
            ROUTING if rest.get(3) == Some(&0) => {}
            EACH_HOP | DESTINATION | ROUTING | NOTHING => return None,
            _ if index == 0 => return Some(Cow::Borrowed(packet)),
            _ => {
                let mut plain = header.to_vec();
                plain[NEXT] = next;
                plain[LENGTH..NEXT].copy_from_slice(&u16::try_from(rest.len()).ok()?.to_be_bytes());
                plain.extend_from_slice(rest);
                return Some(Cow::Owned(plain));
            }
        }
        next = *rest.first()?;
        rest = rest.get(length(rest)?..)?;
    }
    None
}

/// Bytes of a header that begins so.
fn length(header: &[u8]) -> Option<usize> {
    Some((usize::from(*header.get(1)?) + 1) * 8)
}

/// Whether the options in a header are all known, or may be passed over by who does not know them.
fn are_harmless(header: &[u8]) -> bool {
    const PAD: u8 = 0;
    const ROUTER_ALERT: u8 = 5;
    /// What is to be done by who does not know it: nothing.
    const MEANING: u8 = 0xc0;
    let Some(mut options) = length(header).and_then(|length| header.get(2..length)) else { return false };
    while let Some(&kind) = options.first() {
        let length = match (kind, options.get(1)) {
            (PAD, _) => 1,
            (ROUTER_ALERT, Some(&length)) => 2 + usize::from(length),
            (kind, Some(&length)) if kind & MEANING == 0 => 2 + usize::from(length),
            _ => return false,
        };
        let Some(rest) = options.get(length..) else { return false };
        options = rest;
    }
    true
}

#[cfg(test)]
mod tests;
