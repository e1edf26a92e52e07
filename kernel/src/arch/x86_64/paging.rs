//! Page tables: mapping, unmapping and protecting pages of 4 KiB and 2 MiB in the one address space.
//!
//! Tables are reached through the direct map. Frames for tables come from the caller and go back there. Dropping TLB entries of other CPUs is the caller's part.
#![expect(unsafe_code, reason = "page tables are raw memory that the CPU reads")]

use core::arch::x86_64::__cpuid;
use core::ops::Range;

use x86_64::instructions::tlb;
use x86_64::registers::control::{Cr0, Cr0Flags, Cr3, Cr3Flags, Cr4, Cr4Flags};
use x86_64::structures::paging::page_table::PageTableEntry;
use x86_64::structures::paging::{PageSize as _, PageTableFlags, PhysFrame, Size4KiB};
use x86_64::{PhysAddr, VirtAddr};

use super::user_copy;

/// Where all of RAM is mapped: physical address 0 is here.
pub const DIRECT_MAP: u64 = 0xffff_8800_0000_0000;

const SIZE_2M: u64 = 1 << 21;
const SIZE_1G: u64 = 1 << 30;

/// Software bit of a leaf entry whose page is kept though nothing may use it.
const HELD: PageTableFlags = PageTableFlags::BIT_9;

/// How a page may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Protection {
    /// May be written.
    pub write: bool,
    /// May be executed.
    pub execute: bool,
    /// May not be used at all; the page is kept for later (`PROT_NONE`).
    pub none: bool,
    /// Device registers: not cached.
    pub device: bool,
    /// The same for ever and on all CPUs: the TLB keeps it across reloads.
    pub global: bool,
}

impl Protection {
    fn flags(self) -> PageTableFlags {
        if self.none {
            return HELD | PageTableFlags::NO_EXECUTE;
        }
        let mut flags = PageTableFlags::PRESENT;
        flags.set(PageTableFlags::WRITABLE, self.write);
        flags.set(PageTableFlags::NO_EXECUTE, !self.execute);
        flags.set(PageTableFlags::NO_CACHE | PageTableFlags::WRITE_THROUGH, self.device);
        flags.set(PageTableFlags::GLOBAL, self.global);
        flags
    }
}

/// A present translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// Physical address of the page.
    pub physical: u64,
    /// Bytes of the page: 4 KiB, 2 MiB or 1 GiB.
    pub size: u64,
    /// Whether it may be written.
    pub writable: bool,
}

/// The page-table tree.
#[derive(Debug)]
pub struct PageTables {
    root: u64,
}

/// Why a page was not mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTableFrame;

/// Virtual address of physical address `physical` in the direct map.
#[must_use]
pub const fn direct(physical: u64) -> u64 {
    DIRECT_MAP + physical
}

/// Physical address behind `virtual_address` of the direct map.
#[must_use]
pub const fn physical_of_direct(virtual_address: u64) -> u64 {
    virtual_address - DIRECT_MAP
}

fn table(physical: u64) -> &'static mut [PageTableEntry; 512] {
    // SAFETY: `physical` is a table of the one tree, which the holder of `PageTables` owns; the direct map (or, before it is
    // complete, the boot tables' first GiB) maps it.
    unsafe { &mut *(direct(physical) as *mut [PageTableEntry; 512]) }
}

/// Index of `address` in a table of `level` (4 is the root).
const fn index(address: u64, level: u32) -> usize {
    (address >> (12 + 9 * (level - 1)) & 511) as usize
}

const fn level_size(level: u32) -> u64 {
    1 << (12 + 9 * (level - 1))
}

impl PageTables {
    /// An empty tree whose root is the zeroed frame `root`.
    #[must_use]
    pub const fn new(root: u64) -> Self {
        Self { root }
    }

    /// Physical address of the root.
    #[must_use]
    pub const fn root(&self) -> u64 {
        self.root
    }

    /// The table of `level` that `address` goes through, made by `frame` (zeroed frames) with those above it where there is none.
    fn table_making(
        &mut self,
        address: u64,
        level: u32,
        frame: &mut dyn FnMut() -> Option<u64>,
    ) -> Result<&'static mut [PageTableEntry; 512], NoTableFrame> {
        let mut at = self.root;
        for upper in (level + 1..=4).rev() {
            let entry = &mut table(at)[index(address, upper)];
            if entry.is_unused() {
                let new = frame().ok_or(NoTableFrame)?;
                entry.set_addr(
                    PhysAddr::new_truncate(new),
                    PageTableFlags::PRESENT | PageTableFlags::WRITABLE,
                );
            } else if entry.flags().contains(PageTableFlags::HUGE_PAGE) {
                split(entry, upper, frame)?;
            }
            at = entry.addr().as_u64();
        }
        Ok(table(at))
    }

    /// The entry for `address` at `level`, with tables made on the way by `frame`.
    fn entry_making(
        &mut self,
        address: u64,
        level: u32,
        frame: &mut dyn FnMut() -> Option<u64>,
    ) -> Result<&'static mut PageTableEntry, NoTableFrame> {
        Ok(&mut self.table_making(address, level, frame)?[index(address, level)])
    }

    /// The leaf entry that translates `address`, and its level.
    fn leaf(&self, address: u64) -> Option<(&'static mut PageTableEntry, u32)> {
        let mut at = self.root;
        for level in (1..=4).rev() {
            let entry = &mut table(at)[index(address, level)];
            if entry.is_unused() {
                return None;
            }
            if level == 1 || entry.flags().contains(PageTableFlags::HUGE_PAGE) {
                return Some((entry, level));
            }
            at = entry.addr().as_u64();
        }
        None
    }

    /// Maps the 4 KiB page at `address` to `physical`.
    ///
    /// # Errors
    /// [`NoTableFrame`] when a table is needed and there is no memory for it.
    pub fn map(
        &mut self,
        address: u64,
        physical: u64,
        protection: Protection,
        frame: &mut dyn FnMut() -> Option<u64>,
    ) -> Result<(), NoTableFrame> {
        let entry = self.entry_making(address, 1, frame)?;
        entry.set_addr(PhysAddr::new_truncate(physical), protection.flags());
        Ok(())
    }

    /// Maps the 2 MiB page at `address` to `physical`, both aligned. False: something smaller is mapped there already.
    ///
    /// # Errors
    /// As for [`PageTables::map`].
    pub fn map_large(
        &mut self,
        address: u64,
        physical: u64,
        protection: Protection,
        frame: &mut dyn FnMut() -> Option<u64>,
    ) -> Result<bool, NoTableFrame> {
        let entry = self.entry_making(address, 2, frame)?;
        if !entry.is_unused() {
            return Ok(false);
        }
        entry.set_addr(PhysAddr::new_truncate(physical), protection.flags() | PageTableFlags::HUGE_PAGE);
        Ok(true)
    }

    /// Maps `start..end` of physical memory at `address_of(start)`…, in the largest pages that fit. All aligned to 4 KiB.
    ///
    /// # Errors
    /// As for [`PageTables::map`].
    pub fn map_range(
        &mut self,
        address: u64,
        physical: u64,
        length: u64,
        protection: Protection,
        frame: &mut dyn FnMut() -> Option<u64>,
    ) -> Result<(), NoTableFrame> {
        let mut done = 0;
        while done < length {
            let (virt, phys, left) = (address + done, physical + done, length - done);
            let fits = |size: u64| virt % size == 0 && phys % size == 0 && left >= size;
            let level = if fits(SIZE_1G) && has_1g_pages() {
                3
            } else if fits(SIZE_2M) {
                2
            } else {
                1
            };
            let huge = if level > 1 { PageTableFlags::HUGE_PAGE } else { PageTableFlags::empty() };
            // All of the range that goes through the same table: a larger page could begin only behind it.
            let entries = &mut self.table_making(virt, level, frame)?[index(virt, level)..];
            let size = level_size(level);
            for (entry, offset) in
                entries.iter_mut().zip((0..).step_by(size as usize)).take((left / size) as usize)
            {
                entry.set_addr(PhysAddr::new_truncate(phys + offset), protection.flags() | huge);
                done += size;
            }
        }
        Ok(())
    }

    /// What `address` translates to.
    #[must_use]
    pub fn translate(&self, address: u64) -> Option<Mapped> {
        let (entry, level) =
            self.leaf(address).filter(|(entry, _)| entry.flags().contains(PageTableFlags::PRESENT))?;
        Some(Mapped {
            physical: entry.addr().as_u64(),
            size: level_size(level),
            writable: entry.flags().contains(PageTableFlags::WRITABLE),
        })
    }

    /// Whether nothing at all, not even a table, stands where the 2 MiB page of `address` would.
    #[must_use]
    pub fn is_large_free(&self, address: u64) -> bool {
        let mut at = self.root;
        for level in [4, 3, 2] {
            let entry = &table(at)[index(address, level)];
            if entry.is_unused() {
                return true;
            }
            at = entry.addr().as_u64();
        }
        false
    }

    /// Takes the table out that maps the 2 MiB at `base`, if there is one; answers its physical address. The caller knows that nothing is
    /// left in it. It is free when no CPU has translations from before any more.
    pub fn take_table(&mut self, base: u64) -> Option<u64> {
        let mut at = self.root;
        for level in [4, 3] {
            let entry = &table(at)[index(base, level)];
            if entry.is_unused() || entry.flags().contains(PageTableFlags::HUGE_PAGE) {
                return None;
            }
            at = entry.addr().as_u64();
        }
        let entry = &mut table(at)[index(base, 2)];
        if entry.is_unused() || entry.flags().contains(PageTableFlags::HUGE_PAGE) {
            return None;
        }
        let physical = entry.addr().as_u64();
        entry.set_unused();
        tlb::flush(VirtAddr::new_truncate(base));
        Some(physical)
    }

    /// Makes sure that no large page lies across `address`: it is split there.
    ///
    /// # Errors
    /// [`NoTableFrame`] when a split needs a table and there is no memory for it.
    pub fn split_at(
        &mut self,
        address: u64,
        frame: &mut dyn FnMut() -> Option<u64>,
    ) -> Result<(), NoTableFrame> {
        let mut at = self.root;
        for level in [4, 3, 2] {
            let entry = &mut table(at)[index(address, level)];
            if entry.is_unused() {
                return Ok(());
            }
            if entry.flags().contains(PageTableFlags::HUGE_PAGE) {
                if address.is_multiple_of(level_size(level)) {
                    return Ok(());
                }
                split(entry, level, frame)?;
            }
            at = entry.addr().as_u64();
        }
        Ok(())
    }

    /// Shows `visitor` each page (kept ones too) of `start..end`, ascending, and does what it answers. No large page lies across the ends
    /// ([`PageTables::split_at`]). Tables in which nothing is left are taken out.
    pub fn sweep(&mut self, start: u64, end: u64, visitor: &mut dyn Visitor) {
        if start < end {
            let mut sweeper = Sweeper { visitor };
            // The root stays whatever is in it.
            let _ = sweeper.table(self.root, 4, start, end);
        }
    }

    /// Makes this tree the CPU's.
    ///
    /// # Safety
    /// The tree maps the running code, its stack and its data as they are used.
    pub unsafe fn activate(&self) {
        let frame = PhysFrame::<Size4KiB>::containing_address(PhysAddr::new_truncate(self.root));
        // SAFETY: the caller's promise.
        unsafe { Cr3::write(frame, Cr3Flags::empty()) };
    }
}

/// What becomes of a page that [`PageTables::sweep`] visits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// It is unmapped.
    Unmap,
    /// It is protected anew.
    Protect(Protection),
    /// It stays as it is.
    Leave,
}

/// Who decides in a [`PageTables::sweep`].
pub trait Visitor {
    /// What becomes of the page at `address`. Those that were visited before are as they are to be.
    fn page(&mut self, address: u64, mapped: Mapped) -> Sweep;

    /// The table at `physical` was taken out; it is free when no CPU has translations from before any more.
    fn table(&mut self, physical: u64);
}

/// One [`PageTables::sweep`] under way.
struct Sweeper<'a> {
    visitor: &'a mut dyn Visitor,
}

impl Sweeper<'_> {
    /// Sweeps `start..end`, which lies in the table of `level` at `physical`. True: all of the table was swept and nothing is left in it.
    fn table(&mut self, physical: u64, level: u32, start: u64, end: u64) -> bool {
        let size = level_size(level);
        let (first, last) = (index(start, level), index(end - 1, level));
        let mut is_empty = first == 0 && last == 511;
        let mut base = start & !(size - 1);
        for entry in &mut table(physical)[first..=last] {
            if !entry.is_unused() {
                is_empty &= if level == 1 || entry.flags().contains(PageTableFlags::HUGE_PAGE) {
                    self.page(entry, base, size)
                } else {
                    self.lower_table(entry, level - 1, base, (start.max(base), end.min(base + size)))
                };
            }
            base += size;
        }
        is_empty
    }

    /// Sweeps the table that `entry` leads to, for the addresses from `base` on. True: it is gone.
    fn lower_table(
        &mut self,
        entry: &mut PageTableEntry,
        level: u32,
        base: u64,
        (start, end): (u64, u64),
    ) -> bool {
        let physical = entry.addr().as_u64();
        let is_empty = self.table(physical, level, start, end);
        if is_empty {
            entry.set_unused();
            // The CPU remembers tables too; this makes it forget those on the way to the address.
            tlb::flush(VirtAddr::new_truncate(base));
            self.visitor.table(physical);
        }
        is_empty
    }

    /// Visits the page of `size` bytes at `base`. True: it is gone.
    fn page(&mut self, entry: &mut PageTableEntry, base: u64, size: u64) -> bool {
        let mapped = Mapped {
            physical: entry.addr().as_u64(),
            size,
            writable: entry.flags().contains(PageTableFlags::WRITABLE),
        };
        let what = self.visitor.page(base, mapped);
        match what {
            Sweep::Unmap => entry.set_unused(),
            Sweep::Protect(protection) => {
                let huge = entry.flags() & PageTableFlags::HUGE_PAGE;
                entry.set_flags(protection.flags() | huge);
            }
            Sweep::Leave => return false,
        }
        tlb::flush(VirtAddr::new_truncate(base));
        what == Sweep::Unmap
    }
}

/// Turns one large page into 512 of the next size with the same meaning.
fn split(
    entry: &mut PageTableEntry,
    level: u32,
    frame: &mut dyn FnMut() -> Option<u64>,
) -> Result<(), NoTableFrame> {
    let new = frame().ok_or(NoTableFrame)?;
    let size = level_size(level - 1);
    let mut flags = entry.flags();
    if level == 2 {
        flags.remove(PageTableFlags::HUGE_PAGE);
    }
    let base = entry.addr().as_u64();
    for (number, slot) in table(new).iter_mut().enumerate() {
        slot.set_addr(PhysAddr::new_truncate(base + number as u64 * size), flags);
    }
    entry.set_addr(PhysAddr::new_truncate(new), PageTableFlags::PRESENT | PageTableFlags::WRITABLE);
    Ok(())
}

fn has_1g_pages() -> bool {
    __cpuid(0x8000_0001).edx & (1 << 26) != 0
}

/// Turns on write protection for ring 0 and global pages on this CPU. The entry code turned NX on.
pub fn install() {
    // SAFETY: WP makes read-only mean it; nothing of the kernel writes read-only pages.
    unsafe { Cr0::update(|cr0| cr0.insert(Cr0Flags::WRITE_PROTECT)) };
    // SAFETY: global entries are the kernel's own, the same on all CPUs.
    unsafe { Cr4::update(|cr4| cr4.insert(Cr4Flags::PAGE_GLOBAL)) };
}

/// Drops this CPU's TLB entry for `address`.
pub fn flush(address: u64) {
    tlb::flush(VirtAddr::new_truncate(address));
}

/// Has an emulator's TLB grow: each time it is emptied when most of it was in use, it becomes twice as large (decision 0023). Looked at is memory at the physical
/// addresses `ram`, all of which the direct map has, as far as it goes: where this is done, no page may be missing.
pub fn grow_emulated_tlb(ram: Range<u64>) {
    const SMALLEST: u64 = 256;
    const LARGEST: u64 = 4096;
    let pages = ram.end.saturating_sub(ram.start) / Size4KiB::SIZE;
    let mut entries = SMALLEST;
    while entries < LARGEST.min(pages) {
        for page in 0..entries {
            user_copy::load(direct(ram.start + page * Size4KiB::SIZE));
        }
        flush_all();
        entries *= 2;
    }
}

/// Drops all of this CPU's TLB entries but global ones.
pub fn flush_all() {
    tlb::flush_all();
}
