//! Dies on purpose: `fault-tests WAY`. `cases.toml` says how each way ends: with the code it has on Linux (128 + the signal).
#![expect(unsafe_code, reason = "the faults are the point")]
#![expect(clippy::print_stdout, reason = "what the guest printed before it died must arrive")]

mod exhaustion;

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

/// What the program is on: the last ways end a machine, and must not end one that others use.
fn is_caracal() -> bool {
    std::fs::read_to_string("/proc/sys/kernel/osrelease").is_ok_and(|release| release.contains("caracal"))
}

/// Presses a key of proc(5)'s `/proc/sysrq-trigger`.
fn press(key: &str) {
    if !is_caracal() {
        println!("only on Caracal");
        process::exit(99);
    }
    let answer = std::fs::write("/proc/sysrq-trigger", key);
    println!("still there: {answer:?}");
}

/// Goes on until the machine ends.
fn compute() {
    let mut number = 1_u64;
    loop {
        number = black_box(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
}

/// Dies the way `way`; `thread:WAY` on a second thread, `busy:WAY` while another thread computes.
fn die(way: &str) {
    if let Some(way) = way.strip_prefix("thread:").map(str::to_owned) {
        drop(thread::spawn(move || die(&way)).join());
        return;
    }
    if let Some(way) = way.strip_prefix("busy:") {
        thread::spawn(compute);
        // It runs by then.
        thread::sleep(std::time::Duration::from_millis(20));
        return die(way);
    }
    // SAFETY: nothing here is sound, on purpose: each line is a fault that the kernel must report and survive to report.
    unsafe {
        match way {
            "null" => drop(black_box(std::ptr::null::<u8>()).read_volatile()),
            "unmapped" => drop((black_box(0x1234_5678_9000_usize) as *const u8).read_volatile()),
            "copy" => {
                let to = black_box(0x1234_5678_9000_usize) as *mut u8;
                to.copy_from_nonoverlapping(black_box([1; 300]).as_ptr(), black_box(300));
            }
            "non-canonical" => drop((black_box(1_usize << 63) as *const u8).read_volatile()),
            "jump" => std::mem::transmute::<usize, fn()>(black_box(0x1234_5678_9000))(),
            "stack" => println!("{}", recurse(0)),
            "divide" => {
                asm!("xor edx, edx", "xor ecx, ecx", "mov eax, 1", "div ecx", out("eax") _, out("ecx") _, out("edx") _)
            }
            "illegal" => asm!("ud2"),
            "breakpoint" => asm!("int3"),
            // The flag takes effect after the instruction behind the one that sets it.
            "trap-flag" => asm!("pushfq", "or qword ptr [rsp], 0x100", "popfq", "nop", "nop"),
            "misaligned" => {
                let bytes = [0_u8; 64];
                let odd = bytes.as_ptr().addr() & !15 | 1;
                asm!("movaps xmm0, [{}]", in(reg) odd + 16, out("xmm0") _);
            }
            // Checked in ring 3 only: there is nothing to report where the program runs in ring 0.
            "alignment-check" => {
                let bytes = [0_u8; 64];
                let odd = bytes.as_ptr().addr() | 1;
                asm!(
                    "pushfq", "or qword ptr [rsp], 0x40000", "popfq",
                    "mov {value}, [{odd}]",
                    "pushfq", "and qword ptr [rsp], ~0x40000", "popfq",
                    odd = in(reg) odd, value = out(reg) _
                );
            }
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
            "exhaust" => exhaustion::memory(),
            "exhaust-files" => exhaustion::files(),
            "exhaust-names" => exhaustion::names(),
            "exhaust-threads" => exhaustion::threads(),
            "large-heap" => exhaustion::large_heap(),
            "exhaust-pipes" => exhaustion::pipes(),
            "exhaust-all" => exhaustion::everything(),
            "kernel-panic" => press("c"),
            "reset" => press("b"),
            "power-off" => press("o"),
            "no-key" => press("\n"),
            code => process::exit(code.parse().unwrap_or(99)),
        }
    }
}

fn main() {
    let way = std::env::args().nth(1).unwrap_or_default();
    println!("{way}");
    die(&way);
}
