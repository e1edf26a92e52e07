//! User and group IDs and the rules for changing them (credentials(7), setresuid(2)).

use alloc::sync::Arc;

use abi::errno::Errno;

/// The ID that means "leave as it is".
const UNCHANGED: u32 = u32::MAX;

/// One kind of ID: real, effective, saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ids {
    /// Who started the program.
    pub real: u32,
    /// Who it acts as.
    pub effective: u32,
    /// Who it can go back to.
    pub saved: u32,
}

impl Ids {
    fn owns(self, id: u32) -> bool {
        [self.real, self.effective, self.saved].contains(&id)
    }

    /// setuid(2), setgid(2): all three for root, else the effective one.
    ///
    /// # Errors
    /// `EINVAL` for -1; `EPERM` for an ID that is not the caller's.
    pub fn set(&mut self, id: u32, privileged: bool) -> Result<(), Errno> {
        match id {
            UNCHANGED => return Err(Errno::EINVAL),
            _ if privileged => *self = Self { real: id, effective: id, saved: id },
            _ if id == self.real || id == self.saved => self.effective = id,
            _ => return Err(Errno::EPERM),
        }
        Ok(())
    }

    /// setreuid(2), setregid(2).
    ///
    /// # Errors
    /// `EPERM` for an ID that is not the caller's.
    pub fn set_real_effective(&mut self, real: u32, effective: u32, privileged: bool) -> Result<(), Errno> {
        let allowed = |id, of: &[u32]| privileged || id == UNCHANGED || of.contains(&id);
        if !allowed(real, &[self.real, self.effective])
            || !allowed(effective, &[self.real, self.effective, self.saved])
        {
            return Err(Errno::EPERM);
        }
        let before = *self;
        if real != UNCHANGED {
            self.real = real;
        }
        if effective != UNCHANGED {
            self.effective = effective;
        }
        if real != UNCHANGED || effective != UNCHANGED && effective != before.real {
            self.saved = self.effective;
        }
        Ok(())
    }

    /// setresuid(2), setresgid(2): real, effective, saved.
    ///
    /// # Errors
    /// `EPERM` for an ID that is not the caller's.
    pub fn set_all(&mut self, [real, effective, saved]: [u32; 3], privileged: bool) -> Result<(), Errno> {
        let allowed = |id| privileged || id == UNCHANGED || self.owns(id);
        if !(allowed(real) && allowed(effective) && allowed(saved)) {
            return Err(Errno::EPERM);
        }
        for (field, id) in
            [(&mut self.real, real), (&mut self.effective, effective), (&mut self.saved, saved)]
        {
            if id != UNCHANGED {
                *field = id;
            }
        }
        Ok(())
    }
}

/// Everything a process may be told it is.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// User IDs.
    pub user: Ids,
    /// Group IDs.
    pub group: Ids,
    /// Supplementary group IDs.
    pub supplementary: Arc<[u32]>,
}

#[cfg(test)]
mod tests;
