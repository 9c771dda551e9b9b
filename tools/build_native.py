"""Compile facerec's own code for detection; runs when facerec is installed or a wheel is built.

    python3 tools/build_native.py    compile into the checkout, for development

The system's C compiler is used; where there is none, the build asks for the ``ziglang`` package,
which brings one. Where neither works facerec is built without, and the inference runtime does the
same work more slowly.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FOLDER = Path("facerec", "detect", "native")
LIBRARY = "kernels.so"
FLAGS = ("-std=gnu11", "-O3", "-fPIC", "-fvisibility=hidden", "-pthread", "-Wno-psabi")
# What a kind of processor can do, as compilers are told.
KINDS = {
    "v3": ("-mavx2", "-mfma"),
    "v4": ("-mavx2", "-mfma", "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"),
}


def wanted() -> bool:
    """Whether there is compiled code for this kind of machine at all."""
    return platform.machine().lower() in {"x86_64", "amd64"}


def compilers() -> list[list[str]]:
    """Commands that compile C here, the first choice first."""
    names = [os.environ["CC"]] if os.environ.get("CC") else ["cc", "gcc", "clang"]
    found = [[path] for path in map(shutil.which, names) if path]
    if find_spec("ziglang"):
        # (without these zig compiles for the very processor it runs on)
        found.append([sys.executable, "-m", "ziglang", "cc", "-mcpu=baseline"])
    return found


def compile_library(source: Path, target: Path) -> str:
    """Compile the folder ``source`` into the library ``target``.

    Returns:
        Why it did not work; empty when it did.
    """
    reason = "there is no C compiler (Debian and Ubuntu: sudo apt install gcc)"
    for compiler in compilers():
        with tempfile.TemporaryDirectory() as folder:
            objects, library = [], Path(folder, LIBRARY)
            steps = []
            for kind, flags in KINDS.items():
                objects.append(f"{folder}/{kind}.o")
                steps.append(
                    [*flags, f"-DKIND={kind}", "-c", f"{source}/mtcnn.c", "-o", objects[-1]]
                )
            steps.append(["-shared", f"{source}/common.c", *objects, "-o", str(library)])
            for step in steps:
                result = subprocess.run(  # noqa: S603
                    [*compiler, *FLAGS, *step], capture_output=True, text=True, check=False
                )
                if result.returncode:
                    reason = f"{compiler[0]} failed: {result.stderr.strip()[-500:]}"
                    break
            else:
                # Put in place by its name alone, so that a program using the old one is not hurt.
                shutil.copyfile(library, f"{target}.new")
                os.replace(f"{target}.new", target)  # noqa: PTH105
                return ""
    return reason


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # (not in a build)
    pass
else:

    class NativeBuildHook(BuildHookInterface[Any]):
        """Puts the library into wheels, or into the checkout for an editable installation."""

        def dependencies(self) -> list[str]:
            """Ask for a compiler where the system has none."""
            return ["ziglang"] if wanted() and not compilers() else []

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            """Compile."""
            if not wanted():
                return
            source = Path(self.root) / FOLDER
            if version == "editable":
                target = source / LIBRARY
            else:
                self._folder = tempfile.TemporaryDirectory()
                target = Path(self._folder.name) / LIBRARY
            reason = compile_library(source, target)
            if reason:
                self.app.display_warning(f"Without compiled code for detection: {reason}")
                return
            if version != "editable":
                build_data["force_include"][str(target)] = (FOLDER / LIBRARY).as_posix()
            system = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{system}"


if __name__ == "__main__":
    folder = Path(__file__).resolve().parent.parent / FOLDER
    sys.exit(compile_library(folder, folder / LIBRARY) or None)
