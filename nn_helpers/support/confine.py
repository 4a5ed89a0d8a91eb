"""Let a process compute, and nothing else: no files, no network, no other processes. Linux alone can do it.

The kernel's filter of system calls is told by libseccomp, which most distributions bring, what is allowed;
all else fails with an error. It cannot be taken away again.
"""

import ctypes
import errno
import functools
import os
import sys
from contextlib import suppress

MEMORY = 2**31  # bytes of addresses beyond what the process has
SECONDS = 60  # of computing
# What Python needs for computing in threads, and to ask where it is. `write` reaches what is left open.
CALLS = """
    read write close lseek mmap munmap mremap mprotect madvise brk futex futex_waitv membarrier rseq
    set_robust_list exit exit_group restart_syscall rt_sigreturn rt_sigprocmask sigaltstack
    clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times getrusage
    poll ppoll select pselect6 sched_yield sched_getaffinity getcpu getrandom getpid gettid
    getcwd stat lstat fstat newfstatat statx readlink readlinkat
""".split()  # noqa: SIM905 - a list of fifty would fill the screen
ALLOW, REFUSE = 0x7FFF0000, 0x00050000  # the latter with the error's number
CLONE_THREAD, MASKED_EQUAL = 0x10000, 7


class _Argument(ctypes.Structure):
    _fields_ = (
        ("number", ctypes.c_uint),
        ("comparison", ctypes.c_int),
        ("mask", ctypes.c_uint64),
        ("value", ctypes.c_uint64),
    )


def why_not():
    """Return a sentence on why no process can be confined here, or an empty string."""
    if sys.platform != "linux":
        return "this system has no way to shut a process in; Linux has, in a container or WSL too"
    try:
        _filter()
    except OSError as error:
        return f"libseccomp cannot be used ({error}); on Debian and Ubuntu: apt install libseccomp2"
    return ""


def confine(report):
    """Confine this process for good; of what it has open, only the descriptor `report` stays."""
    import resource  # Windows has none

    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor != report:
            with suppress(OSError):  # the listing's own is closed already
                os.close(descriptor)
    with open("/proc/self/statm", "rb") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    for limit, most in (
        (resource.RLIMIT_AS, used + MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(limit)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (most, most))
    library, rules = _filter()
    if library.seccomp_load(rules):
        raise OSError(errno.EPERM, "the kernel takes no filter of system calls")


@functools.cache
def _filter():
    """Return libseccomp and its rules."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = (ctypes.c_uint32,)
    library.seccomp_load.argtypes = library.seccomp_release.argtypes = (ctypes.c_void_p,)
    library.seccomp_rule_add_array.argtypes = (
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p
    )  # fmt: skip
    rules = library.seccomp_init(REFUSE | errno.EPERM)
    threads = _Argument(0, MASKED_EQUAL, CLONE_THREAD, CLONE_THREAD)
    # Where clone3 is unknown, the C library takes clone, whose first argument can be looked at.
    actions = dict.fromkeys(CALLS, (ALLOW, 0, None))
    actions |= {"clone": (ALLOW, 1, ctypes.byref(threads)), "clone3": (REFUSE | errno.ENOSYS, 0, None)}
    for name, (action, count, arguments) in actions.items():
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0 and library.seccomp_rule_add_array(rules, action, number, count, arguments):
            raise OSError(errno.EINVAL, f"it takes no rule for {name}")
    return library, rules
