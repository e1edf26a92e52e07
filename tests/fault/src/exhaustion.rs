//! A machine with little memory runs out of it: an error each time, nothing accepted is lost, and all of it is there again afterwards.

use std::fs::{self, File};
use std::io::{ErrorKind, PipeReader, PipeWriter, Read as _, Write as _};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

const MIB: usize = 1 << 20;

/// Blocks of memory until there is none.
fn take_all(size: usize, taken: &mut Vec<Vec<u8>>) {
    // The list does not grow while memory is short.
    while taken.len() < taken.capacity() {
        let mut block = Vec::new();
        if block.try_reserve_exact(size).is_err() {
            return;
        }
        block.resize(size, 1);
        taken.push(block);
    }
}

pub(crate) fn memory() {
    let mut taken = Vec::with_capacity(1000);
    take_all(MIB, &mut taken);
    let half = taken.len() / 2;
    drop(taken);
    println!("an error, not an end: {}", half > 0);
    let again = vec![1u8; half * MIB];
    println!("usable again: {}", again[again.len() - 1] == 1);
}

/// Whether the later rounds got about as far as the first one: a pipe's ring needs frames in a row, which become fewer.
fn report(counts: &[usize]) {
    let first = counts[0];
    let same = first > 0 && counts.iter().all(|&count| count >= first - first / 4);
    println!("as much again: {}", if same { "true".to_owned() } else { format!("{counts:?}") });
}

/// Fills files until the machine is full; answers how many bytes went in.
fn fill() -> usize {
    const CHUNK: usize = 50_000;
    let (mut whole, mut sizes) = (0, Vec::new());
    'full: loop {
        let path = format!("/tmp/{}", sizes.len());
        let Ok(mut file) = File::create(path) else { break };
        sizes.push(0);
        while sizes[sizes.len() - 1] < MIB {
            match file.write(&[sizes.len() as u8; CHUNK]) {
                Ok(count) => {
                    *sizes.last_mut().expect("just pushed") += count;
                    whole += count;
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::StorageFull);
                    break 'full;
                }
            }
        }
    }
    // Room that was promised to nobody: a file may be long, but not be filled.
    if let Ok(file) = File::options().write(true).open("/tmp/0") {
        file.set_len(1 << 30).expect("a hole takes no room");
        file.set_len(sizes[0] as u64).expect("cut again");
    }
    let mut buffer = [0; 4096];
    for (index, &size) in sizes.iter().enumerate() {
        let mut file = File::open(format!("/tmp/{index}")).expect("it is there");
        let mut found = 0;
        loop {
            let count = file.read(&mut buffer).expect("it can be read");
            if count == 0 {
                break;
            }
            assert!(buffer[..count].iter().all(|&byte| byte == (index + 1) as u8), "{index} at {found}");
            found += count;
        }
        assert_eq!(found, size, "what was accepted stays");
    }
    for index in 0..sizes.len() {
        fs::remove_file(format!("/tmp/{index}")).expect("it can go");
    }
    whole
}

pub(crate) fn files() {
    let counts: Vec<usize> = (0..3).map(|_| fill()).collect();
    report(&counts);
}

pub(crate) fn names() {
    let round = || {
        let mut count = 0_usize;
        let error = loop {
            match File::create(format!("/tmp/{count}")) {
                Ok(_) => count += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert_eq!(fs::read_dir("/tmp").expect("a directory").count(), count);
        for index in 0..count {
            fs::remove_file(format!("/tmp/{index}")).expect("it can go");
        }
        count
    };
    let counts: Vec<usize> = (0..3).map(|_| round()).collect();
    report(&counts);
}

pub(crate) fn threads() {
    let round = || {
        let gate = Arc::new((Mutex::new(false), Condvar::new()));
        let mut threads = Vec::new();
        let error = loop {
            let gate = Arc::clone(&gate);
            let body = move || {
                let mut open = gate.0.lock().expect("nobody panics");
                while !*open {
                    open = gate.1.wait(open).expect("nobody panics");
                }
                1_usize
            };
            match thread::Builder::new().stack_size(64 << 10).spawn(body) {
                Ok(thread) => threads.push(thread),
                Err(error) => break error,
            }
        };
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::OutOfMemory), "{error:?}");
        *gate.0.lock().expect("nobody panics") = true;
        gate.1.notify_all();
        threads.into_iter().map(|thread| thread.join().expect("nobody panics")).sum()
    };
    let counts: Vec<usize> = (0..5).map(|_| round()).collect();
    report(&counts);
}

pub(crate) fn pipes() {
    let round = || {
        let mut pipes: Vec<(PipeReader, PipeWriter)> = Vec::new();
        let error = loop {
            let made = std::io::pipe().and_then(|(reader, mut writer)| {
                writer.write_all(&[pipes.len() as u8; 65536])?;
                Ok((reader, writer))
            });
            match made {
                Ok(pipe) => pipes.push(pipe),
                Err(error) => break error,
            }
        };
        // ENOMEM, or EMFILE.
        assert!(matches!(error.raw_os_error(), Some(12 | 24)), "{error:?}");
        let count = pipes.len();
        for (index, (mut reader, writer)) in pipes.into_iter().enumerate() {
            drop(writer);
            let (mut buffer, mut found) = ([0; 4096], 0);
            loop {
                let got = reader.read(&mut buffer).expect("it can be read");
                if got == 0 {
                    break;
                }
                assert!(buffer[..got].iter().all(|&byte| byte == index as u8));
                found += got;
            }
            assert_eq!(found, 65536, "what was accepted comes out");
        }
        count
    };
    let counts: Vec<usize> = (0..3).map(|_| round()).collect();
    report(&counts);
}

/// With no memory left at all the kernel still answers everything, with errors where it must.
pub(crate) fn everything() {
    let (mut files, mut pipes, mut names) = (Vec::with_capacity(2048), Vec::with_capacity(2048), 0);
    // What the program's own library needs: it ends the program when it cannot have it.
    let own: Vec<Vec<u8>> = (0..512).map(|index| vec![1; 16 + index * 12]).collect();
    let mut taken = Vec::with_capacity(32 * MIB / 4096);
    take_all(MIB, &mut taken);
    take_all(4096, &mut taken);
    drop(own);
    while files.len() < 900
        && let Ok(file) = File::open("/dev/null")
    {
        files.push(file);
    }
    while let Ok(mut pipe) = std::io::pipe() {
        // It may have no room.
        let _ = pipe.1.write(b"x");
        pipes.push(pipe);
    }
    while names < 100_000 && File::create(format!("/tmp/{names}")).is_ok() {
        names += 1;
    }
    let entries = fs::read_dir("/proc/self/fd").map(Iterator::count);
    let all = (files.len(), pipes.len(), names, entries.is_ok());
    drop((files, pipes, taken));
    eprintln!("files, pipes, names, directory: {all:?}");
    println!("still there");
    let again = thread::spawn(|| {
        let mut taken = Vec::with_capacity(1000);
        take_all(MIB, &mut taken);
        taken.len()
    });
    println!("usable again: {}", again.join().is_ok_and(|count| count > 4));
}

/// A heap of 16 GiB in one piece and in many, used here and there.
pub(crate) fn large_heap() {
    const GIB: usize = 1 << 30;
    const STEP: usize = 64 << 20;
    let mut whole: Vec<u8> = Vec::new();
    whole.try_reserve_exact(16 * GIB).expect("the machine has more");
    let room = whole.spare_capacity_mut();
    let places = || (0..16 * GIB).step_by(STEP);
    for at in places() {
        room[at].write((at / STEP) as u8);
    }
    // SAFETY: these bytes were just written.
    let good = places().all(|at| unsafe { room[at].assume_init() } == (at / STEP) as u8);
    println!("in one piece: {good}");
    drop(whole);
    let pieces: Vec<Vec<u8>> = (0..256)
        .map(|number| {
            let mut piece = Vec::with_capacity(STEP);
            piece.push(number as u8);
            piece
        })
        .collect();
    println!("in 256 pieces: {}", pieces.iter().enumerate().all(|(number, piece)| piece[0] == number as u8));
}
