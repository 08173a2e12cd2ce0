"""A vault's worker that is killed while it does one job, at the line of our code or the moment it is told.

A program of its own. Each line of input is a job and two numbers; a child is forked that takes the job up as
any worker does and, when so many lines of the portal's code have run in all its threads, or so many seconds
are over, is killed with SIGKILL: no clean-up, no exception, nothing flushed. Zeros let it run to the end and
count. Each answer is how many lines ran, or -1 if it was killed.
"""

import os
import signal
import sys
import threading
import time
from importlib import import_module
from pathlib import Path

OURS = str(Path(__file__).resolve().parents[2])
AHEAD = ("p20win.urls", "pandas", "pyarrow.compute", "pyarrow.csv")  # not anew in every child
APPS = tuple(f"{OURS}/{app}/" for app in ("p20win", "matching", "agreements", "requests_app"))


def _work(job_id: str, last: int, answer: int) -> None:
    seen = 0

    def trace(frame, event, argument):
        nonlocal seen
        if event == "call":
            return trace if frame.f_code.co_filename.startswith(APPS) else None
        seen += event == "line"
        if seen == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    from p20win.jobs.public import perform

    threading.settrace(trace)
    sys.settrace(trace)
    perform(job_id)
    sys.settrace(None)
    os.write(answer, str(seen).encode())
    os._exit(0)


def _kill_after(child: int, seconds: float) -> None:
    """Kill the child at that moment, unless it has ended by then; it is not waited for."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)


def main() -> None:
    """Do one job a line."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "p20win.settings")
    django.setup()
    for name in AHEAD:
        import_module(name)
    for line in sys.stdin:
        job_id, last, seconds = line.split()
        end, answer = os.pipe()
        child = os.fork()
        if child == 0:
            _work(job_id, int(last), answer)
        os.close(answer)
        if float(seconds):
            _kill_after(child, float(seconds))
        os.waitpid(child, 0)
        with os.fdopen(end) as told:
            sys.stdout.write((told.read() or "-1") + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
