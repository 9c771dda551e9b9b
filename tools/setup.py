"""Set up and run facerec from a checkout; the Makefile calls this, and so can you.

    python3 tools/setup.py demo     make .venv, install what running needs, run the demo
    python3 tools/setup.py test     install the rest, fetch the photographs, run all tests
    python3 tools/setup.py photos   fetch the photographs only
    python3 tools/setup.py install  make .venv and install what running needs

Needs nothing but Python 3.11 or newer with pip; everything lands in .venv and .cache.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
PHOTOS = ROOT / ".cache" / "photos"
SHEET = ROOT / "out" / "demo.jpg"
OLDEST_PYTHON = (3, 11)


def main(arguments: list[str]) -> int:
    """Run one of the tasks above and return its exit code."""
    if len(arguments) == 0 or arguments[0] not in TASKS:
        print(__doc__)  # noqa: T201  (this script is its own command line)
        return 2
    if sys.version_info < OLDEST_PYTHON:
        return _refuse(f"facerec needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    return TASKS[arguments[0]](arguments[1:])


def install(_: list[str]) -> int:
    """Make the environment and install the runtime."""
    return _install(extras="")


def demo(arguments: list[str]) -> int:
    """Install the runtime and run the demo."""
    command = ("-m", "facerec", "demo", "--photos", str(PHOTOS), "--out", str(SHEET))
    return _install(extras="") or _call(*command, *arguments)


def photos(_: list[str]) -> int:
    """Fetch the photographs for the tests."""
    return _install(extras="") or _call(
        "-m", "facerec", "demo", "--photos", str(PHOTOS), "--only-fetch"
    )


def test(arguments: list[str]) -> int:
    """Install everything and run the tests; ends in pytest's own summary."""
    code = _install(extras="test") or photos([])
    if code:
        return code
    coverage = (
        ["--cov=facerec", "--cov=gui", "--cov-report=term:skip-covered"] if not arguments else []
    )
    return _call("-m", "pytest", "--numprocesses=auto", *coverage, *arguments)


def _install(extras: str) -> int:
    # A run that was interrupted while making the environment leaves it without pip.
    if not list(_python().parent.glob("pip*")):
        try:
            venv.create(ENVIRONMENT, with_pip=True)
        except (subprocess.CalledProcessError, ImportError):
            return _refuse(
                "Python cannot make virtual environments here. Install the package for it, on "
                "Debian and Ubuntu: sudo apt install python3-venv (then delete .venv)."
            )
    # What was installed last; an unchanged project is not installed again.
    stamp = ENVIRONMENT / f".installed-{extras or 'runtime'}"
    sources = [ROOT / "pyproject.toml", ROOT / "tools" / "build_native.py"]
    sources += sorted((ROOT / "facerec" / "detect" / "native").glob("*.c"))
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return 0
    requirement = f"{ROOT}[{extras}]" if extras else str(ROOT)
    code = _call(
        "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--editable", requirement
    )
    if code == 0:
        stamp.write_text(wanted)
    return code


def _python() -> Path:
    windows = ENVIRONMENT / "Scripts" / "python.exe"
    return windows if os.name == "nt" else ENVIRONMENT / "bin" / "python"


def _call(*arguments: str) -> int:
    command = [str(_python()), *arguments]
    print("+", " ".join(command), flush=True)  # noqa: T201
    try:
        return subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603
    except KeyboardInterrupt:
        return 130


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)  # noqa: T201
    return 1


TASKS = {"demo": demo, "test": test, "photos": photos, "install": install}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
