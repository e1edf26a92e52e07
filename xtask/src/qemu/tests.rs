//! The command line of every machine.

use super::{Qemu, port};
use crate::flags::Machine;

fn qemu(machine: Machine) -> Qemu {
    Qemu {
        machine,
        accel: "tcg",
        memory: "64M".into(),
        smp: 2,
        image: "/i".into(),
        append: None,
        initrd: None,
        files: vec![("cmdline", "/a,b".into())],
        consoles: vec![(port::LOG, "/s".into())],
        network: vec!["-netdev".into(), "user,id=net0".into()],
        gdb: None,
        extra: vec!["-d".into(), "int".into()],
    }
}

fn line(qemu: &Qemu) -> String {
    qemu.args().iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_guest_never_reboots_and_can_end_with_a_code() {
    for machine in [Machine::Q35, Machine::Pc, Machine::Microvm] {
        let line = line(&qemu(machine));
        assert!(line.contains("-no-reboot") && line.contains("isa-debug-exit,iobase=0xf4"), "{line}");
        assert!(
            line.contains("socket,id=con0,path=/s -device isa-debugcon,iobase=0xe9,chardev=con0"),
            "{line}"
        );
        assert!(
            line.contains("-m 64M -smp 2") && line.ends_with("-kernel /i -netdev user,id=net0 -d int"),
            "{line}"
        );
    }
}

#[test]
fn commas_in_paths_are_doubled() {
    assert!(line(&qemu(Machine::Q35)).contains("name=opt/caracal/cmdline,file=/a,,b"));
}
