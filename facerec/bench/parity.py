"""``facerec bench parity``: does our cascade find what facenet-pytorch 2.5.3 finds, and where?

Both look at the same images with the same settings. Compared are the primary Face (the largest),
its landmarks, and whether any Face the reference finds is missed. The reference runs in a process
of its own; ``PeerDetector`` makes it a ``Detector``, so that evaluations can run on it as well.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from types import TracebackType

import numpy as np
from PIL import Image, ImageDraw

from facerec.bench.detect import PEERS
from facerec.bench.harness import Contender, Worker, machine_facts, open_worker
from facerec.detect.base import Detector, PrimaryPolicy, primary_face
from facerec.embed.base import Embedder
from facerec.evaluate.acquire import acquire
from facerec.evaluate.pairs import find_lfw, read_pairs
from facerec.evaluate.verification import cross_validated_accuracy, score_pairs
from facerec.imaging.draw import write_image
from facerec.imaging.read import read_image
from facerec.progress import SilentTask, Task
from facerec.types import Face, ImageRGB

# What counts as the same: required of 99 % of the images.
MIN_BOX_IOU = 0.9
MAX_LANDMARK_SHARE = 0.02
# Two detections are of one face when they overlap so much.
SAME_FACE_IOU = 0.5
# A reference score this near the last threshold may fall on either side of it by rounding.
FINAL_THRESHOLD = 0.7
NEAR_THRESHOLD = 0.01

_TILE_PX = 250
_TILES_PER_ROW = 5
_REFERENCE_COLOUR = (213, 94, 0)
_OWN_COLOUR = (86, 180, 233)


class PeerDetector:
    """facenet-pytorch's MTCNN in a process of its own, as a ``Detector``; use it in a ``with``.

    Attributes:
        device: what it runs on.
    """

    def __init__(self, *, min_face_px: int = 40, n_threads: int = 1) -> None:
        """Start the process.

        Args:
            min_face_px: smallest face to look for.
            n_threads: of torch.

        Raises:
            DependencyError: facenet-pytorch is not installed.
        """
        peer = PEERS[0]
        settings = {"min_face_px": min_face_px, "n_threads": n_threads}
        self._worker: Worker = open_worker(Contender(peer.name, peer.script, settings, peer.remedy))
        self._folder = tempfile.TemporaryDirectory()
        self.device = f"CPU (torch {self._worker.facts['torch']})"

    def detect(self, image: ImageRGB) -> list[Face]:
        """See ``Detector.detect``.

        Args:
            image: (H, W, 3) uint8, RGB.
        """
        path = Path(self._folder.name) / "image.npy"
        np.save(path, image, allow_pickle=False)
        self._worker.ask(op="load", case="image", path=str(path))
        found = self._worker.ask(op="answer", case="image")["answer"]
        faces = [
            Face(np.array(entry["box"]), np.array(entry["landmarks"]), entry["score"])
            for entry in found
        ]
        return sorted(faces, key=lambda face: (-face.score, *face.box_xyxy[:2].tolist()))

    def __enter__(self) -> PeerDetector:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._worker.close()
        self._folder.cleanup()


@dataclass(frozen=True, slots=True)
class ImageParity:
    """How the two compare on one image.

    Attributes:
        path: the image.
        n_reference: faces the reference found.
        n_own: faces we found.
        box_iou: of the two primary faces; 0 when only the reference found any, None when it found
            none.
        landmark_share: mean distance of the five landmarks over the width of the reference's face;
            None as above, infinite when we found no face.
        missed: scores of reference faces that none of ours overlaps by ``SAME_FACE_IOU``.
        added: scores of our faces that none of the reference's overlaps so.
    """

    path: Path
    n_reference: int
    n_own: int
    box_iou: float | None
    landmark_share: float | None
    missed: tuple[float, ...]
    added: tuple[float, ...]

    @property
    def differs(self) -> bool:
        """Whether anything lies outside the tolerances."""
        placed_apart = self.box_iou is not None and (
            self.box_iou < MIN_BOX_IOU or (self.landmark_share or 0.0) > MAX_LANDMARK_SHARE
        )
        return placed_apart or bool(self.missed) or bool(self.added)


@dataclass(frozen=True, slots=True)
class ParityReport:
    """All images compared.

    Attributes:
        images: one entry each.
        machine: what it was measured on.
    """

    images: tuple[ImageParity, ...]
    machine: dict[str, object] = field(default_factory=machine_facts)

    @property
    def compared(self) -> tuple[ImageParity, ...]:
        """Images in which the reference found a face."""
        return tuple(image for image in self.images if image.n_reference)

    @property
    def box_agreement(self) -> float:
        """Share of compared images whose primary boxes overlap by ``MIN_BOX_IOU``."""
        return _share([(image.box_iou or 0.0) >= MIN_BOX_IOU for image in self.compared])

    @property
    def landmark_agreement(self) -> float:
        """Share of compared images whose landmarks lie within ``MAX_LANDMARK_SHARE``."""
        return _share(
            [
                image.landmark_share is not None and image.landmark_share <= MAX_LANDMARK_SHARE
                for image in self.compared
            ]
        )

    @property
    def missed(self) -> tuple[tuple[Path, float], ...]:
        """Missed faces, those near the threshold left out: image and the reference's score."""
        return tuple(entry for entry in self._all_missed() if not _is_near(entry[1]))

    @property
    def missed_near_threshold(self) -> tuple[tuple[Path, float], ...]:
        """Missed faces whose reference score lies within ``NEAR_THRESHOLD`` of the threshold."""
        return tuple(entry for entry in self._all_missed() if _is_near(entry[1]))

    def _all_missed(self) -> list[tuple[Path, float]]:
        return [(image.path, score) for image in self.images for score in image.missed]

    def payload(self) -> dict[str, object]:
        """Figures, and every image that differs, as JSON can carry it."""
        return {
            "images": len(self.images),
            "compared": len(self.compared),
            "box_agreement": self.box_agreement,
            "landmark_agreement": self.landmark_agreement,
            "missed": len(self.missed),
            "missed_near_threshold": len(self.missed_near_threshold),
            "added": sum(len(image.added) for image in self.images),
            "differing": [
                asdict(image) | {"path": str(image.path)} for image in self.images if image.differs
            ],
            "machine": self.machine,
        }


def measure_parity(
    own: Detector, reference: Detector, paths: Sequence[Path], *, task: Task | None = None
) -> ParityReport:
    """Let both detectors look at all images.

    Args:
        own: ours.
        reference: what it is compared with.
        paths: images.
        task: receives progress.
    """
    task = task or SilentTask()
    images = []
    for done, path in enumerate(paths):
        image = read_image(path)
        found = own.detect(image), reference.detect(image)
        images.append(compare_faces(path, (image.shape[0], image.shape[1]), *found))
        task.step("images", done + 1, len(paths))
    return ParityReport(tuple(images))


def lfw_accuracies(
    data: Path | None,
    detectors: Sequence[Detector],
    embedder: Embedder,
    *,
    task: Task | None = None,
) -> list[float]:
    """Measure LFW View 2 through several detectors and one embedder.

    Args:
        data: folder with ``pairs.txt``; None takes the one that FACEREC_LFW names.
        detectors: each finds the faces for one accuracy.
        embedder: the same for all.
        task: receives progress.

    Returns:
        One accuracy a detector, as fractions.

    Raises:
        NotFoundError: the folder, ``pairs.txt`` or an image is not there.
    """
    folder = find_lfw(data)
    pairs = read_pairs(folder / "pairs.txt", folder)
    acquired = (acquire(pairs.images(), found, embedder, task=task) for found in detectors)
    return [cross_validated_accuracy(score_pairs(pairs, v)).mean for v in acquired]


def compare_faces(
    path: Path, image_hw: tuple[int, int], own: Sequence[Face], reference: Sequence[Face]
) -> ImageParity:
    """Compare what two detectors found in one image.

    Args:
        path: the image, for the report.
        image_hw: its height and width in pixels.
        own: our faces.
        reference: the reference's faces.
    """
    box_overlap = landmark_share = None
    if reference:
        theirs = primary_face(reference, image_hw, PrimaryPolicy.LARGEST)
        box_overlap, landmark_share = 0.0, float("inf")
        if own:
            ours = primary_face(own, image_hw, PrimaryPolicy.LARGEST)
            box_overlap = box_iou(ours, theirs)
            apart = np.linalg.norm(ours.landmarks - theirs.landmarks, axis=1)
            landmark_share = float(apart.mean()) / theirs.width_px
    return ImageParity(
        path=path,
        n_reference=len(reference),
        n_own=len(own),
        box_iou=box_overlap,
        landmark_share=landmark_share,
        missed=_without_partner(reference, own),
        added=_without_partner(own, reference),
    )


def box_iou(first: Face, second: Face) -> float:
    """Intersection over union of two boxes, as areas of real numbers."""
    left, top = np.maximum(first.box_xyxy[:2], second.box_xyxy[:2])
    right, bottom = np.minimum(first.box_xyxy[2:], second.box_xyxy[2:])
    common = max(float(right - left), 0.0) * max(float(bottom - top), 0.0)
    areas = (face.width_px * face.height_px for face in (first, second))
    return common / (sum(areas) - common)


def format_report(report: ParityReport) -> str:
    """Lay the figures out as plain text."""
    n = len(report.compared)
    added = [(image.path, score) for image in report.images for score in image.added]
    lines = [
        f"{len(report.images)} images, {n} with a face by the reference",
        f"primary box IoU >= {MIN_BOX_IOU}: {report.box_agreement:.2%}",
        f"landmarks within {MAX_LANDMARK_SHARE:.0%} of face width: {report.landmark_agreement:.2%}",
        f"faces missed: {len(report.missed)}",
        f"faces missed near the threshold: {len(report.missed_near_threshold)}",
        f"faces added: {len(added)}",
    ]
    lines += [f"  missed: {path.name} (reference {score:.4f})" for path, score in report.missed]
    lines += [
        f"  missed near the threshold: {path.name} (reference {score:.4f})"
        for path, score in report.missed_near_threshold
    ]
    lines += [f"  added: {path.name} (ours {score:.4f})" for path, score in added]
    lines += [
        f"  placed apart: {image.path.name} IoU {image.box_iou:.3f},"
        f" landmarks {image.landmark_share:.2%}"
        for image in report.compared
        if image.differs and not image.missed
    ]
    return "\n".join(lines)


def write_contact_sheet(
    path: Path, own: Detector, reference: Detector, images: Sequence[ImageParity]
) -> None:
    """Write a sheet of images with both detectors' faces: reference orange, ours blue and dashed.

    Args:
        path: of the sheet, .png or .jpg.
        own: ours.
        reference: what it is compared with.
        images: what to show; an empty sheet is one blank tile.

    Raises:
        ImageWriteError: the sheet cannot be written.
    """
    n_rows = max(1, -(-len(images) // _TILES_PER_ROW))
    n_columns = min(max(1, len(images)), _TILES_PER_ROW)
    sheet = Image.new("RGB", (n_columns * _TILE_PX, n_rows * _TILE_PX), (255, 255, 255))
    for place, entry in zip(product(range(n_rows), range(n_columns)), images, strict=False):
        row, column = place
        image = read_image(entry.path)
        tile = _tile(image, entry, own.detect(image), reference.detect(image))
        sheet.paste(tile, (column * _TILE_PX, row * _TILE_PX))
    write_image(path, np.array(sheet, dtype=np.uint8))


def _tile(
    image: ImageRGB, entry: ImageParity, own: Sequence[Face], reference: Sequence[Face]
) -> Image.Image:
    scale = _TILE_PX / max(image.shape[:2])
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    tile = Image.new("RGB", (_TILE_PX, _TILE_PX))
    tile.paste(Image.fromarray(image).resize(size))
    pen = ImageDraw.Draw(tile)
    for faces, colour, width in ((reference, _REFERENCE_COLOUR, 3), (own, _OWN_COLOUR, 1)):
        for face in faces:
            left, top, right, bottom = (face.box_xyxy * scale).tolist()
            pen.rectangle((left, top, right, bottom), outline=colour, width=width)
            for x, y in (face.landmarks * scale).tolist():
                pen.ellipse((x - width, y - width, x + width, y + width), fill=colour)
            place = (left + 2, top + 2 if width == 1 else bottom - 14)
            pen.text(place, f"{face.score:.3f}", fill=colour)
    pen.text((2, 2), entry.path.stem, fill=(255, 255, 255))
    return tile


def _without_partner(faces: Sequence[Face], others: Sequence[Face]) -> tuple[float, ...]:
    return tuple(
        face.score
        for face in faces
        if not any(box_iou(face, other) >= SAME_FACE_IOU for other in others)
    )


def _is_near(score: float) -> bool:
    return abs(score - FINAL_THRESHOLD) <= NEAR_THRESHOLD


def _share(fits: Sequence[bool]) -> float:
    return sum(fits) / len(fits) if fits else 1.0
