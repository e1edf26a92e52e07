//! The program's first stack: argc, argv, envp and the auxiliary vector, as the x86-64 psABI draws them (section 3.4.1).
//!
//! ```text
//!  top ─▶ (end of stack)
//!         strings: argv…, envp…, execfn, platform, 16 random bytes
//!         (padding to 16)
//!         auxv: (type, value)… AT_NULL
//!         envp pointers, 0
//!         argv pointers, 0
//!  rsp ─▶ argc                                  16-byte aligned
//! ```

use alloc::vec::Vec;

use abi::errno::Errno;

/// What the stack tells the program.
#[derive(Clone, Debug)]
pub struct Start<'a> {
    /// Arguments, the program's name first.
    pub argv: &'a [Vec<u8>],
    /// Environment.
    pub envp: &'a [Vec<u8>],
    /// Auxiliary entries (type, value) that need no memory of their own.
    pub auxv: &'a [(u64, u64)],
    /// Seed for the C library's guards (`AT_RANDOM`).
    pub random: [u8; 16],
    /// `AT_PLATFORM`.
    pub platform: &'a [u8],
}

const AT_NULL: u64 = 0;
const AT_PLATFORM: u64 = 15;
const AT_RANDOM: u64 = 25;
const AT_EXECFN: u64 = 31;

/// Builds the bytes that end at address `top` (16-byte aligned). Returns the stack pointer; the bytes go from there to `top`.
///
/// # Errors
/// `E2BIG` when they would be more than `most` bytes, or a string holds a zero byte.
pub fn build(start: &Start<'_>, top: u64, most: usize) -> Result<(u64, Vec<u8>), Errno> {
    let mut strings = Vec::new();
    let mut offsets = Vec::new();
    let name: &[u8] = start.argv.first().map_or(b"", |name| name);
    let all = start.argv.iter().chain(start.envp).map(Vec::as_slice).chain([name, start.platform]);
    for string in all {
        if string.contains(&0) {
            return Err(Errno::E2BIG);
        }
        offsets.push(strings.len() as u64);
        strings.extend_from_slice(string);
        strings.push(0);
    }
    offsets.push(strings.len() as u64);
    strings.extend_from_slice(&start.random);

    let strings_at = top.checked_sub(strings.len() as u64).ok_or(Errno::E2BIG)? & !15;
    let address: Vec<u64> = offsets.iter().map(|offset| strings_at + offset).collect();
    let (argv, rest) = address.split_at(start.argv.len());
    let (envp, special) = rest.split_at(start.envp.len());

    let mut words = Vec::new();
    words.push(start.argv.len() as u64);
    words.extend_from_slice(argv);
    words.push(0);
    words.extend_from_slice(envp);
    words.push(0);
    let pointers = [(AT_EXECFN, special[0]), (AT_PLATFORM, special[1]), (AT_RANDOM, special[2])];
    for (kind, value) in start.auxv.iter().copied().chain(pointers).chain([(AT_NULL, 0)]) {
        words.extend([kind, value]);
    }
    let stack_pointer = strings_at.checked_sub(8 * words.len() as u64).ok_or(Errno::E2BIG)? & !15;
    let length = usize::try_from(top - stack_pointer).map_err(|_| Errno::E2BIG)?;
    if length > most {
        return Err(Errno::E2BIG);
    }
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.resize(usize::try_from(strings_at - stack_pointer).map_err(|_| Errno::E2BIG)?, 0);
    bytes.extend_from_slice(&strings);
    bytes.resize(length, 0);
    Ok((stack_pointer, bytes))
}

#[cfg(test)]
mod tests;
