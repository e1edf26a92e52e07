//! Clocks, sleeping, the system's facts, randomness.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use abi_tests::{call, cases, check};
use libc::{EFAULT, EINVAL, timespec};

cases! {
    clocks_answer, clocks_refuse, monotonic_never_goes_back, realtime_is_plausible, cpu_clocks_run,
    cpu_clocks_never_go_back, sleeps_last, absolute_sleep, short_sleeps, old_clocks, uname_answers, sysinfo_answers, random_bytes, rates_agree, setting_clocks
}

fn now(clock: i32) -> Result<Duration, i32> {
    let mut time = timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: room for a time.
    check(unsafe { libc::clock_gettime(clock, &mut time) })?;
    assert!((0..1_000_000_000).contains(&time.tv_nsec));
    Ok(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}

// covers: clock_gettime, clock_getres
fn clocks_answer() {
    for clock in [
        libc::CLOCK_REALTIME,
        libc::CLOCK_MONOTONIC,
        libc::CLOCK_MONOTONIC_RAW,
        libc::CLOCK_BOOTTIME,
        libc::CLOCK_REALTIME_COARSE,
        libc::CLOCK_MONOTONIC_COARSE,
        libc::CLOCK_PROCESS_CPUTIME_ID,
        libc::CLOCK_THREAD_CPUTIME_ID,
    ] {
        assert!(now(clock).unwrap() > Duration::ZERO, "{clock}");
        let mut resolution = timespec { tv_sec: 9, tv_nsec: 9 };
        assert_eq!(
            call(libc::SYS_clock_getres, [clock as usize, &raw mut resolution as usize, 0, 0, 0, 0]),
            Ok(0)
        );
        assert!(resolution.tv_sec == 0 && resolution.tv_nsec > 0);
    }
}

fn clocks_refuse() {
    assert_eq!(now(999), Err(EINVAL));
    assert_eq!(call(libc::SYS_clock_gettime, [0, 1, 0, 0, 0, 0]), Err(EFAULT));
    assert_eq!(call(libc::SYS_clock_getres, [999, 0, 0, 0, 0, 0]), Err(EINVAL));
    assert_eq!(call(libc::SYS_clock_getres, [1, 0, 0, 0, 0, 0]), Ok(0));
}

fn monotonic_never_goes_back() {
    let latest = AtomicU64::new(0);
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // Over more than a second: seconds are carried over, and the rate is corrected meanwhile.
                while start.elapsed() < Duration::from_millis(2500) {
                    // Whoever read earlier, on whatever CPU, read less or the same.
                    let seen = latest.load(Ordering::SeqCst);
                    let mine = start.elapsed().as_nanos() as u64;
                    assert!(mine >= seen, "{mine} after {seen}");
                    latest.fetch_max(mine, Ordering::SeqCst);
                }
            });
        }
    });
}

fn realtime_is_plausible() {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    assert!(seconds > 1_704_067_200, "after 2024 began: {seconds}");
}

fn cpu_clocks_run() {
    const STEP: Duration = Duration::from_millis(20);
    let (process, thread) =
        (now(libc::CLOCK_PROCESS_CPUTIME_ID).unwrap(), now(libc::CLOCK_THREAD_CPUTIME_ID).unwrap());
    let start = Instant::now();
    while now(libc::CLOCK_THREAD_CPUTIME_ID).unwrap() < thread + STEP {
        assert!(start.elapsed() < Duration::from_secs(20), "the thread's clock stands still");
    }
    assert!(now(libc::CLOCK_PROCESS_CPUTIME_ID).unwrap() >= process + STEP);
}

/// Threads are put aside again and again, others end: no time counts twice, and none is lost.
fn cpu_clocks_never_go_back() {
    let until = Instant::now() + Duration::from_millis(600);
    let never_back = |clock| {
        let mut latest = now(clock).unwrap();
        while Instant::now() < until {
            let next = now(clock).unwrap();
            assert!(next >= latest, "{next:?} after {latest:?}");
            latest = next;
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| never_back(libc::CLOCK_THREAD_CPUTIME_ID));
        for _ in 0..2 {
            scope.spawn(|| {
                while Instant::now() < until {
                    thread::yield_now();
                }
            });
        }
        scope.spawn(|| {
            while Instant::now() < until {
                thread::spawn(thread::yield_now).join().unwrap();
            }
        });
        never_back(libc::CLOCK_PROCESS_CPUTIME_ID);
    });
}

// covers: nanosleep
fn sleeps_last() {
    for milliseconds in [1, 5, 20] {
        let start = Instant::now();
        thread::sleep(Duration::from_millis(milliseconds));
        assert!(start.elapsed() >= Duration::from_millis(milliseconds));
    }
    let bad = timespec { tv_sec: 0, tv_nsec: 1_000_000_000 };
    assert_eq!(call(libc::SYS_nanosleep, [&raw const bad as usize, 0, 0, 0, 0, 0]), Err(EINVAL));
    assert_eq!(call(libc::SYS_nanosleep, [1, 0, 0, 0, 0, 0]), Err(EFAULT));
    let none = timespec { tv_sec: 0, tv_nsec: 0 };
    assert_eq!(call(libc::SYS_nanosleep, [&raw const none as usize, 0, 0, 0, 0, 0]), Ok(0));
}

// covers: clock_nanosleep
fn absolute_sleep() {
    for clock in [libc::CLOCK_MONOTONIC, libc::CLOCK_REALTIME] {
        let until = now(clock).unwrap() + Duration::from_millis(15);
        let time = timespec { tv_sec: until.as_secs() as i64, tv_nsec: i64::from(until.subsec_nanos()) };
        // SAFETY: a time.
        assert_eq!(
            unsafe { libc::clock_nanosleep(clock, libc::TIMER_ABSTIME, &time, std::ptr::null_mut()) },
            0
        );
        assert!(now(clock).unwrap() >= until);
        let start = Instant::now();
        // SAFETY: as above; the time has passed.
        assert_eq!(
            unsafe { libc::clock_nanosleep(clock, libc::TIMER_ABSTIME, &time, std::ptr::null_mut()) },
            0
        );
        assert!(start.elapsed() < Duration::from_secs(5));
    }
    let none = timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a time; the answer is the error number itself.
    assert_eq!(unsafe { libc::clock_nanosleep(999, 0, &none, std::ptr::null_mut()) }, EINVAL);
}

fn short_sleeps() {
    let start = Instant::now();
    (0..100).for_each(|_| thread::sleep(Duration::from_micros(50)));
    assert!(start.elapsed() >= Duration::from_millis(5));
}

// covers: gettimeofday, time
fn old_clocks() {
    let mut time = libc::timeval { tv_sec: 0, tv_usec: 0 };
    assert_eq!(call(libc::SYS_gettimeofday, [&raw mut time as usize, 0, 0, 0, 0, 0]), Ok(0));
    let mut seconds = 0i64;
    let answer = call(libc::SYS_time, [&raw mut seconds as usize, 0, 0, 0, 0, 0]).unwrap();
    assert_eq!(answer, seconds);
    assert!(seconds - time.tv_sec <= 1 && time.tv_usec < 1_000_000);
}

// covers: uname
fn uname_answers() {
    // SAFETY: all-zero is a valid structure.
    let mut name: libc::utsname = unsafe { std::mem::zeroed() };
    assert_eq!(call(libc::SYS_uname, [&raw mut name as usize, 0, 0, 0, 0, 0]), Ok(0));
    let text = |field: &[libc::c_char]| {
        field.iter().take_while(|&&c| c != 0).map(|&c| c as u8 as char).collect::<String>()
    };
    assert_eq!((text(&name.sysname).as_str(), text(&name.machine).as_str()), ("Linux", "x86_64"));
    assert!(
        text(&name.release)
            .split('.')
            .next()
            .and_then(|major| major.parse().ok())
            .is_some_and(|major: u32| major >= 5)
    );
    assert_eq!(call(libc::SYS_uname, [1, 0, 0, 0, 0, 0]), Err(EFAULT));
}

// covers: sysinfo
fn sysinfo_answers() {
    // SAFETY: all-zero is a valid structure.
    let mut info: libc::sysinfo = unsafe { std::mem::zeroed() };
    assert_eq!(call(libc::SYS_sysinfo, [&raw mut info as usize, 0, 0, 0, 0, 0]), Ok(0));
    assert!(info.totalram > 0 && info.freeram <= info.totalram && info.mem_unit > 0);
}

// covers: getrandom
fn random_bytes() {
    let mut bytes = [[0u8; 64]; 2];
    for buffer in &mut bytes {
        assert_eq!(call(libc::SYS_getrandom, [buffer.as_mut_ptr() as usize, 64, 0, 0, 0, 0]), Ok(64));
    }
    assert_ne!(bytes[0], bytes[1]);
    assert_eq!(call(libc::SYS_getrandom, [bytes[0].as_mut_ptr() as usize, 64, 99, 0, 0, 0]), Err(EINVAL));
    assert_eq!(call(libc::SYS_getrandom, [1, 64, 0, 0, 0, 0]), Err(EFAULT));
    let mut large = vec![0u8; 100_000];
    assert_eq!(call(libc::SYS_getrandom, [large.as_mut_ptr() as usize, 100_000, 0, 0, 0, 0]), Ok(100_000));
    assert!(large.chunks(1000).all(|chunk| chunk.iter().any(|&byte| byte != 0)));
}

fn rates_agree() {
    let (real, monotonic) = (now(libc::CLOCK_REALTIME).unwrap(), now(libc::CLOCK_MONOTONIC).unwrap());
    thread::sleep(Duration::from_millis(200));
    let real = now(libc::CLOCK_REALTIME).unwrap() - real;
    let monotonic = now(libc::CLOCK_MONOTONIC).unwrap() - monotonic;
    let difference = real.abs_diff(monotonic);
    assert!(difference < Duration::from_millis(50), "{real:?} {monotonic:?}");
}

fn setting_clocks() {
    let time = timespec { tv_sec: 0, tv_nsec: -1 };
    assert!(
        call(libc::SYS_clock_settime, [libc::CLOCK_MONOTONIC as usize, &raw const time as usize, 0, 0, 0, 0])
            .is_err()
    );
}
