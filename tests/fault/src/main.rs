//! Dies on purpose: `fault-tests WAY`. `cases.toml` says how each way ends: with the code it has on Linux (128 + the signal).
#![expect(unsafe_code, reason = "the faults are the point")]
#![expect(clippy::print_stdout, reason = "what the guest printed before it died must arrive")]

use std::arch::asm;
use std::hint::black_box;
use std::process;
use std::thread;

fn recurse(depth: u64) -> u64 {
    let frame = [depth; 64];
    black_box(&frame);
    if depth == u64::MAX { 0 } else { recurse(depth + 1) + frame[black_box(3)] }
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("second");
    }
}

/// Takes memory until there is none, and finds it usable again afterwards.
fn exhaust() {
    const MIB: usize = 1 << 20;
    let mut taken: Vec<Vec<u8>> = Vec::new();
    loop {
        let mut block = Vec::new();
        if block.try_reserve_exact(MIB).is_err() {
            break;
        }
        block.resize(MIB, 1);
        taken.push(block);
    }
    let half = taken.len() / 2;
    drop(taken);
    println!("an error, not an end: {}", half > 0);
    let again = vec![1u8; half * MIB];
    println!("usable again: {}", again[again.len() - 1] == 1);
}

fn main() {
    let way = std::env::args().nth(1).unwrap_or_default();
    println!("{way}");
    // SAFETY: nothing here is sound, on purpose: each line is a fault that the kernel must report and survive to report.
    unsafe {
        match way.as_str() {
            "null" => drop(black_box(std::ptr::null::<u8>()).read_volatile()),
            "unmapped" => drop((black_box(0x1234_5678_9000_usize) as *const u8).read_volatile()),
            "copy" => {
                let to = black_box(0x1234_5678_9000_usize) as *mut u8;
                to.copy_from_nonoverlapping(black_box([1; 300]).as_ptr(), black_box(300));
            }
            "non-canonical" => drop((black_box(1_usize << 63) as *const u8).read_volatile()),
            "jump" => std::mem::transmute::<usize, fn()>(black_box(0x1234_5678_9000))(),
            "stack" => println!("{}", recurse(0)),
            "thread-stack" => drop(thread::spawn(|| println!("{}", recurse(0))).join()),
            "divide" => {
                asm!("xor edx, edx", "xor ecx, ecx", "mov eax, 1", "div ecx", out("eax") _, out("ecx") _, out("edx") _)
            }
            "illegal" => asm!("ud2"),
            "breakpoint" => asm!("int3"),
            "abort" => process::abort(),
            "double-panic" => {
                let _guard = PanicsWhenDropped;
                panic!("first");
            }
            "panic" => panic!("on purpose"),
            "write-text" => (main as fn() as *mut u8).write_volatile(0),
            "write-kernel" => {
                // The handler of the `syscall` instruction: kernel text, wherever it was linked.
                let (low, high): (u32, u32);
                asm!("rdmsr", in("ecx") 0xc000_0082_u32, out("eax") low, out("edx") high);
                ((u64::from(high) << 32 | u64::from(low)) as *mut u8).write_volatile(0);
            }
            "execute-data" => {
                let data = vec![0xc3_u8; 64];
                std::mem::transmute::<*const u8, fn()>(data.as_ptr())();
            }
            "exhaust" => exhaust(),
            code => process::exit(code.parse().unwrap_or(99)),
        }
    }
}
