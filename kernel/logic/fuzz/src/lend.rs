//! Bytes of one input for what reads memory that stays for ever: firmware tables, archives.
#![expect(unsafe_code, reason = "an input is shorter than for ever")]

/// A copy of an input that is freed when this is dropped.
pub(crate) struct Lent(*mut [u8]);

impl Lent {
    /// A copy of `bytes`.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(Box::into_raw(Box::from(bytes)))
    }

    /// The bytes.
    ///
    /// # Safety
    /// Nobody looks at them after this is dropped.
    pub(crate) unsafe fn for_ever(&self) -> &'static [u8] {
        // SAFETY: the box is there until the drop, and the caller looks at it no longer.
        unsafe { &*self.0 }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // SAFETY: it came from a box, once.
        drop(unsafe { Box::from_raw(self.0) });
    }
}
