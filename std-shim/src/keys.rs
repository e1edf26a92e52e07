//! Thread-specific data: pthread_key_create(3), pthread_getspecific(3), tss_create(3).
//!
//! Every thread of std sets one key, whose destructor asks for a second round. musl looks at all 128 keys in each round; here a thread has a table
//! that is as long as the highest key it has set (a short one lies in the thread itself), and a deleted key costs nothing in other threads: its
//! values are of an older generation. Nothing of musl's thread block is touched: these are all the functions that know the values there, so none
//! is left.
#![expect(unsafe_code, reason = "the symbols are the interface; values lie in the program's heap")]

use core::ffi::{c_int, c_uint, c_void};
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use abi::errno::Errno;
use kernel::task::{self, FEW_KEYS_BYTES};
use slab::class;

use crate::heap::HEAP;

/// Most keys at a time (`PTHREAD_KEYS_MAX`).
const MOST: usize = 128;
/// Most rounds of destructors (`PTHREAD_DESTRUCTOR_ITERATIONS`).
const ROUNDS: usize = 4;
/// Tables grow by so many values.
const STEP: usize = 4;

type Destructor = unsafe extern "C" fn(*mut c_void);

/// One key of the process.
struct Key {
    /// Odd while the key exists; another one each time it is created.
    generation: AtomicUsize,
    /// A [`Destructor`], or null.
    destructor: AtomicPtr<c_void>,
}

static KEYS: [Key; MOST] =
    [const { Key { generation: AtomicUsize::new(0), destructor: AtomicPtr::new(ptr::null_mut()) } }; MOST];

/// One thread's value of a key.
#[derive(Clone, Copy)]
struct Value {
    generation: usize,
    pointer: *mut c_void,
}

impl Value {
    const NONE: Self = Self { generation: 0, pointer: ptr::null_mut() };
}

/// The calling thread's table, by key. In a value's place before the first come its length, as a generation, and a pointer that is not null if
/// something was stored since the last round of destructors began.
struct Table(*mut Value);

impl Table {
    /// The calling thread's.
    #[inline]
    fn mine() -> Self {
        Self(task::current().keys.load(Ordering::Relaxed).cast())
    }

    /// How many values there is room for.
    #[inline]
    fn len(&self) -> usize {
        if self.0.is_null() {
            return 0;
        }
        // SAFETY: a table that is there has its length in its first place; no other thread changes it.
        unsafe { (*self.0).generation }
    }

    /// Where the value of `key` is.
    #[inline]
    fn slot(&self, key: usize) -> Option<*mut Value> {
        // SAFETY: within the table, behind its first place.
        (key < self.len()).then(|| unsafe { self.0.add(1 + key) })
    }

    /// What the thread has stored for `key`, null for nothing.
    #[inline]
    fn get(&self, key: usize) -> *mut c_void {
        let Some(slot) = self.slot(key) else { return ptr::null_mut() };
        // SAFETY: a place of the calling thread's table.
        let value = unsafe { slot.read() };
        if value.generation == KEYS[key].generation.load(Ordering::Relaxed) {
            value.pointer
        } else {
            ptr::null_mut()
        }
    }

    /// A longer table, with room for `key`. False: there is no memory.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, key: usize) -> bool {
        let len = (key + 1).next_multiple_of(STEP);
        let new = if len == STEP {
            Self::in_thread()
        } else {
            HEAP.allocate((1 + len) * size_of::<Value>(), class::GRAIN).cast()
        };
        if new.is_null() {
            return false;
        }
        // SAFETY: the first place of what was just allocated.
        unsafe { new.write(Value { generation: len, ..Value::NONE }) };
        for key in 0..len {
            let value = match self.slot(key) {
                // SAFETY: within the old table.
                Some(slot) => unsafe { slot.read() },
                None => Value::NONE,
            };
            // SAFETY: `len` places follow the first.
            let place = unsafe { new.add(1 + key) };
            // SAFETY: as above.
            unsafe { place.write(value) };
        }
        let old = core::mem::replace(self, Self(new));
        task::current().keys.store(new.cast(), Ordering::Relaxed);
        old.free();
        true
    }

    /// Stores `value` in `slot`, which is one of its places.
    fn store(&self, slot: *mut Value, value: Value) {
        // SAFETY: a place of the calling thread's table.
        unsafe { slot.write(value) };
        if !value.pointer.is_null() {
            // SAFETY: the table is there, so its first place is.
            unsafe { (*self.0).pointer = ptr::dangling_mut() };
        }
    }

    /// Whether something was stored since this was last asked.
    fn take_stored(&self) -> bool {
        if self.0.is_null() {
            return false;
        }
        // SAFETY: the first place of a table that is there.
        !core::mem::replace(unsafe { &mut (*self.0).pointer }, ptr::null_mut()).is_null()
    }

    /// Where the calling thread's table lies while there is room for [`STEP`] values in it.
    fn in_thread() -> *mut Value {
        let task = task::current();
        const { assert!(FEW_KEYS_BYTES == (1 + STEP) * size_of::<Value>()) };
        (&raw const task.few_keys).cast_mut().cast()
    }

    /// Gives the memory back.
    fn free(self) {
        if !self.0.is_null() && self.0 != Self::in_thread() {
            // SAFETY: it came from the heap in `grow`; the thread has another one now, or none.
            unsafe { HEAP.free(self.0.cast()) };
        }
    }
}

/// pthread_getspecific(3)
#[unsafe(no_mangle)]
pub extern "C" fn pthread_getspecific(key: c_uint) -> *mut c_void {
    Table::mine().get(key as usize)
}

/// tss_get(3)
#[unsafe(no_mangle)]
pub extern "C" fn tss_get(key: c_uint) -> *mut c_void {
    pthread_getspecific(key)
}

/// pthread_setspecific(3)
#[unsafe(no_mangle)]
pub extern "C" fn pthread_setspecific(key: c_uint, pointer: *const c_void) -> c_int {
    let key = key as usize;
    let Some(generation) = KEYS.get(key).map(|key| key.generation.load(Ordering::Relaxed)) else {
        return Errno::EINVAL.raw();
    };
    let mut table = Table::mine();
    if key >= table.len() && (pointer.is_null() || !table.grow(key)) {
        return if pointer.is_null() { 0 } else { Errno::ENOMEM.raw() };
    }
    if let Some(slot) = table.slot(key) {
        table.store(slot, Value { generation, pointer: pointer.cast_mut() });
    }
    0
}

/// tss_set(3)
#[unsafe(no_mangle)]
pub extern "C" fn tss_set(key: c_uint, pointer: *mut c_void) -> c_int {
    const THRD_ERROR: c_int = 2;
    if pthread_setspecific(key, pointer) == 0 { 0 } else { THRD_ERROR }
}

/// pthread_key_create(3)
#[unsafe(no_mangle)]
pub extern "C" fn pthread_key_create(to: *mut c_uint, destructor: Option<Destructor>) -> c_int {
    for (number, key) in KEYS.iter().enumerate() {
        let generation = key.generation.load(Ordering::Relaxed);
        let is_free = generation & 1 == 0;
        let next = generation.wrapping_add(1);
        if is_free
            && key.generation.compare_exchange(generation, next, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        {
            let destructor = destructor.map_or(ptr::null_mut(), |function| function as *mut c_void);
            key.destructor.store(destructor, Ordering::Release);
            // SAFETY: C's promise: there is room for a key.
            unsafe { to.write(number as c_uint) };
            return 0;
        }
    }
    Errno::EAGAIN.raw()
}

/// What musl's tss_create(3) calls.
#[unsafe(no_mangle)]
pub extern "C" fn __pthread_key_create(to: *mut c_uint, destructor: Option<Destructor>) -> c_int {
    pthread_key_create(to, destructor)
}

/// pthread_key_delete(3)
#[unsafe(no_mangle)]
pub extern "C" fn pthread_key_delete(key: c_uint) -> c_int {
    let Some(key) = KEYS.get(key as usize) else { return Errno::EINVAL.raw() };
    let generation = key.generation.load(Ordering::Relaxed);
    if generation & 1 == 0 {
        return Errno::EINVAL.raw();
    }
    key.destructor.store(ptr::null_mut(), Ordering::Relaxed);
    key.generation.store(generation.wrapping_add(1), Ordering::Release);
    0
}

/// What musl's tss_delete(3) calls.
#[unsafe(no_mangle)]
pub extern "C" fn __pthread_key_delete(key: c_uint) -> c_int {
    pthread_key_delete(key)
}

/// What musl's pthread_exit(3) calls: destructors of all values that are not null, again while they leave new ones.
#[unsafe(no_mangle)]
pub extern "C" fn __pthread_tsd_run_dtors() {
    for _ in 0..ROUNDS {
        if !Table::mine().take_stored() {
            break;
        }
        run_destructors();
    }
    let table = Table::mine();
    task::current().keys.store(ptr::null_mut(), Ordering::Relaxed);
    table.free();
}

/// One round.
fn run_destructors() {
    let mut key = 0;
    let mut table = Table::mine();
    while let Some(slot) = table.slot(key) {
        // SAFETY: a place of the calling thread's table.
        let value = unsafe { slot.read() };
        if !value.pointer.is_null() {
            table.store(slot, Value::NONE);
            destroy(key, value);
            // The destructor may have made the table longer.
            table = Table::mine();
        }
        key += 1;
    }
}

/// Has the destructor of `key`, if there is one, take `value`, if that is not of an older key.
fn destroy(key: usize, value: Value) {
    if value.generation != KEYS[key].generation.load(Ordering::Relaxed) {
        return;
    }
    let destructor = KEYS[key].destructor.load(Ordering::Acquire);
    // SAFETY: null or the function that pthread_key_create was given.
    let destructor: Option<Destructor> = unsafe { core::mem::transmute(destructor) };
    if let Some(destructor) = destructor {
        // SAFETY: C's promise: it takes the values of its key.
        unsafe { destructor(value.pointer) };
    }
}
