//! The grammar of docs/command-line.md.

use super::*;

#[test]
fn options_then_program_arguments() {
    let options = Options::parse(
        b"log=info env=A=1 tty=02 exit-port=0xf4 -- prog --log=x \"two words\" \"q\\\"\\\\\" \"\"",
    )
    .unwrap();
    assert_eq!(options.log, log::LevelFilter::Info);
    assert_eq!(options.env, [b"A=1"]);
    assert_eq!(options.terminals, [true, false, true]);
    assert_eq!(options.ports.exit, Some(0xf4));
    assert_eq!(options.argv, [&b"prog"[..], b"--log=x", b"two words", b"q\"\\", b""]);
}

#[test]
fn quotes_group_inside_a_word_and_bytes_stay_bytes() {
    let options = Options::parse(b"env=X=\"a b\"c -- p \xff\n\t\"x\ny\"").unwrap();
    assert_eq!(options.env, [b"X=a bc"]);
    assert_eq!(options.argv, [&b"p"[..], b"\xff", b"x\ny"]);
}

#[test]
fn nothing_gives_a_program_name() {
    assert_eq!(Options::parse(b"").unwrap().argv, [b"/bin/program"]);
}

#[test]
fn what_vmms_add_for_linux_is_ignored() {
    let line = b"console=ttyS0 reboot=k panic=1 pci=off i8042.noaux 8250.nr_uarts=0 root=/dev/vda rw virtio_mmio.device=4K@0xc0001000:5";
    let device = MmioDevice { size: 4096, address: 0xc000_1000, irq: 5 };
    assert_eq!(Options::parse(line).unwrap().virtio_mmio, [device]);
}

#[test]
fn errors_name_the_word() {
    assert_eq!(Options::parse(b"lgo=info").unwrap_err(), CommandLineError::UnknownOption("lgo=info".into()));
    assert!(
        matches!(Options::parse(b"log=loud"), Err(CommandLineError::BadValue(word, _)) if word == "log=loud")
    );
    assert!(matches!(Options::parse(b"tty=9"), Err(CommandLineError::BadValue(..))));
    assert!(matches!(Options::parse(b"winsize=80"), Err(CommandLineError::BadValue(..))));
    assert_eq!(Options::parse(b"env=\"A=1").unwrap_err(), CommandLineError::UnclosedQuote);
}

#[test]
fn any_bytes_are_answered() {
    for seed in 0u32..2000 {
        let line: Vec<u8> =
            (0..40).map(|i| (seed.wrapping_mul(2_654_435_761).rotate_left(i) % 251) as u8).collect();
        let _ = Options::parse(&line);
    }
}

#[test]
fn ports_are_found_without_parsing_the_rest() {
    let ports = Ports::find(b"nonsense log-port=0xe9 ctl-port=234 exit-port=x -- log-port=1 stderr-port=2");
    assert_eq!(ports, Ports { log: Some(0xe9), control: Some(234), stderr: None, exit: None });
}

#[test]
fn devices_are_found_wherever_a_vmm_puts_them() {
    let device = |address, irq| MmioDevice { size: 512, address, irq };
    let line =
        b"log=info -- program arg virtio_mmio.device=512@0xfeb00000:5 virtio_mmio.device=512@0xfeb00200:6:1";
    let options = Options::parse(line).unwrap();
    assert_eq!(options.argv, [&b"program"[..], b"arg"]);
    assert_eq!(options.virtio_mmio, [device(0xfeb0_0200, 6), device(0xfeb0_0000, 5)]);
    assert_eq!(MmioDevice::find(line).count(), 2);
    for wrong in ["4K", "4K@", "4K@x:1", "@1:1", "1@0xffffffffffffffff:1", "1@1", "18446744073709551615M@1:1"]
    {
        let line = alloc::format!("virtio_mmio.device={wrong}");
        assert!(matches!(Options::parse(line.as_bytes()), Err(CommandLineError::BadValue(..))), "{wrong}");
        assert_eq!(MmioDevice::find(line.as_bytes()).count(), 0);
    }
}
