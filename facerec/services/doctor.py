"""What is installed here, what works, and what to do about the rest."""

from __future__ import annotations

import os
import platform
import re
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from facerec import __version__
from facerec.errors import DependencyError, FacerecError
from facerec.paths import cache_dir, config_file, data_dir
from facerec.services.doctor_check import Check, State
from facerec.services.doctor_gallery import examine_gallery

__all__ = ["Check", "State", "examine", "missing_library"]

NEEDED_PACKAGES = (
    "alembic",
    "click",
    "faiss-cpu",
    "jinja2",
    "matplotlib",
    "numpy",
    "opencv-python",
    "openvino",
    "pillow",
    "pillow-heif",
    "platformdirs",
    "rich",
    "sqlalchemy",
    "tomlkit",
)
OPTIONAL_PACKAGES = (
    "torch",
    "torchvision",
    "facenet-pytorch",
    "onnxruntime",
    "onnxruntime-gpu",
    "PySide6-Essentials",
    "cv2-enumerate-cameras",
    "scikit-image",
)
# Shared library -> package that brings it on Debian and Ubuntu, on Fedora.
_LIBRARIES = {
    "libGL.so": ("libgl1", "mesa-libGL"),
    "libgthread-2.0.so": ("libglib2.0-0", "glib2"),
    "libglib-2.0.so": ("libglib2.0-0", "glib2"),
    "libxcb.so": ("libxcb1", "libxcb"),
    "libX11.so": ("libx11-6", "libX11"),
    "libSM.so": ("libsm6", "libSM"),
    "libICE.so": ("libice6", "libICE"),
    "libXext.so": ("libxext6", "libXext"),
    "libXrender.so": ("libxrender1", "libXrender"),
    "libgomp.so": ("libgomp1", "libgomp"),
    "libstdc++.so": ("libstdc++6", "libstdc++"),
    "libz.so": ("zlib1g", "zlib"),
}
_LIBRARY_MESSAGE = re.compile(r"(lib[\w+.-]+?\.so)[\d.]*: cannot open shared object file")
_CPU_FEATURES = ("sse4_2", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")
# A package of the same files under another name: whichever was installed last wins.
_OPENCV_VARIANTS = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)


def examine(gallery: Path) -> list[Check]:
    """Look at everything; nothing is changed and no gallery is created.

    Args:
        gallery: folder of the gallery to look into.
    """
    return [
        *_program(),
        *_packages(),
        *_opencv(),
        *_devices(),
        *_models(),
        *_cameras(),
        *_folders(),
        *examine_gallery(gallery),
    ]


def missing_library(message: str) -> DependencyError | None:
    """Turn a loader's message about a shared library into a sentence with the package to install.

    Args:
        message: of an ImportError or OSError.

    Returns:
        None when the message is about something else.
    """
    found = _LIBRARY_MESSAGE.search(message)
    if found is None:
        return None
    library = found.group(1)
    debian, fedora = _LIBRARIES.get(library, ("", ""))
    remedy = (
        f"Install it, on Debian and Ubuntu: sudo apt install {debian}; "
        f"on Fedora: sudo dnf install {fedora}."
        if debian
        else "Install the system package that brings it."
    )
    return DependencyError(
        f"The system library {library} is missing.", remedy=remedy, library=library
    )


def _program() -> list[Check]:
    system = f"{platform.system()} {platform.release()} ({platform.machine()})"
    promised = sys.platform.startswith("linux")
    return [
        Check("program", "facerec", State.OK, f"{__version__} in {Path(__file__).parent.parent}"),
        Check("program", "Python", State.OK, f"{platform.python_version()} ({sys.executable})"),
        Check(
            "program",
            "system",
            State.OK if promised else State.NOTE,
            system,
            "" if promised else "facerec is tested on Linux only.",
        ),
        Check("program", "processor", State.OK, _processor()),
    ]


def _processor() -> str:
    name, features = platform.processor() or platform.machine(), ""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            name = value.strip()
        if key.strip() in {"flags", "Features"}:
            present = set(value.split())
            features = " ".join(feature for feature in _CPU_FEATURES if feature in present)
    return f"{name}, {os.cpu_count()} cores" + (f", {features}" if features else "")


def _packages() -> list[Check]:
    checks = []
    for name in NEEDED_PACKAGES:
        found = _version(name)
        if found is None:
            checks.append(Check("packages", name, State.PROBLEM, "missing", f"pip install {name}"))
        else:
            checks.append(Check("packages", name, State.OK, found))
    for name in OPTIONAL_PACKAGES:
        found = _version(name)
        if found is not None:
            checks.append(Check("packages", name, State.OK, f"{found} (optional)"))
    return checks


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _opencv() -> list[Check]:
    checks = [_import_check("OpenCV", "facerec.imaging.opencv")]
    variants = [name for name in _OPENCV_VARIANTS if _version(name) is not None]
    if len(variants) > 1:
        checks.append(
            Check(
                "OpenCV",
                "one package only",
                State.PROBLEM,
                f"{' and '.join(variants)} overwrite each other's files",
                f"pip uninstall -y {' '.join(variants)}; pip install opencv-python",
            )
        )
    checks.append(_qt())
    return checks


def _import_check(group: str, module: str) -> Check:
    try:
        import_module(module)
    except ImportError as exc:
        missing = missing_library(str(exc))
        if missing is not None:
            return Check(group, "import", State.PROBLEM, missing.message, missing.remedy)
        return Check(group, "import", State.PROBLEM, str(exc), "Install facerec again.")
    return Check(group, "import", State.OK, "works")


def _qt() -> Check:
    """Qt looks for plug-ins where this variable points; OpenCV's own do not fit PySide6."""
    plugins = os.environ.get("QT_QPA_PLATFORM_PLUGIN_PATH", "")
    if "cv2" in Path(plugins).parts:
        return Check(
            "OpenCV",
            "Qt plug-ins",
            State.PROBLEM,
            f"QT_QPA_PLATFORM_PLUGIN_PATH points at OpenCV's plug-ins ({plugins})",
            "Unset that variable before starting a window.",
        )
    return Check("OpenCV", "Qt plug-ins", State.OK, "OpenCV's plug-ins do not reach Qt")


def _devices() -> list[Check]:
    try:
        from facerec.runtime import available_devices

        names = available_devices()
    except (ImportError, RuntimeError) as exc:
        missing = missing_library(str(exc))
        remedy = missing.remedy if missing is not None else "pip install --force-reinstall openvino"
        return [Check("computing", "devices", State.PROBLEM, str(exc), remedy)]
    return [Check("computing", "devices", State.OK, ", ".join(names))]


def _models() -> list[Check]:
    from facerec.zoo import list_models, verified_path

    try:
        cards = list_models()
    except FacerecError as exc:
        return [Check("models", "manifest", State.PROBLEM, exc.message, exc.remedy)]
    checks = []
    for card in cards:
        try:
            for file in card.files:
                verified_path(card, file.file)
        except FacerecError as exc:
            checks.append(Check("models", card.name, State.PROBLEM, exc.message, exc.remedy))
        else:
            mark = ", default" if card.default else ""
            checks.append(
                Check("models", card.name, State.OK, f"{card.task}{mark}, digest as on its card")
            )
    present = {card.task for card in cards}
    checks.extend(
        Check("models", task, State.PROBLEM, "no model", "Install facerec again.")
        for task in ("detect", "embed")
        if task not in present
    )
    return checks


def _cameras() -> list[Check]:
    from facerec.imaging.frames import list_cameras

    found = list_cameras().items()
    if not found:
        return [Check("cameras", "cameras", State.NOTE, "none that can be named")]
    return [Check("cameras", str(number), State.OK, name) for number, name in found]


def _folders() -> list[Check]:
    return [
        _folder("data", data_dir()),
        _folder("cache", cache_dir()),
        Check(
            "folders",
            "settings file",
            State.OK,
            f"{config_file()}" + ("" if config_file().exists() else " (not there, not needed)"),
        ),
    ]


def _folder(name: str, path: Path) -> Check:
    nearest = next(p for p in (path, *path.parents) if p.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        return Check("folders", name, State.OK, str(path))
    return Check(
        "folders",
        name,
        State.PROBLEM,
        f"{path} cannot be written",
        "Give yourself the right to write there, or set FACEREC_HOME to another folder.",
    )
