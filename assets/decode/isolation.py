"""Taking from a process what it does not need, on Linux: files by Landlock, sockets and processes by seccomp.

Neither needs rights or a program. What a kernel does not offer is left out: a file is read all the same.
``python -m assets.decode.isolation`` tells what this one offers.

The seccomp filter is assembled here, since no package for it fits (docs/architecture.md, How files are read): pyseccomp
has had no release since 2021 and needs the system's libseccomp, and seccompy lets calls of the x32 ABI pass.
"""

import ctypes
import os
import platform
import signal
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38

#: linux/landlock.h
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
LANDLOCK_VERSION = 1
LANDLOCK_PATH_BENEATH = 1
WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 14
#: How many kinds of access to files each version of Landlock knows, from the first on.
ACCESS_BITS = (13, 14, 15, 15, 16)
NET_VERSION, SCOPE_VERSION = 4, 6
ALL_NET = 0b11  # bind and connect
ALL_SCOPES = 0b11  # abstract sockets and signals of other processes

#: What libraries read while they work: fonts, profiles, modules, and how many processors there are.
SURROUNDINGS = ("/usr", "/lib", "/lib64", "/etc/fonts", "/etc/ld.so.cache", "/var/cache/fontconfig", "/dev/urandom")
SURROUNDINGS_OF_THE_SYSTEM = ("/sys/devices/system/cpu", "/proc/cpuinfo", "/proc/meminfo")

#: linux/seccomp.h, linux/audit.h and linux/bpf_common.h
SECCOMP_MODE_FILTER = 2
REFUSE, ALLOW, KILL = 0x00050000, 0x7FFF0000, 0x80000000
LOAD, JUMP_IF_EQUAL, JUMP_IF_ABOVE, JUMP_IF_SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER_AT, ARCHITECTURE_AT, FIRST_ARGUMENT_AT = 0, 4, 16
X32_NUMBERS = 0x40000000
CLONE_THREAD = 0x00010000
EPERM, ENOSYS = 1, 38
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = 435  # its flags lie in memory, where no filter reads: without it, the C library takes clone
#: System calls that reach other processes, programs and the network, or much of the kernel: by machine, their numbers.
REFUSED = {
    "socket": (41, 198),
    "connect": (42, 203),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "bind": (49, 200),
    "listen": (50, 201),
    "socketpair": (53, 199),
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "prlimit64": (302, 261),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mount": (165, 40),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_by_handle_at": (304, 265),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "perf_event_open": (298, 241),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
}
MACHINES = ("x86_64", "aarch64")


def die_with_parent() -> None:
    """Have the kernel end this process when the one ends that started it."""
    if sys.platform == "linux":
        _libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def isolate(path: Path, folder: Path) -> dict[str, bool]:
    """Take from this process all files but ``path``, to read, and those that lie in ``folder`` now, to write.

    It keeps what is open, and the folders of the system and of Python in which libraries look, to read. It can open no
    socket, start no program and no process, and signal none. Return what of it this kernel offers.
    """
    if sys.platform != "linux":
        return {"files": False, "calls": False}
    _libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return {"files": _restrict_files(path, folder), "calls": _refuse_calls()}


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _restrict_files(path: Path, folder: Path) -> bool:
    libc = _libc()
    version = libc.syscall(LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), LANDLOCK_VERSION)
    if version < 1:
        return False
    known = (1 << ACCESS_BITS[min(version, len(ACCESS_BITS)) - 1]) - 1
    handled = [known]
    if version >= NET_VERSION:
        handled.append(ALL_NET)
    if version >= SCOPE_VERSION:
        handled.append(ALL_SCOPES)
    attributes = struct.pack(f"={len(handled)}Q", *handled)
    rules = libc.syscall(LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if rules < 0:
        return False
    _allow(rules, _read_only(), (READ_FILE | READ_DIR) & known)
    _allow(rules, [path], READ_FILE & known)
    _allow(rules, [folder], READ_DIR & known)
    _allow(rules, folder.iterdir(), (READ_FILE | WRITE_FILE | TRUNCATE) & known)
    _allow(rules, [Path(os.devnull)], (READ_FILE | WRITE_FILE) & known)
    refused = libc.syscall(LANDLOCK_RESTRICT_SELF, rules, 0)
    os.close(rules)
    return not refused


def _read_only() -> Iterable[Path]:
    """Return what is read besides the file: Raster's own modules but not its data, which may lie beside them."""
    root = Path(__file__).parents[2]
    python = {Path(entry) for entry in (*sys.path, sys.prefix, sys.base_prefix)} - {root, Path()}
    system = (Path(name) for name in (*SURROUNDINGS, *SURROUNDINGS_OF_THE_SYSTEM))
    return {root / "assets", root / "raster", *python, *system}


def _allow(rules: int, paths: Iterable[Path], access: int) -> None:
    for path in paths:
        try:
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        allowed = access if path.is_dir() else access & ~READ_DIR
        rule = struct.pack("=Qi", allowed, opened)
        _libc().syscall(LANDLOCK_ADD_RULE, rules, LANDLOCK_PATH_BENEATH, rule, 0)
        os.close(opened)


def _refuse_calls() -> bool:
    machine = platform.machine()
    if machine not in ARCHITECTURES or sys.maxsize < 2**32:
        return False
    program = b"".join(_filter(machine))
    code = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    return bool(_libc().prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, described, 0, 0) == 0)


def _filter(machine: str) -> list[bytes]:
    """Return a program for the kernel that looks at each system call (linux/filter.h): an instruction an entry."""
    refused = [numbers[MACHINES.index(machine)] for numbers in REFUSED.values()]
    program = [
        _instruction(LOAD, ARCHITECTURE_AT),
        _instruction(JUMP_IF_EQUAL, ARCHITECTURES[machine], 1, 0),
        _instruction(RETURN, KILL),
        _instruction(LOAD, NUMBER_AT),
        _instruction(JUMP_IF_ABOVE, X32_NUMBERS, 0, 1),
        _instruction(RETURN, KILL),
    ]
    for number in filter(None, refused):
        program += [_instruction(JUMP_IF_EQUAL, number, 0, 1), _instruction(RETURN, REFUSE | EPERM)]
    return [
        *program,
        _instruction(JUMP_IF_EQUAL, CLONE3, 0, 1),
        _instruction(RETURN, REFUSE | ENOSYS),
        _instruction(JUMP_IF_EQUAL, CLONE[machine], 0, 3),
        _instruction(LOAD, FIRST_ARGUMENT_AT),
        _instruction(JUMP_IF_SET, CLONE_THREAD, 1, 0),
        _instruction(RETURN, REFUSE | EPERM),
        _instruction(RETURN, ALLOW),
    ]


def _instruction(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, operand)


if __name__ == "__main__":
    for kind, offered in isolate(Path(os.devnull), Path(os.devnull).parent).items():
        sys.stdout.write(f"{kind}: {'isolated' if offered else 'not isolated'}\n")
