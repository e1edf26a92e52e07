//! Thread-specific data: keys, values of each thread, destructors in rounds (pthread_key_create(3)).
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use abi_tests::cases;
use libc::EAGAIN;

cases! { thread_specific_data }

fn thread_specific_data() {
    static DESTROYED: AtomicU32 = AtomicU32::new(0);
    static KEY: AtomicU32 = AtomicU32::new(0);
    extern "C" fn destroy(value: *mut libc::c_void) {
        DESTROYED.fetch_add(1, Ordering::SeqCst);
        let rounds = value.addr() - 1;
        if rounds > 0 {
            set(KEY.load(Ordering::SeqCst), rounds);
        }
    }
    fn create(destructor: Option<unsafe extern "C" fn(*mut libc::c_void)>) -> Result<u32, i32> {
        let mut key = 0;
        // SAFETY: the key is a local.
        let answer = unsafe { libc::pthread_key_create(&mut key, destructor) };
        if answer == 0 { Ok(key) } else { Err(answer) }
    }
    fn set(key: u32, value: usize) {
        // SAFETY: the value is a number.
        let answer = unsafe { libc::pthread_setspecific(key, std::ptr::without_provenance(value)) };
        assert_eq!(answer, 0);
    }
    // SAFETY: asks for a number.
    let get = |key| unsafe { libc::pthread_getspecific(key) }.addr();
    // SAFETY: the key was created here.
    let delete = |key| unsafe { libc::pthread_key_delete(key) };

    let key = create(Some(destroy)).unwrap();
    KEY.store(key, Ordering::SeqCst);
    set(key, 7);
    let other = thread::spawn(move || {
        assert_eq!(get(key), 0, "the other thread's value is not this one's");
        set(key, 3);
        get(key)
    });
    assert_eq!(other.join().unwrap(), 3);
    assert_eq!(DESTROYED.load(Ordering::SeqCst), 3, "a destructor's new value is destroyed too");
    thread::spawn(move || {
        set(key, 3);
        set(key, 0);
    })
    .join()
    .unwrap();
    assert_eq!(DESTROYED.load(Ordering::SeqCst), 3, "nothing stored, nothing destroyed");
    // All keys there are: whichever got the number of the deleted one has no value from before.
    assert_eq!(get(key), 7);
    assert_eq!(delete(key), 0);
    let mut keys = Vec::new();
    let refused = loop {
        match create(None) {
            Ok(key) => keys.push(key),
            Err(errno) => break errno,
        }
    };
    assert_eq!(refused, EAGAIN);
    assert!(keys.contains(&key) && keys.len() >= 64, "{} keys", keys.len());
    keys.iter().for_each(|&key| assert_eq!(get(key), 0));
    keys.iter().for_each(|&key| set(key, key as usize + 1));
    keys.iter().for_each(|&key| assert_eq!(get(key), key as usize + 1));
    keys.iter().for_each(|&key| assert_eq!(delete(key), 0));
}
