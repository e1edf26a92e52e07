//! The whole system in one flow of data, from what the boot protocol left to the program's first instruction.

use alloc::boxed::Box;
use alloc::string::String;

use abi::signal::Signal;
use logic::boot::cmdline::{MmioDevice, Options, Ports};

use crate::arch::{self, Handoff, apic, smp};
use crate::boot::BootInfo;
use crate::drivers::{self, acpi, fw_cfg, power_button, serial};
use crate::kernel::Kernel;
use crate::mm::stack::KernelStack;
use crate::mm::{self, Memory};
use crate::process::Process;
use crate::{app, console, end, facts, fs, irq, rng, signal, syscall, task, time};

/// The thread that starts the system is the program's main thread.
const MAIN_TID: u32 = 1;

#[expect(unsafe_code, reason = "linked by name: a door from arch")]
#[unsafe(no_mangle)]
extern "Rust" fn caracal_up_start(handoff: Handoff) -> ! {
    start(handoff)
}

fn start(handoff: Handoff) -> ! {
    arch::install_boot_local();
    let boot = BootInfo::read(handoff);
    console::use_ports(Ports::find(boot.command_line));
    let memory = mm::init(&boot).unwrap_or_else(|error| end::boot_failed(format_args!("{error}")));
    arch::install_boot_cpu();
    let options = read_options(&boot);
    console::use_ports(options.ports);
    console::start_log(options.log);
    let firmware = acpi::read(&boot, memory);
    drivers::install_interrupt_controllers(&firmware, memory);
    if let Err(error) = time::init(&firmware, memory) {
        end::boot_failed(format_args!("{error}"));
    }
    if let Err(error) = rng::init(&options, memory) {
        end::boot_failed(format_args!("{error}"));
    }
    let stack =
        KernelStack::new(memory).unwrap_or_else(|_| end::boot_failed(format_args!("no memory for a stack")));
    let main = task::adopt(0, MAIN_TID, stack, memory)
        .unwrap_or_else(|_| end::boot_failed(format_args!("no memory for the first threads")));
    let files =
        fs::mount(&boot, &options, (facts::source(&options), facts::resolver), Box::new(signal::from_host))
            .unwrap_or_else(|error| end::boot_failed(format_args!("{error}")));
    let kernel = Kernel::install(Kernel {
        memory,
        futexes: logic::futex::Futexes::new(),
        unix: logic::net::unix::Domain::new(|| Kernel::get().process.open_file_limit()),
        process: Process::new(files),
        options,
    });
    if kernel.options.strace {
        syscall::trace();
    }
    arch::interrupts::enable();
    serial::start(&firmware, irq::attach_pin);
    power_button::start(&firmware, irq::attach_pin, || signal::from_host(Signal::SIGTERM));
    start_other_cpus(&firmware, memory);
    kernel.process.add_thread(main);
    match app::enter(kernel) {
        Ok(never) => match never {},
        Err(error) => end::boot_failed(format_args!("cannot start the program: {error}")),
    }
}

fn read_options(boot: &BootInfo) -> Options {
    let replaced = fw_cfg::read_all("opt/caracal/cmdline");
    let line = replaced.as_deref().unwrap_or(boot.command_line);
    let mut options = Options::parse(line).unwrap_or_else(|error| end::boot_failed(format_args!("{error}")));
    if replaced.is_some() {
        // The host's file is the tool's; what the VMM itself added still stands in its own line.
        options.virtio_mmio.extend(MmioDevice::find(boot.command_line));
    }
    options
}

fn start_other_cpus(firmware: &acpi::Firmware, memory: &'static Memory) {
    let me = apic::local_id();
    let starter = smp::Starter {
        trampoline: mm::direct_address(smp::trampoline_page()),
        page_table: memory.page_table(),
        wait_us: time::busy_wait_us,
    };
    let others = firmware.cpus.iter().copied().filter(|&apic_id| apic_id != me);
    for (index, apic_id) in others.enumerate().take(arch::cpu::MAX_CPUS - 1) {
        if let Err(error) = task::start_cpu(&starter, smp::online(), apic_id, memory) {
            log::error!("CPU {} (APIC {apic_id}) did not start: {error}", index + 1);
            break;
        }
    }
    log::info!("{} CPUs", smp::online());
}

#[expect(unsafe_code, reason = "linked by name: a door from arch")]
#[unsafe(no_mangle)]
extern "Rust" fn caracal_up_start_ap() -> ! {
    apic::install();
    time::start_cpu();
    task::become_idle()
}

/// The text of an error that ends boot.
pub type BootError = String;
