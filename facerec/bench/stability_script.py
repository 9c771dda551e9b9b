"""Who plays in ``facerec bench stability``, and what: see there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.detect.base import PrimaryPolicy, primary_face
from facerec.errors import NotFoundError
from facerec.imaging.read import list_images, read_image
from facerec.imaging.scripted import Actor, Key, Script, Sprite, make_sprite, plain_ground
from facerec.pipeline import Pipeline
from facerec.types import Face, ImageRGB

FRAME_HW = (480, 640)
FRAMES_PER_S = 25.0
N_ENROLLED = 6
N_ENROLLED_IMAGES = 2
N_SHOWN_IMAGES = 4
# Of so many strangers, the one most like somebody enrolled plays the look-alike.
_N_STRANGERS_TRIED = 40
# So long each photograph of a stay is shown.
_LOOK_S = 0.8
_DURATION_S = 19.0


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """Who plays.

    Attributes:
        enrolled: name -> images to enrol.
        looks: name -> heads cut out of other images; strangers included.
        strangers: names of those who are not enrolled, the look-alike first.
        alike: names of the two enrolled people who look most alike.
    """

    enrolled: Mapping[str, tuple[Path, ...]]
    looks: Mapping[str, tuple[Sprite, ...]]
    strangers: tuple[str, ...]
    alike: tuple[str, str]


def choose_cast(folder: Path, pipeline: Pipeline, *, seed: int) -> Cast:
    """Draw the people of one video.

    Args:
        folder: one subfolder a person.
        pipeline: finds faces, and says who is alike.
        seed: of the draw.

    Raises:
        NotFoundError: too few people have enough images that show their face.
    """
    rng = np.random.default_rng([11, seed])
    images = _images_of_people(folder)
    n_needed = N_ENROLLED_IMAGES + N_SHOWN_IMAGES
    many = [name for name in sorted(images) if len(images[name]) > n_needed]
    enrolled: dict[str, tuple[Path, ...]] = {}
    looks: dict[str, tuple[Sprite, ...]] = {}
    vectors: dict[str, NDArray[np.float32]] = {}
    for name in rng.permutation(many).tolist():
        paths = rng.permutation(np.array(images[name], dtype=object)).tolist()
        sprites = _cut_out(paths[N_ENROLLED_IMAGES:], pipeline, N_SHOWN_IMAGES)
        found = [_described(path, pipeline) for path in paths[:N_ENROLLED_IMAGES]]
        good = [vector for vector in found if vector is not None]
        if len(sprites) < N_SHOWN_IMAGES or len(good) < N_ENROLLED_IMAGES:
            continue
        enrolled[name] = tuple(paths[:N_ENROLLED_IMAGES])
        looks[name] = tuple(sprites)
        vectors[name] = np.stack(good)
        if len(enrolled) == N_ENROLLED:
            break
    else:
        raise NotFoundError(
            f"{folder} has too few people with {n_needed} images of their face.",
            remedy="Name a folder with one subfolder a person, for example LFW's.",
        )
    few = [name for name in sorted(images) if name not in many]
    strangers = _strangers(rng.permutation(few).tolist(), images, pipeline, vectors)
    looks.update(strangers)
    return Cast(enrolled, looks, tuple(strangers), _most_alike(vectors))


def _images_of_people(folder: Path) -> dict[str, list[Path]]:
    people: dict[str, list[Path]] = {}
    for path in list_images(folder):
        people.setdefault(path.relative_to(folder).parts[0], []).append(path)
    return people


def _central(path: Path, pipeline: Pipeline) -> tuple[ImageRGB, Face] | None:
    image = read_image(path)
    faces = pipeline.detector.detect(image)
    if not faces:
        return None
    return image, primary_face(faces, (image.shape[0], image.shape[1]), PrimaryPolicy.CENTRAL)


def _cut_out(paths: Sequence[Path], pipeline: Pipeline, n: int) -> list[Sprite]:
    sprites: list[Sprite] = []
    for path in paths:
        found = _central(path, pipeline)
        if found is not None:
            sprites.append(make_sprite(found[0], found[1].box_xyxy))
        if len(sprites) == n:
            break
    return sprites


def _described(path: Path, pipeline: Pipeline) -> NDArray[np.float32] | None:
    found = _central(path, pipeline)
    if found is None:
        return None
    return pipeline.analyze_faces(found[0], [found[1]])[0].embedding.vector


def _strangers(
    names: Sequence[str],
    images: Mapping[str, Sequence[Path]],
    pipeline: Pipeline,
    enrolled: Mapping[str, NDArray[np.float32]],
) -> dict[str, tuple[Sprite, ...]]:
    """The look-alike and two strangers as they come."""
    known = np.concatenate(list(enrolled.values()))
    scores: dict[str, float] = {}
    for name in names:
        vector = _described(images[name][0], pipeline)
        if vector is not None:
            scores[name] = float((known @ vector).max())
        if len(scores) == _N_STRANGERS_TRIED:
            break
    alike = max(scores, key=lambda name: scores[name])
    chosen = [alike, *[name for name in scores if name != alike][:2]]
    return {name: tuple(_cut_out(images[name], pipeline, N_SHOWN_IMAGES)) for name in chosen}


def _most_alike(vectors: Mapping[str, NDArray[np.float32]]) -> tuple[str, str]:
    names = list(vectors)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    return max(pairs, key=lambda pair: float((vectors[pair[0]] @ vectors[pair[1]].T).max()))


def make_script(cast: Cast, *, seed: int) -> Script:
    """Write the video of one seed, 19 s at 25 frames a second."""
    rng = np.random.default_rng([12, seed])
    a, b = cast.alike
    others = [name for name in cast.enrolled if name not in cast.alike]
    alike, first, second = cast.strangers
    height, width = FRAME_HW
    y = 0.45 * height

    def size() -> float:
        return float(rng.uniform(90, 130))

    def stay(name: str, *keys: Key, layer: int = 0) -> list[Actor]:
        return _changing(name, cast.looks[name], keys, layer, rng)

    def walk(name: str, start_s: float, end_s: float, *, to_right: bool, layer: int) -> list[Actor]:
        ends = (0.14 * width, 0.86 * width)[:: 1 if to_right else -1]
        px, dy = size(), float(rng.uniform(-20, 20))
        return stay(
            name,
            Key(start_s, ends[0], y + dy, px),
            Key(end_s, ends[1], y + dy, px * float(rng.uniform(0.9, 1.1))),
            layer=layer,
        )

    px = size()
    actors = [
        # Two people cross, then the two who look most alike.
        *walk(others[0], 0.0, 3.6, to_right=True, layer=1),
        *walk(others[1], 0.0, 3.6, to_right=False, layer=0),
        *walk(a, 4.0, 7.2, to_right=True, layer=0),
        *walk(b, 4.0, 7.2, to_right=False, layer=1),
        # A pillar hides somebody for most of a second; a stranger looks on.
        *walk(others[2], 7.6, 10.6, to_right=True, layer=0),
        Actor(
            "#pillar", _pillar(), (Key(7.6, 0.5 * width, y, 300), Key(10.6, 0.5 * width, y, 300)), 5
        ),
        *stay(
            first,
            Key(7.6, 0.16 * width, 0.75 * height, 90),
            Key(10.6, 0.2 * width, 0.75 * height, 90),
        ),
        # One leaves, a stranger takes the place, and the first comes back elsewhere.
        *stay(others[3], Key(11.0, 0.3 * width, y, px), Key(12.6, 0.3 * width, y, px)),
        *stay(alike, Key(12.8, 0.3 * width, y, px), Key(15.0, 0.36 * width, y, px)),
        *stay(others[3], Key(13.2, 0.7 * width, y, px), Key(15.0, 0.66 * width, y, px)),
        # Out of focus and into the dark, while a stranger crosses.
        *stay(
            others[0],
            Key(15.4, 0.35 * width, y, 120),
            Key(16.4, 0.4 * width, y, 120, blur_px=0.0),
            Key(17.0, 0.45 * width, y, 120, blur_px=4.0, light=0.6),
            Key(17.6, 0.5 * width, y, 120, blur_px=0.0),
            Key(18.9, 0.55 * width, y, 120),
        ),
        *walk(second, 15.4, 18.9, to_right=False, layer=1),
    ]
    return Script(tuple(actors), plain_ground(height, width, seed=seed), _DURATION_S, FRAMES_PER_S)


def _changing(
    name: str,
    looks: Sequence[Sprite],
    keys: Sequence[Key],
    layer: int,
    rng: np.random.Generator,
) -> list[Actor]:
    """One stay as several actors, each with another photograph of the same person."""
    whole = Actor(name, looks[0], tuple(keys), layer)
    start, end = keys[0].time_s, keys[-1].time_s
    frame_s = 1.0 / FRAMES_PER_S
    n_parts = max(1, round((end - start) / _LOOK_S))
    edges = np.round(np.linspace(start, end, n_parts + 1) * FRAMES_PER_S) * frame_s
    first = int(rng.integers(len(looks)))
    actors = []
    for part in range(n_parts):
        # (a frame belongs to one part; half a frame keeps edges from being hit twice)
        low, high = edges[part], edges[part + 1] - 0.5 * frame_s
        times = [low, *[k.time_s for k in keys if low < k.time_s < high], high]
        placed = [whole.at(min(max(t, start), end)) for t in times]
        path = tuple(
            Key(t, k.x, k.y, k.height_px, k.roll_deg, k.blur_px, k.light)
            for t, k in zip(times, placed, strict=True)
            if k is not None
        )
        actors.append(Actor(name, looks[(first + part) % len(looks)], path, layer))
    return actors


def _pillar() -> Sprite:
    image = np.full((300, 90, 3), (92, 84, 70), dtype=np.uint8)
    image[:, 40:50] = (110, 100, 84)
    box = np.array([0, 0, 90, 300], dtype=np.float32)
    return Sprite(image, np.ones((300, 90), dtype=np.float32), box)
