//! Finds programs, runs them natively and in the guest, compares.
