"""What a parser may do when a hostile file takes it over; each is run in the sandbox."""

import ctypes
import os
import socket
import time


def segfault(_name, _content):
    ctypes.string_at(0)


def eat_memory(_name, _content):
    return len([bytes(1 << 20) for _ in range(4096)])


def hang(_name, _content):
    while True:
        time.sleep(0)


def sleep_on(_name, _content):
    while True:
        pass


def flood(_name, _content):
    while True:
        os.write(1, b"x" * 65536)


def answer_nonsense(_name, _content):
    os.write(1, b'{"done": ')
    os._exit(0)


def too_long_an_answer(_name, _content):
    return "x" * (2 << 20)


def raise_it(_name, content):
    raise ValueError(content.decode())


def recurse(name, content):
    return recurse(name, content)


def look_around(_name, content):
    """Say what of all this was possible."""
    done = []
    for what, act in (
        ("open", lambda: os.close(os.open("/etc/hostname", os.O_RDONLY))),
        ("import", lambda: __import__("wave")),
        ("list", lambda: os.listdir("/")),
        ("connect", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)),
        ("unix", lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)),
        ("fork", os.fork),
        ("exec", lambda: os.execv("/bin/true", ["true"])),
        ("kill", lambda: os.kill(os.getppid(), 0)),
        ("parent", lambda: os.strerror(0) if os.getppid() > 0 else os.open("", 0)),  # closed by the filter
        ("environment", lambda: os.environ["PATH"]),
        ("memfd", lambda: os.memfd_create("x")),
        ("write", lambda: os.write(os.open("/tmp/sandbox", os.O_CREAT | os.O_WRONLY), content)),
    ):
        try:
            act()
        except (OSError, LookupError, ImportError):
            continue
        done.append(what)
    return done


def count(name, content):
    return {"name": name, "size": len(content)}
