"""A paper of hostile HTML is made in a network of its own, and the kernel's calls are read (C25, T11)."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from agreements import papers
from p20win.programs import ROOT
from tests.faults.hostile_papers import HOSTILE
from tests.faults.paper_maker import FORBIDDEN, NEXT

ADDRESS = "127.0.0.1:9"
CALL = re.compile(r"^\d+ +(\w+)\((.*)$")
NAMED = re.compile(r'"((?:[^"\\]|\\.)*)"')
MADE = 4 * (len(HOSTILE) + 1)  # in each way, from four places
# What a paper is made of: Python and its packages, the system's libraries, its fonts and lists of fonts.
PYTHON = {place for each in (sys.prefix, sys.base_prefix) for place in (each, str(Path(each).resolve()))}
FONTS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/usr/share/fontconfig",
    "/etc/fonts",
    "/var/cache/fontconfig",
)
LIBRARIES = ("/usr/lib", "/lib", "/etc/ld.so.cache")


def own_network():
    """Return how a program is begun in a network of its own; nothing where that is not permitted."""
    for way in (["unshare", "--net"], ["unshare", "--map-root-user", "--net"]):
        with suppress(OSError):
            if subprocess.run([*way, "true"], capture_output=True, check=False).returncode == 0:
                return way
    return []


def watched(folder, home, calls):
    """Make the papers in a network of their own, and write down what the kernel is asked for."""
    if not (apart := own_network()):
        pytest.skip("This machine permits no network of one's own (unshare --net).")
    strace = ["strace", "-f", "-q", "-s", "4096", "-e", "trace=%network,%file", "-o", str(calls)]
    maker = [sys.executable, "-m", "tests.faults.paper_maker", str(folder), ADDRESS]
    env = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    done = subprocess.run(
        [*apart, *strace, *maker], cwd=ROOT, env=env | {"HOME": str(home), "TMPDIR": str(home)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return by_page(calls.read_text())


def by_page(written):
    """Give the calls that were made for each page: their names, and the first file that each one names."""
    found, page = {}, None
    for line in written.splitlines():
        if not (call := CALL.match(line)):
            continue
        file = next(iter(NAMED.findall(call[2])), None)
        if file and file.startswith(NEXT):
            page = file.removeprefix(f"{NEXT}/")
            found[page] = []
        elif page is not None and file != "":  # of a file that is open it is asked without a name
            found[page].append((call[1], file))
    return found


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is missing: apt-get install strace")
@pytest.mark.skipif(
    not papers.can_be_made(), reason="Pango is missing: the health page names the line to run"
)
@pytest.mark.timeout(400)
def test_c25_t11_the_kernel_is_asked_for_no_line_and_for_no_file_but_fonts_and_libraries(tmp_path):
    folder, home = tmp_path / "folder", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    (folder / "canary.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><text>canary</text></svg>')

    found = watched(folder, home, tmp_path / "calls")

    seen = found.pop(FORBIDDEN)
    assert len(found) == MADE
    asked = {(call, file) for calls in found.values() for call, file in calls}
    assert len(asked) > 20  # fonts are looked for anew each time
    own = (*PYTHON, *FONTS, *LIBRARIES, f"{home}/")
    assert sorted(f"{call} {file}" for call, file in asked if not str(file).startswith(own)) == []
    # Nothing is left of what lay beside it meanwhile, and what watches sees what it should see.
    assert list(home.glob("weasyprint*")) == []
    assert {("openat", str(folder / "canary.svg")), ("socket", None)} <= set(seen)
    assert "connect" in {call for call, _ in seen}
