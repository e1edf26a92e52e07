//! Clocks and the deadline timer.
//!
//! Time is the TSC through a line (`logic::time::clock`) that is kept in step with a reference counter of known frequency. The first
//! rate comes from CPUID or from a short comparison; longer and longer baselines make it better, from the timer interrupt of the
//! boot processor. Counters are compared; no timer interrupt is ever waited for, so a loaded host cannot spoil the rate.

use core::fmt;
use core::mem::offset_of;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};

use abi::time::Timespec;
use logic::time::clock::{Discipline, Line, NS_PER_S, Sample};
use sync::{Lock, Once, hooks};

use crate::arch::apic::{self, register, vector};
use crate::arch::{cpu, tsc};
use crate::drivers::acpi::Firmware;
use crate::drivers::kvmclock;
use crate::drivers::reference::Reference;
use crate::drivers::rtc;
use crate::mm::Memory;

/// How long the first comparison takes when CPUID does not say the frequency.
const FIRST_BASELINE_NS: u64 = 50_000;
/// The second comparison comes at this distance, and before the reference wraps.
const COMPARE_EVERY_NS: u64 = 50_000_000;
/// The clocks are compared at least as often.
const COMPARE_AT_LEAST_EVERY_NS: u64 = 60 * NS_PER_S;
/// How often the real-time clock is read while a second is waited for.
const RTC_LOOKS: u32 = 10_000_000;
/// Local APIC timer: divide by 16.
const DIVIDE_BY_16: u32 = 0b0011;
const MASKED: u32 = 1 << 16;
const DEADLINE_MODE: u32 = 2 << 17;
const IA32_TSC_DEADLINE: u32 = 0x6e0;
/// Longest the timer is armed for: it is armed again then.
const LONGEST_NS: u64 = 1_000_000_000;

/// The line that is followed now, readable without a lock: two numbers that differ while it is written. It begins where a second does, so
/// that who reads it within that second need not divide.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct SharedLine {
    /// How often it began to be written.
    begun: AtomicU32,
    /// How often that was done.
    ended: AtomicU32,
    cycles: AtomicU64,
    ns: AtomicU64,
    rate: AtomicU64,
    /// `ns` in seconds.
    seconds: AtomicU64,
    /// `cycles`, or [`NEVER_QUICK`].
    quick: AtomicU64,
    /// Seconds from 1970 to monotonic 0.
    epoch_seconds: AtomicU64,
    is_quick: AtomicBool,
}

/// The place of the line in time, for std-shim's `clock_gettime`, which follows it in assembly.
pub static LINE: SharedLine = SharedLine {
    begun: AtomicU32::new(0),
    ended: AtomicU32::new(0),
    cycles: AtomicU64::new(0),
    ns: AtomicU64::new(0),
    rate: AtomicU64::new(1 << 32),
    seconds: AtomicU64::new(0),
    quick: AtomicU64::new(NEVER_QUICK),
    epoch_seconds: AtomicU64::new(0),
    is_quick: AtomicBool::new(true),
};

/// Further from any counter than its low half tells.
const NEVER_QUICK: u64 = 1 << 63;

impl SharedLine {
    /// Byte offsets for assembly.
    pub const BEGUN: usize = offset_of!(Self, begun);
    /// Where `ended` is.
    pub const ENDED: usize = offset_of!(Self, ended);
    /// Where the cycles are from which on the low half of the counter tells enough.
    pub const QUICK: usize = offset_of!(Self, quick);
    /// Where the nanoseconds per cycle are, times 2^32.
    pub const RATE: usize = offset_of!(Self, rate);
    /// Where the seconds at the line's beginning are.
    pub const SECONDS: usize = offset_of!(Self, seconds);

    #[inline]
    fn line(&self) -> Line {
        Line {
            cycles: self.cycles.load(Ordering::Relaxed),
            ns: self.ns.load(Ordering::Relaxed),
            rate: self.rate.load(Ordering::Relaxed),
        }
    }

    /// What `look` sees while the line does not change.
    #[inline]
    fn read<R>(&self, look: impl Fn() -> R) -> R {
        loop {
            let ended = self.ended.load(Ordering::Acquire);
            let seen = look();
            fence(Ordering::Acquire);
            if self.begun.load(Ordering::Relaxed) == ended {
                return seen;
            }
            cpu::relax();
        }
    }

    /// Has time go on at another rate from this moment on. One writer at a time: the holder of `Clock::discipline`, with interrupts off,
    /// because their handlers read the line.
    ///
    /// The counter is read when readers wait already, and they read it while they look at the line: nobody has seen a later time by the old
    /// line than anybody will see by the new one, on whatever CPU.
    fn bend(&self, old: &Line, rate: u64) {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let line = old.bent(tsc::read(), rate);
        self.follow(&line);
        self.ended.fetch_add(1, Ordering::Release);
    }

    /// Puts `line`, which begins where a second does, in place.
    fn follow(&self, line: &Line) {
        let quick = if self.is_quick.load(Ordering::Relaxed) { line.cycles } else { NEVER_QUICK };
        self.cycles.store(line.cycles, Ordering::Relaxed);
        self.ns.store(line.ns, Ordering::Relaxed);
        self.rate.store(line.rate, Ordering::Relaxed);
        self.seconds.store(line.ns / NS_PER_S, Ordering::Relaxed);
        self.quick.store(quick, Ordering::Relaxed);
    }
}

/// Has every clock be read in the kernel from now on, where calls are logged.
pub fn read_in_kernel() {
    LINE.is_quick.store(false, Ordering::SeqCst);
    renew();
}

/// Has the line begin anew, so that it is no older than a second.
fn renew() {
    let Some(clock) = CLOCK.get() else { return };
    let enabled = hooks::irq_save();
    if let Some(discipline) = clock.discipline.try_lock() {
        let line = LINE.read(|| LINE.line());
        LINE.bend(&line, line.rate);
        drop(discipline);
    }
    hooks::irq_restore(enabled);
}

/// What keeps the line right.
#[derive(Debug)]
struct Clock {
    /// `None`: the rate stays as it was found.
    reference: Option<Reference>,
    discipline: Lock<Discipline>,
    next_comparison_ns: AtomicU64,
    /// The TSC's rate as it was first measured.
    first_hz: u64,
    /// Local APIC timer ticks after division in a TSC cycle, times 2^32; 0 with a TSC-deadline timer.
    timer_per_cycle: u64,
    /// Those ticks in a second as the line tells it.
    timer_hz: AtomicU64,
}

static CLOCK: Once<Clock> = Once::new();

/// One comparison, the tightest of a few: the reference's reading, about `expected_ns`, is bracketed by two of the TSC.
fn sample(reference: &Reference, hz: u64, expected_ns: u64) -> Sample {
    const TRIES: usize = 3;
    let one = || {
        let before = tsc::read();
        let reference_ns = reference.now_ns(expected_ns);
        let after = tsc::read();
        let half = (after - before) / 2;
        Sample {
            cycles: before + half,
            reference_ns,
            uncertainty_ns: (u128::from(half) * u128::from(NS_PER_S) / u128::from(hz)) as u64 + 1000,
        }
    };
    let mut best = one();
    for _ in 1..TRIES {
        let next = one();
        if next.uncertainty_ns < best.uncertainty_ns {
            best = next;
        }
    }
    best
}

/// What the first comparison told.
struct Rates {
    tsc_hz: u64,
    /// As in [`Clock`].
    timer_per_cycle: u64,
    /// The comparison itself.
    last: Sample,
}

/// Compares the TSC and the timer with the reference for a moment.
fn measure(reference: &Reference, known: Option<u64>, timer_deadline: bool) -> Rates {
    let first = sample(reference, NS_PER_S, 0);
    start_timer_counting();
    let timer_first = timer_at();
    let mut last = first;
    if known.is_none() || !timer_deadline {
        while last.reference_ns - first.reference_ns < FIRST_BASELINE_NS {
            last = sample(reference, NS_PER_S, 0);
        }
    }
    let timer_last = timer_at();
    let baseline_ns = (last.reference_ns - first.reference_ns).max(1);
    let per_second = |ticks: u64| (u128::from(ticks) * u128::from(NS_PER_S) / u128::from(baseline_ns)) as u64;
    Rates {
        tsc_hz: known.unwrap_or_else(|| per_second(last.cycles - first.cycles)).max(1),
        timer_per_cycle: if timer_deadline { 0 } else { timer_rate(timer_first, timer_last) },
        last,
    }
}

/// The rates on a machine without any counter of known frequency: between two ticks of the real-time clock, a second apart.
fn measure_by_rtc(known: Option<u64>, timer_deadline: bool) -> Option<Rates> {
    let tick = || {
        let before = rtc::seconds()?;
        // As long as a second can take, and an end for a clock that stands still.
        (0..RTC_LOOKS).find(|_| rtc::seconds().is_some_and(|now| now != before)).map(|_| tsc::read())
    };
    let sample_at = |cycles| Sample { cycles, reference_ns: 0, uncertainty_ns: u64::MAX };
    if let (Some(tsc_hz), true) = (known, timer_deadline) {
        return Some(Rates { tsc_hz, timer_per_cycle: 0, last: sample_at(tsc::read()) });
    }
    let first = tick()?;
    start_timer_counting();
    let timer_first = timer_at();
    let last = tick()?;
    let timer_per_cycle = if timer_deadline { 0 } else { timer_rate(timer_first, timer_at()) };
    Some(Rates { tsc_hz: known.unwrap_or(last - first).max(1), timer_per_cycle, last: sample_at(last) })
}

/// The machine has nothing to measure time with.
#[derive(Debug)]
pub struct NoClock;

impl fmt::Display for NoClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "no clock: the machine has no HPET, ACPI timer, PIT or real-time clock to measure the CPU's time-stamp counter with, \
             and the CPU does not say its frequency; give the guest one of them (qemu -M microvm,pit=on or rtc=on)",
        )
    }
}

/// Starts the clock and this CPU's timer.
///
/// # Errors
/// [`NoClock`].
pub fn init(firmware: &Firmware, memory: &Memory) -> Result<(), NoClock> {
    let reference = Reference::find(firmware, memory);
    let (known, timer_deadline) = (tsc::frequency().or_else(kvmclock::tsc_hz), tsc::has_deadline_timer());
    let Rates { tsc_hz: hz, timer_per_cycle, last } = match &reference {
        Some(reference) => measure(reference, known, timer_deadline),
        None => measure_by_rtc(known, timer_deadline).ok_or(NoClock)?,
    };
    let line = Line::new(0, 0, hz);
    LINE.follow(&line);
    let wall = rtc::seconds();
    if wall.is_none() {
        log::error!("no real-time clock: wall-clock time starts at 1970-01-01; certificates will not verify");
    }
    let now = line.ns_at(tsc::read());
    // In whole seconds: the real-time clock knows no more.
    LINE.epoch_seconds.store(wall.unwrap_or(0).saturating_sub(now / NS_PER_S), Ordering::Relaxed);
    let source = if known.is_some() { "as told" } else { "measured" };
    log::info!(
        "clock: TSC {hz} Hz ({source}), reference {}",
        reference.as_ref().map_or("none", Reference::name)
    );
    let first_comparison = |reference: &Reference| now + COMPARE_EVERY_NS.min(reference.wrap_ns() / 2);
    CLOCK.set(Clock {
        discipline: Lock::new(Discipline::new(last, line.ns_at(last.cycles), hz)),
        next_comparison_ns: AtomicU64::new(reference.as_ref().map_or(u64::MAX, first_comparison)),
        reference,
        first_hz: hz,
        timer_per_cycle,
        timer_hz: AtomicU64::new(timer_hz(timer_per_cycle, line.rate)),
    });
    start_cpu();
    Ok(())
}

fn start_timer_counting() {
    apic::write(register::TIMER_DIVIDE, DIVIDE_BY_16);
    apic::write(register::LVT_TIMER, MASKED);
    apic::write(register::TIMER_INITIAL, u32::MAX);
}

/// The timer's count, and the TSC's at that moment.
fn timer_at() -> (u32, u64) {
    let before = tsc::read();
    let count = apic::read(register::TIMER_CURRENT);
    (count, before + (tsc::read() - before) / 2)
}

/// Timer ticks in a TSC cycle, times 2^32. The timer counts down. (The reference is too coarse for this: within the first baseline it counts
/// to fifty.)
fn timer_rate(first: (u32, u64), last: (u32, u64)) -> u64 {
    ((u64::from(first.0.saturating_sub(last.0)) << 32) / (last.1 - first.1).max(1)).max(1)
}

/// Timer ticks in a second, where a cycle takes `rate` nanoseconds, times 2^32.
fn timer_hz(per_cycle: u64, rate: u64) -> u64 {
    (u128::from(per_cycle) * u128::from(NS_PER_S) / u128::from(rate.max(1))) as u64
}

/// Sets up the calling CPU's deadline timer.
pub fn start_cpu() {
    let Some(clock) = CLOCK.get() else { return };
    apic::write(register::TIMER_DIVIDE, DIVIDE_BY_16);
    apic::write(register::TIMER_INITIAL, 0);
    let mode = if clock.timer_per_cycle == 0 { DEADLINE_MODE } else { 0 };
    apic::write(register::LVT_TIMER, mode | u32::from(vector::TIMER));
}

/// Monotonic time since boot in nanoseconds; the same on all CPUs.
#[inline]
pub fn now() -> u64 {
    LINE.read(|| LINE.line().ns_at(tsc::read()))
}

/// [`now`] in seconds and nanoseconds.
#[inline]
pub fn monotonic() -> Timespec {
    let (line, seconds, ns) = LINE.read(|| {
        let line = LINE.line();
        (line, LINE.seconds.load(Ordering::Relaxed), line.ns_at(tsc::read()) - line.ns)
    });
    if ns >= NS_PER_S {
        return carried(line.ns + ns);
    }
    Timespec { tv_sec: seconds.cast_signed(), tv_nsec: ns.cast_signed() }
}

/// `ns` by a line older than a second. It begins anew here: the next to ask need not divide.
#[cold]
fn carried(ns: u64) -> Timespec {
    renew();
    Timespec::from_ns(ns)
}

/// Wall-clock time in seconds since 1970 and nanoseconds.
#[inline]
pub fn wall() -> Timespec {
    let now = monotonic();
    Timespec { tv_sec: now.tv_sec + LINE.epoch_seconds.load(Ordering::Relaxed).cast_signed(), ..now }
}

/// Cycles of the TSC per second, about: for `/proc/cpuinfo`.
pub fn cycles_per_second() -> u64 {
    CLOCK.get().map_or(0, |clock| clock.first_hz)
}

/// Wall-clock time in nanoseconds since 1970.
pub fn realtime() -> u64 {
    LINE.epoch_seconds.load(Ordering::Relaxed) * NS_PER_S + now()
}

/// When this CPU must compare the clocks next; `u64::MAX` for never.
pub fn next_comparison() -> u64 {
    CLOCK.get().filter(|_| cpu::id() == 0).map_or(u64::MAX, Clock::comparison_deadline)
}

/// Arms this CPU's timer for `deadline_ns`. A deadline far ahead goes off sooner. Interrupts are off.
pub fn arm(deadline_ns: u64) {
    let Some(clock) = CLOCK.get() else { return };
    if clock.timer_per_cycle == 0 {
        let cycles = LINE.read(|| LINE.line()).cycles_at(deadline_ns).max(1);
        #[expect(unsafe_code, reason = "the deadline register")]
        // SAFETY: CPUID says the register is there; any value is valid.
        unsafe {
            x86_64::registers::model_specific::Msr::new(IA32_TSC_DEADLINE).write(cycles);
        }
        return;
    }
    let wait = deadline_ns.saturating_sub(now()).min(LONGEST_NS);
    // Round up: a timer that fires early would have to be armed again.
    let ticks = (u128::from(wait) * u128::from(clock.timer_hz.load(Ordering::Relaxed)) / u128::from(NS_PER_S))
        as u64
        + 1;
    apic::write(register::TIMER_INITIAL, u32::try_from(ticks).unwrap_or(u32::MAX));
}

impl Clock {
    /// When the clocks must be compared next. Far apart once the rate is good, but before the reference wraps.
    fn comparison_deadline(&self) -> u64 {
        self.next_comparison_ns.load(Ordering::Relaxed)
    }
}

/// Compares the clocks when it is time to. From the boot processor's timer interrupt.
pub fn keep_in_step() {
    let Some(clock) = CLOCK.get() else { return };
    let now = now();
    if cpu::id() != 0 || now < clock.comparison_deadline() {
        return;
    }
    let (Some(reference), Some(mut discipline)) = (&clock.reference, clock.discipline.try_lock()) else {
        return;
    };
    let line = LINE.read(|| LINE.line());
    let sample = sample(reference, NS_PER_S, discipline.expected(&line, tsc::read()));
    // Further each time, so that an idle guest stays idle, and as far as it is known how often the reference has wrapped.
    let range = reference.wrap_ns() / 8;
    let distance = (now / 2)
        .clamp(COMPARE_EVERY_NS, COMPARE_AT_LEAST_EVERY_NS)
        .min(discipline.is_right_for(range).max(reference.wrap_ns() / 2));
    let rate = discipline.feed(&line, sample, distance).rate;
    LINE.bend(&line, rate);
    clock.timer_hz.store(timer_hz(clock.timer_per_cycle, rate), Ordering::Relaxed);
    clock.next_comparison_ns.store(now + distance, Ordering::Relaxed);
}

/// Spins for `us` microseconds: for hardware that wants a pause, never for waiting.
pub fn busy_wait_us(us: u64) {
    let end = now() + us * 1000;
    while now() < end {
        cpu::relax();
    }
}
