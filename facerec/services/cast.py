"""People for a scripted video: photographs -> actors that walk through it.

The window's test camera and the benchmarks play it; see ``facerec.imaging.scripted``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from facerec.detect.base import Detector, PrimaryPolicy, primary_face
from facerec.errors import NoFaceError, NotFoundError
from facerec.imaging.frames import FrameSource, ImagesSource
from facerec.imaging.read import list_images, read_image
from facerec.imaging.scripted import Actor, Key, Script, Sprite, make_sprite, plain_ground

DEFAULT_FRAME_HW = (720, 1280)
# Height of a face that walks by, as a share of the frame's height.
_FACE_SHARES = (0.26, 0.22, 0.19)


def cut_out(path: Path, detector: Detector) -> Sprite:
    """Cut the head out of a photograph; of several faces the most central one.

    Raises:
        ImageReadError: it cannot be read.
        NoFaceError: it shows none.
    """
    image = read_image(path)
    faces = detector.detect(image)
    hw = (image.shape[0], image.shape[1])
    return make_sprite(image, primary_face(faces, hw, PrimaryPolicy.CENTRAL).box_xyxy)


def cut_out_people(folder: Path, detector: Detector, *, n: int) -> dict[str, Sprite]:
    """Cut heads out of the first photographs of a folder that show one.

    Args:
        folder: its images, or those of its subfolders, one a person.
        detector: finds the faces.
        n: how many people.

    Returns:
        Name of the file or subfolder -> head.

    Raises:
        NotFoundError: there are fewer photographs with a face.
    """
    people: dict[str, Sprite] = {}
    for path in list_images(folder):
        name = path.stem if path.parent == folder else path.relative_to(folder).parts[0]
        if name in people:
            continue
        try:
            people[name] = cut_out(path, detector)
        except NoFaceError:
            continue
        if len(people) == n:
            return people
    raise NotFoundError(
        f"{folder} shows {len(people)} people's faces; {n} are needed.",
        remedy="Name a folder with photographs of more people.",
    )


def walk_by(
    people: Mapping[str, Sprite],
    *,
    frame_hw: tuple[int, int] = DEFAULT_FRAME_HW,
    duration_s: float = 8.0,
    frames_per_s: float = 25.0,
    seed: int = 0,
) -> Script:
    """Let people walk to and fro, each in a lane of their own, so that nobody hides anybody.

    Args:
        people: name -> head.
        frame_hw: height and width of the frames in pixels.
        duration_s: how long.
        frames_per_s: how many frames a second.
        seed: of the places and speeds.
    """
    rng = np.random.default_rng(seed)
    height, width = frame_hw
    lane = width / len(people)
    actors = []
    for index, (name, sprite) in enumerate(people.items()):
        size = height * _FACE_SHARES[index % len(_FACE_SHARES)]
        sway = max(0.0, lane / 2 - 0.75 * size)
        middle = (index + 0.5) * lane
        times = np.arange(0.0, duration_s + 1.0, 1.0)
        keys = tuple(
            Key(
                float(t),
                middle + sway * float(rng.uniform(-1, 1)),
                height * float(rng.uniform(0.4, 0.6)),
                size * float(rng.uniform(0.85, 1.15)),
                roll_deg=float(rng.uniform(-8, 8)),
            )
            for t in times
        )
        actors.append(Actor(name, sprite, keys))
    return Script(tuple(actors), plain_ground(height, width, seed=seed), duration_s, frames_per_s)


def cross(
    people: Mapping[str, Sprite],
    *,
    frame_hw: tuple[int, int] = DEFAULT_FRAME_HW,
    duration_s: float = 8.0,
    frames_per_s: float = 25.0,
) -> Script:
    """Let people walk through the whole frame in turns of direction, so that they hide each other.

    Args:
        people: name -> head.
        frame_hw: height and width of the frames in pixels.
        duration_s: how long one way takes; all of them begin together.
        frames_per_s: how many frames a second.
    """
    height, width = frame_hw
    actors = []
    for index, (name, sprite) in enumerate(people.items()):
        size = height * _FACE_SHARES[index % len(_FACE_SHARES)]
        ends = (0.12 * width, 0.88 * width)[:: 1 if index % 2 else -1]
        y = height * (0.5 - 0.05 * index)
        keys = (Key(0.0, ends[0], y, size), Key(duration_s, ends[1], y, size))
        actors.append(Actor(name, sprite, keys, layer=-index))
    return Script(tuple(actors), plain_ground(height, width), duration_s, frames_per_s)


def play_camera(folder: Path, detector: Detector, *, n: int = 3) -> FrameSource:
    """Make a camera that shows people of a folder walking by and crossing, over and over.

    Args:
        folder: photographs; see ``cut_out_people``.
        detector: finds the faces in them.
        n: how many people.

    Raises:
        NotFoundError: there are fewer photographs with a face.
    """
    script = cross(cut_out_people(folder, detector, n=n))
    return ImagesSource(script.frames, label="test camera", is_live=True, repeats=True)
