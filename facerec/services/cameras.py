"""Which cameras there are."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera of this machine.

    Attributes:
        source: what opens it: its number as text.
        name: what its maker calls it; the device's file where that is not known.
    """

    source: str
    name: str


def list_cameras() -> list[Camera]:
    """Return the cameras, without opening any: with their names when cv2-enumerate-cameras is here.

    Without that package, Linux still tells how many there are; other systems tell nothing.
    """
    try:
        found = import_module("cv2_enumerate_cameras").enumerate_cameras()
    except ImportError:
        devices = sorted(Path("/dev").glob("video*"))
        return [
            Camera(path.name.removeprefix("video"), str(path))
            for path in devices
            if path.name.removeprefix("video").isdigit()
        ]
    return [Camera(str(camera.index), str(camera.name)) for camera in found]
