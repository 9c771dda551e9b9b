"""The one place that imports OpenCV.

Every other module writes ``from facerec.imaging.opencv import cv2``.

On Linux the import sets environment variables for OpenCV's own windows: Qt's plug-in and font
folders (https://github.com/opencv/opencv-python/issues/447) and a library path that also names the
current folder. Left in place they break PySide6 and leak into child processes, so they are put back
as they were. facerec never opens an OpenCV window.

OpenCV and the FFmpeg inside it also write remarks of their own to the error stream; errors reach
the user as one sentence instead, so both are told to be quiet.
"""

from __future__ import annotations

import os

# Read when OpenCV is loaded, and when it first touches a video; -8 is FFmpeg's "quiet".
os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

_TOUCHED = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR", "LD_LIBRARY_PATH")
_before = {name: os.environ.get(name) for name in _TOUCHED}

import cv2  # noqa: E402  (what it changes must be known before)

for _name, _value in _before.items():
    if _value is None:
        os.environ.pop(_name, None)
    else:
        os.environ[_name] = _value

# What is done with OpenCV here is small; its own threads would only wait for the next piece, and
# keep the cores from inference meanwhile.
cv2.setNumThreads(1)

__all__ = ["cv2"]
