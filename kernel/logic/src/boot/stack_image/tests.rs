//! The stack is read back the way a C library reads it.

use super::*;
use alloc::vec;

const TOP: u64 = 0x7000_0000;

fn start<'a>(argv: &'a [Vec<u8>], envp: &'a [Vec<u8>], auxv: &'a [(u64, u64)]) -> Start<'a> {
    Start { argv, envp, auxv, random: [7; 16], platform: b"x86_64" }
}

struct Reader<'a> {
    base: u64,
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn word(&self, address: u64) -> u64 {
        let at = (address - self.base) as usize;
        u64::from_le_bytes(self.bytes[at..at + 8].try_into().unwrap())
    }
    fn string(&self, address: u64) -> &[u8] {
        let at = (address - self.base) as usize;
        self.bytes[at..].split(|&byte| byte == 0).next().unwrap()
    }
}

#[test]
fn a_c_library_finds_everything() {
    for count in 0..4 {
        let argv: Vec<Vec<u8>> = (0..=count).map(|i| vec![b'a' + i; 3]).collect();
        let envp = vec![b"HOME=/".to_vec(), b"X=".to_vec()];
        let (sp, bytes) = build(&start(&argv, &envp, &[(6, 4096)]), TOP, 1 << 20).unwrap();
        assert_eq!(sp % 16, 0);
        assert_eq!(sp + bytes.len() as u64, TOP);
        let reader = Reader { base: sp, bytes: &bytes };
        let argc = reader.word(sp);
        assert_eq!(argc, argv.len() as u64);
        let mut at = sp + 8;
        for arg in &argv {
            assert_eq!(reader.string(reader.word(at)), arg);
            at += 8;
        }
        assert_eq!(reader.word(at), 0);
        at += 8;
        for variable in &envp {
            assert_eq!(reader.string(reader.word(at)), variable);
            at += 8;
        }
        assert_eq!(reader.word(at), 0);
        at += 8;
        assert_eq!((reader.word(at), reader.word(at + 8)), (6, 4096));
        assert_eq!(reader.string(reader.word(at + 24)), argv[0]);
        assert_eq!(reader.string(reader.word(at + 40)), b"x86_64");
        assert_eq!(reader.word(at + 48), AT_RANDOM);
        let random = (reader.word(at + 56) - sp) as usize;
        assert_eq!(bytes[random..random + 16], [7; 16]);
        assert_eq!((reader.word(at + 64), reader.word(at + 72)), (0, 0));
    }
}

#[test]
fn too_much_is_e2big() {
    let argv = vec![vec![b'x'; 5000]];
    assert_eq!(build(&start(&argv, &[], &[]), TOP, 4096), Err(Errno::E2BIG));
    assert_eq!(build(&start(&argv, &[], &[]), 4096, 1 << 20), Err(Errno::E2BIG));
}

#[test]
fn a_zero_byte_inside_a_string_is_refused() {
    let argv = vec![b"a\0b".to_vec()];
    assert_eq!(build(&start(&argv, &[], &[]), TOP, 4096), Err(Errno::E2BIG));
}
