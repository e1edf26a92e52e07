//! The open file that a system call works on: counted, or lent by the descriptor table when nobody is there who could close it.
#![expect(unsafe_code, reason = "a lent file is a counted pointer whose count the table keeps")]

use alloc::sync::Arc;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::Deref;

use logic::file::open::OpenFile;

/// An open file, for no longer than `'c`, the call.
#[derive(Debug)]
pub struct Held<'c> {
    file: ManuallyDrop<Arc<OpenFile>>,
    is_lent: bool,
    call: PhantomData<&'c ()>,
}

impl Held<'_> {
    /// A handle with a count of its own.
    #[inline]
    pub fn counted(file: Arc<OpenFile>) -> Self {
        Self { file: ManuallyDrop::new(file), is_lent: false, call: PhantomData }
    }

    /// A handle that uses `file`'s count.
    ///
    /// # Safety
    /// That count must stay until the handle is dropped, wherever `file` itself goes.
    #[inline]
    pub unsafe fn lent(file: &Arc<OpenFile>) -> Self {
        // SAFETY: the second pointer is never dropped (`is_lent`), and the count it goes without is the caller's promise.
        let file = unsafe { core::ptr::read(file) };
        Self { file: ManuallyDrop::new(file), is_lent: true, call: PhantomData }
    }
}

impl Deref for Held<'_> {
    type Target = Arc<OpenFile>;
    #[inline]
    fn deref(&self) -> &Arc<OpenFile> {
        &self.file
    }
}

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.is_lent {
            // SAFETY: the count is the handle's own, and this is its end.
            unsafe { ManuallyDrop::drop(&mut self.file) };
        }
    }
}
