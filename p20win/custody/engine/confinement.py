"""The inside of the sandbox: a process that gives up everything but memory and time, then does one task.

Run by `engine.sandbox`. What it imports it imports first; then it takes away from itself, for good: new
privileges, files, processes, memory beyond a limit, time beyond a limit, and by a filter in the kernel every
call but the few below. It reads the task's bytes from its input and writes one JSON answer.
"""

import codecs
import ctypes
import importlib
import json
import os
import platform
import resource
import signal
import struct
import sys
from pathlib import Path
from typing import Any, Final

_ENCODINGS: Final = ("cp437", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "ascii")

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_SET_FILTER, _FOR_ALL_THREADS = 1, 1
_LOAD, _EQUAL, _ALLOW_OR_NOT = 0x20, 0x15, 0x06  # BPF: load a word, jump if equal, return
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050001, 0x80000000  # refused with EPERM
_NUMBER_AT, _MACHINE_AT = 0, 4

# For each kind of machine: its name to the kernel, the number of `seccomp`, and those of the calls left open:
# read write close fstat lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn sched_yield
# mremap madvise getpid exit sigaltstack gettid futex clock_gettime exit_group getrandom
_OPEN: Final = {
    "x86_64": (
        0xC000003E,
        317,
        (0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 28, 39, 60, 131, 186, 202, 228, 231, 318),
    ),
    "aarch64": (
        0xC00000B7,
        277,
        (
            63,
            64,
            57,
            80,
            62,
            222,
            226,
            215,
            214,
            134,
            135,
            139,
            124,
            216,
            233,
            172,
            93,
            132,
            178,
            98,
            113,
            94,
            278,
        ),
    ),
}


def main() -> None:
    """This will do the task named on the command line: module, function, memory, answer, seconds."""
    module, function, memory, longest, seconds = sys.argv[1:6]
    task = getattr(importlib.import_module(module), function)
    for encoding in _ENCODINGS:  # found by name later, when no file can be opened any more
        codecs.lookup(encoding)
    confine(memory=int(memory), seconds=int(seconds))
    try:
        question = _read_all()
        name_size = int.from_bytes(question[:4], "big")
        name, content = question[4 : 4 + name_size].decode(), question[4 + name_size :]
        del question
        answer: dict[str, Any] = {"done": task(name, content)}
    except MemoryError:
        answer = {"failed": "memory"}
    except BaseException as problem:  # noqa: BLE001  # whatever a hostile file provokes; only its type is told
        answer = {"failed": type(problem).__name__}
    said = json.dumps(answer).encode()
    _write_all(said if len(said) <= int(longest) else b'{"failed": "answer"}')
    os._exit(0)


def confine(*, memory: int, seconds: int) -> None:
    """This will take everything away from this process that its task does not need."""
    system = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    idle = _size()
    for what, most in (
        (resource.RLIMIT_AS, idle + memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 0),  # what is open stays open: input, output
    ):
        resource.setrlimit(what, (most, most))
    if system is None:
        return
    system.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    system.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if system.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        _filter_calls(system)


def _size() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 512 << 20


def _filter_calls(system: Any) -> None:
    """Close every call to the kernel but a few, where we know this machine's numbers."""
    if platform.machine() not in _OPEN or sys.maxsize < 1 << 32:
        return
    machine, seccomp, numbers = _OPEN[platform.machine()]
    lines = [(_LOAD, 0, 0, _MACHINE_AT), (_EQUAL, 1, 0, machine), (_ALLOW_OR_NOT, 0, 0, _KILL)]
    lines.append((_LOAD, 0, 0, _NUMBER_AT))
    lines += [(_EQUAL, len(numbers) - place, 0, number) for place, number in enumerate(numbers)]
    lines += [(_ALLOW_OR_NOT, 0, 0, _REFUSE), (_ALLOW_OR_NOT, 0, 0, _ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(lines), ctypes.addressof(code)))
    system.syscall(seccomp, _SET_FILTER, _FOR_ALL_THREADS, program)


def _read_all() -> bytearray:
    content = bytearray()
    while part := os.read(0, 1 << 20):
        content += part
    return content


def _write_all(content: bytes) -> None:
    while content:
        content = content[os.write(1, content) :]
