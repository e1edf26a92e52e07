//! Structures lie in memory as Linux lays them: size, alignment, and offset and size of every field.
//!
//! Compared with the libc crate where libc's structure is the kernel's, else with linux-raw-sys.

use std::mem::{align_of, offset_of, size_of};

/// Size of the field a closure picks.
fn size_of_field<S, F>(_pick: impl Fn(&S) -> &F) -> usize {
    size_of::<F>()
}

/// Compares two structures field by field, e.g. `compare! { abi::io::PollFd, libc::pollfd: fd = fd, … }`.
macro_rules! compare {
    ($ours:ty, $theirs:ty: $($our_field:ident = $their_field:ident),* $(,)?) => {
        assert_eq!(size_of::<$ours>(), size_of::<$theirs>(), "size of {}", stringify!($ours));
        assert_eq!(align_of::<$ours>(), align_of::<$theirs>(), "alignment of {}", stringify!($ours));
        $(
            let name = concat!(stringify!($ours), "::", stringify!($our_field));
            assert_eq!(offset_of!($ours, $our_field), offset_of!($theirs, $their_field), "offset of {name}");
            let ours = size_of_field(|it: &$ours| &it.$our_field);
            assert_eq!(ours, size_of_field(|it: &$theirs| &it.$their_field), "size of {name}");
        )*
    };
}

/// The same for fields that carry the same name in both.
macro_rules! compare_same {
    ($ours:ty, $theirs:ty: $($field:ident),* $(,)?) => { compare!($ours, $theirs: $($field = $field),*); };
}

#[test]
fn times() {
    compare_same!(abi::time::Timespec, libc::timespec: tv_sec, tv_nsec);
    compare_same!(abi::time::Timeval, libc::timeval: tv_sec, tv_usec);
    compare_same!(abi::time::Itimerspec, libc::itimerspec: it_interval, it_value);
    compare_same!(abi::time::Itimerval, libc::itimerval: it_interval, it_value);
    compare_same!(abi::time::Timezone, linux_raw_sys::general::timezone: tz_minuteswest, tz_dsttime);
}

#[test]
fn file_properties() {
    use linux_raw_sys::general as linux;
    compare_same!(abi::fs::Stat, libc::stat: st_dev, st_ino, st_nlink, st_mode, st_uid, st_gid, st_rdev, st_size,
        st_blksize, st_blocks);
    // libc and Linux split the times in two fields.
    assert_eq!(offset_of!(abi::fs::Stat, st_atim), offset_of!(libc::stat, st_atime));
    assert_eq!(offset_of!(abi::fs::Stat, st_mtim), offset_of!(libc::stat, st_mtime));
    assert_eq!(offset_of!(abi::fs::Stat, st_ctim), offset_of!(libc::stat, st_ctime));
    compare_same!(abi::fs::Statx, linux::statx: stx_mask, stx_blksize, stx_attributes, stx_nlink, stx_uid, stx_gid,
        stx_mode, stx_ino, stx_size, stx_blocks, stx_attributes_mask, stx_atime, stx_btime, stx_ctime, stx_mtime,
        stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor, stx_mnt_id, stx_dio_mem_align,
        stx_dio_offset_align);
    compare!(abi::fs::StatxTimestamp, linux::statx_timestamp: tv_sec = tv_sec, tv_nsec = tv_nsec,
        reserved = __reserved);
    compare_same!(abi::fs::Statfs, linux::statfs: f_type, f_bsize, f_blocks, f_bfree, f_bavail, f_files, f_ffree,
        f_fsid, f_namelen, f_frsize, f_flags, f_spare);
    assert_eq!(size_of::<abi::fs::DirentHeader>(), offset_of!(linux::linux_dirent64, d_name));
    assert_eq!(offset_of!(abi::fs::DirentHeader, d_off), offset_of!(linux::linux_dirent64, d_off));
    assert_eq!(offset_of!(abi::fs::DirentHeader, d_reclen), offset_of!(linux::linux_dirent64, d_reclen));
    assert_eq!(offset_of!(abi::fs::DirentHeader, d_type), offset_of!(linux::linux_dirent64, d_type));
}

#[test]
fn input_and_output() {
    use linux_raw_sys::general as linux;
    compare_same!(abi::io::IoVec, libc::iovec: iov_base, iov_len);
    compare_same!(abi::io::PollFd, libc::pollfd: fd, events, revents);
    compare_same!(abi::io::Flock, libc::flock: l_type, l_whence, l_start, l_len, l_pid);
    compare_same!(abi::tty::Termios, linux::termios: c_iflag, c_oflag, c_cflag, c_lflag, c_line, c_cc);
    compare_same!(abi::tty::Winsize, libc::winsize: ws_row, ws_col, ws_xpixel, ws_ypixel);
}

#[test]
fn readiness() {
    // Packed: there are no references to its fields.
    assert_eq!(size_of::<abi::event::EpollEvent>(), size_of::<libc::epoll_event>());
    assert_eq!(offset_of!(abi::event::EpollEvent, data), offset_of!(libc::epoll_event, u64));
    compare_same!(abi::event::SignalFdInfo, libc::signalfd_siginfo: ssi_signo, ssi_errno, ssi_code, ssi_pid, ssi_uid, ssi_fd,
        ssi_tid, ssi_band, ssi_overrun, ssi_trapno, ssi_status, ssi_int, ssi_ptr, ssi_utime, ssi_stime, ssi_addr, ssi_addr_lsb,
        ssi_syscall, ssi_call_addr, ssi_arch);
}

#[test]
fn tasks() {
    use linux_raw_sys::general as linux;
    compare_same!(abi::task::RobustListHead, linux::robust_list_head: list, futex_offset, list_op_pending);
    compare_same!(abi::task::RLimit, libc::rlimit64: rlim_cur, rlim_max);
    compare_same!(abi::task::RUsage, linux::rusage: ru_utime, ru_stime, ru_maxrss, ru_ixrss, ru_idrss, ru_isrss,
        ru_minflt, ru_majflt, ru_nswap, ru_inblock, ru_oublock, ru_msgsnd, ru_msgrcv, ru_nsignals, ru_nvcsw,
        ru_nivcsw);
    compare_same!(abi::task::Tms, libc::tms: tms_utime, tms_stime, tms_cutime, tms_cstime);
    compare_same!(abi::task::SchedParam, libc::sched_param: sched_priority);
}

#[test]
fn signals() {
    use linux_raw_sys::general as linux;
    compare!(abi::signal::SigAction, linux::kernel_sigaction: sa_handler = sa_handler_kernel, sa_flags = sa_flags,
        sa_restorer = sa_restorer, sa_mask = sa_mask);
    compare_same!(abi::signal::SigStack, libc::stack_t: ss_sp, ss_flags, ss_size);
    compare_same!(abi::signal::SigInfo, libc::siginfo_t: si_signo, si_errno, si_code);
    assert_eq!(size_of::<abi::signal::SigSet>(), size_of::<linux::kernel_sigset_t>());
}

/// The kernel's frame is not in any crate, but its parts that programs see are.
#[test]
fn signal_frames() {
    use abi::signal::frame::{FpxSwBytes, McContext, SigFrame, UContext};
    assert_eq!(size_of::<McContext>(), size_of::<libc::mcontext_t>());
    assert_eq!(offset_of!(UContext, uc_stack), offset_of!(libc::ucontext_t, uc_stack));
    assert_eq!(offset_of!(UContext, uc_mcontext), offset_of!(libc::ucontext_t, uc_mcontext));
    assert_eq!(offset_of!(UContext, uc_sigmask), offset_of!(libc::ucontext_t, uc_sigmask));
    let register = |number: i32| usize::try_from(number).expect("it is an index") * size_of::<u64>();
    macro_rules! registers {
        ($($field:ident = $number:ident),* $(,)?) => {
            $(assert_eq!(offset_of!(McContext, $field), register(libc::$number), stringify!($field));)*
        };
    }
    registers! {
        r8 = REG_R8, r9 = REG_R9, r10 = REG_R10, r11 = REG_R11, r12 = REG_R12, r13 = REG_R13, r14 = REG_R14,
        r15 = REG_R15, rdi = REG_RDI, rsi = REG_RSI, rbp = REG_RBP, rbx = REG_RBX, rdx = REG_RDX, rax = REG_RAX,
        rcx = REG_RCX, rsp = REG_RSP, rip = REG_RIP, rflags = REG_EFL, cs = REG_CSGSFS, err = REG_ERR,
        trapno = REG_TRAPNO, oldmask = REG_OLDMASK, cr2 = REG_CR2,
    }
    assert_eq!(offset_of!(McContext, fpstate), offset_of!(libc::mcontext_t, fpregs));
    assert_eq!((size_of::<FpxSwBytes>(), FpxSwBytes::OFFSET + size_of::<FpxSwBytes>()), (48, 512));
    assert_eq!(size_of::<SigFrame>(), 8 + size_of::<UContext>() + size_of::<libc::siginfo_t>());
}

#[test]
fn system() {
    use linux_raw_sys::system as linux;
    compare_same!(abi::sys::Utsname, linux::new_utsname: sysname, nodename, release, version, machine, domainname);
    compare_same!(abi::sys::Sysinfo, libc::sysinfo: uptime, loads, totalram, freeram, sharedram, bufferram,
        totalswap, freeswap, procs, totalhigh, freehigh, mem_unit);
}

#[test]
fn sockets() {
    compare_same!(abi::net::MsgHdr, libc::msghdr: msg_name, msg_namelen, msg_iov, msg_iovlen, msg_control,
        msg_controllen, msg_flags);
    compare_same!(abi::net::MMsgHdr, libc::mmsghdr: msg_hdr, msg_len);
    // Ours hold network byte order as bytes: same places, weaker alignment.
    assert_eq!(size_of::<abi::net::SockaddrIn>(), size_of::<libc::sockaddr_in>());
    assert_eq!(offset_of!(abi::net::SockaddrIn, sin_port), offset_of!(libc::sockaddr_in, sin_port));
    assert_eq!(offset_of!(abi::net::SockaddrIn, sin_addr), offset_of!(libc::sockaddr_in, sin_addr));
    assert_eq!(size_of::<abi::net::SockaddrIn6>(), size_of::<libc::sockaddr_in6>());
    assert_eq!(offset_of!(abi::net::SockaddrIn6, sin6_addr), offset_of!(libc::sockaddr_in6, sin6_addr));
    assert_eq!(
        offset_of!(abi::net::SockaddrIn6, sin6_scope_id),
        offset_of!(libc::sockaddr_in6, sin6_scope_id)
    );
    compare_same!(abi::net::SockaddrUn, libc::sockaddr_un: sun_family, sun_path);
    compare_same!(abi::net::SockaddrStorage, libc::sockaddr_storage: ss_family);
    compare_same!(abi::net::netlink::SockaddrNl, libc::sockaddr_nl: nl_family, nl_pid, nl_groups);
    compare_same!(abi::net::netlink::NlMsgHdr, libc::nlmsghdr: nlmsg_len, nlmsg_type, nlmsg_flags, nlmsg_seq, nlmsg_pid);
    compare_same!(abi::net::netlink::IfInfoMsg, linux_raw_sys::netlink::ifinfomsg: ifi_family, ifi_type, ifi_index, ifi_flags,
        ifi_change);
    compare_same!(abi::net::netlink::RtMsg, linux_raw_sys::netlink::rtmsg: rtm_family, rtm_dst_len, rtm_src_len, rtm_tos,
        rtm_table, rtm_protocol, rtm_scope, rtm_type, rtm_flags);
    compare_same!(abi::net::netlink::IfAddrMsg, linux_raw_sys::netlink::ifaddrmsg: ifa_family, ifa_prefixlen, ifa_flags,
        ifa_scope, ifa_index);
    compare_same!(abi::net::netlink::RtAttr, linux_raw_sys::netlink::rtattr: rta_len, rta_type);
    compare_same!(abi::net::interface::IfReq, libc::ifreq: ifr_name, ifr_ifru);
    assert_eq!(size_of::<abi::net::interface::IfConf>(), size_of::<libc::ifconf>());
    compare_same!(abi::net::Ucred, libc::ucred: pid, uid, gid);
    compare_same!(abi::net::Linger, libc::linger: l_onoff, l_linger);
    // libc's header of a control message is the C library's, whose length may be shorter.
    assert_eq!(size_of::<abi::net::CmsgHdr>(), size_of::<libc::cmsghdr>());
    assert_eq!(offset_of!(abi::net::CmsgHdr, cmsg_level), offset_of!(libc::cmsghdr, cmsg_level));
    assert_eq!(offset_of!(abi::net::CmsgHdr, cmsg_type), offset_of!(libc::cmsghdr, cmsg_type));
    assert_eq!(size_of::<abi::net::InPktInfo>(), size_of::<libc::in_pktinfo>());
    assert_eq!(offset_of!(abi::net::InPktInfo, ipi_spec_dst), offset_of!(libc::in_pktinfo, ipi_spec_dst));
    assert_eq!(offset_of!(abi::net::InPktInfo, ipi_addr), offset_of!(libc::in_pktinfo, ipi_addr));
    assert_eq!(size_of::<abi::net::In6PktInfo>(), size_of::<libc::in6_pktinfo>());
    assert_eq!(offset_of!(abi::net::In6PktInfo, ipi6_ifindex), offset_of!(libc::in6_pktinfo, ipi6_ifindex));
}

#[test]
fn control_messages_take_the_room_that_libc_reserves() {
    for data in [0u32, 1, 4, 7, 8, 9, 12, 16, 20, 4 * 253] {
        // SAFETY: it only computes.
        let space = unsafe { libc::CMSG_SPACE(data) };
        assert_eq!(abi::net::CmsgHdr::space(data as usize), space as usize);
    }
}
