//! Every type a row of the table names, for `use abi::prelude::*` where the table is expanded.

pub use crate::event::{
    EpollCreateFlags, EpollEvent, EpollOp, EventFdFlags, SignalFdFlags, TimerFdFlags, TimerFdSetFlags,
};
pub use crate::fs::{
    AccessMode, AtFlags, MemfdFlags, Mode, OpenFlags, RenameFlags, Stat, Statfs, Statx, StatxMask, Whence,
};
pub use crate::io::{
    CloseRangeFlags, DupFlags, FallocateMode, FcntlCommand, FileAdvice, FlockOp, IoVec, Ioctl, PipeFlags,
    PollFd, RwFlags, SyncRangeFlags,
};
pub use crate::mm::{
    Advice, MapFlags, MembarrierCommand, Mlock2Flags, MlockallFlags, MremapFlags, MsyncFlags, Prot,
};
pub use crate::net::{Family, MMsgHdr, MsgFlags, MsgHdr, Shutdown, SocketFlags, TypeAndFlags};
pub use crate::reg::{DirFd, Fd, Gid, Late, Pid, Tid, Uid, UserPtr};
pub use crate::signal::{SigAction, SigHow, SigInfo, SigSet, SigSetArg, SigStack};
pub use crate::sys::{GetrandomFlags, Sysinfo, Utsname};
pub use crate::task::{
    ArchPrctl, CloneFlags, FutexOp, Prctl, PriorityOf, RLimit, RUsage, RUsageWho, Resource, RobustListHead,
    SchedParam, SchedPolicy, Tms,
};
pub use crate::time::{ClockId, Itimerspec, Itimerval, SigEvent, SleepFlags, Timespec, Timeval, Timezone};
