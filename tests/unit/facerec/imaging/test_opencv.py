"""OpenCV's import leaves Qt and the linker alone, and OpenCV keeps quiet."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

NAMES = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR", "LD_LIBRARY_PATH")


@pytest.mark.parametrize("value", ["/own/folder", None], ids=["set before", "not set before"])
def test_environment_is_as_before_the_import(value: str | None) -> None:
    environment = {"OPENCV_FFMPEG_LOGLEVEL": "-8", "OPENCV_LOG_LEVEL": "ERROR"}
    environment |= {name: text for name, text in os.environ.items() if name not in NAMES}
    if value is not None:
        environment |= {name: value for name in NAMES if name != "LD_LIBRARY_PATH"}
    code = (
        "import os\n"
        "before = dict(os.environ)\n"
        "from facerec.imaging.opencv import cv2\n"
        "assert cv2.__name__ == 'cv2'\n"
        "changed = {n for n in {*before, *os.environ} if before.get(n) != os.environ.get(n)}\n"
        "raise SystemExit(str(changed) if changed else 0)\n"
    )

    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )

    assert result.returncode == 0, result.stderr
