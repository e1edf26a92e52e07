//! The kernel's command line: whatever the VMM passes.

use logic::boot::cmdline::{MmioDevice, Options, Ports};

/// One input.
pub fn run(data: &[u8]) {
    // Looked for before there is memory, by other code than the one that reports what is wrong.
    let early = Ports::find(data);
    let devices = MmioDevice::find(data).count();
    match Options::parse(data) {
        Ok(options) => {
            assert!(!options.argv.is_empty());
            assert!(options.cwd.starts_with(b"/"));
            assert!(options.env.iter().all(|variable| variable.contains(&b'=')));
            // Quotes may hide words from who does not look for them.
            if !data.contains(&b'"') {
                assert_eq!(early, options.ports);
                assert!(options.virtio_mmio.len() <= devices);
            }
            for index in 0..2 {
                let _ = (options.network.setting(index), options.network.setting_v6(index));
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Lines as VMMs and the tool write them.
pub fn seeds() -> Vec<Vec<u8>> {
    [
        "log-port=0x402 stderr-port=0xe9 ctl-port=0xea exit-port=0xf4 log=debug strace tty=12 winsize=80x24 stdin=framed -- program arg",
        "env=A=b \"env=C=d e\" cwd=/tmp entropy=weak ip=10.0.2.15/24 gateway=10.0.2.2 dns=10.0.2.3 hostname=box -- /bin/x \"a \\\" b\"",
        "ip=172.16.0.2::172.16.0.1:255.255.255.0::eth0:off:1.1.1.1 ip=2001:db8::2/64 gateway=fe80::1 console=ttyS0 reboot=k panic=1 pci=off",
        "ip=dhcp -- a virtio_mmio.device=512@0xfeb00e00:12 virtio_mmio.device=4K@0xd0000000:5:0",
    ]
    .map(|line| line.as_bytes().to_vec())
    .to_vec()
}
