"""Find the faces in image files, one outcome a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from facerec.detect import mtcnn as mtcnn  # (entering it in the registry)
from facerec.detect.base import DETECTORS, Detector
from facerec.errors import FacerecError, NotFoundError
from facerec.imaging.draw import draw_faces, write_image
from facerec.imaging.read import list_images, read_image
from facerec.progress import SilentTask, Task
from facerec.services.outcome import Outcome
from facerec.types import Face


def open_detector(
    name: str = "mtcnn", *, device: str = "cpu", n_threads: int = 0, min_face_px: int = 40
) -> Detector:
    """Load a detector by its name in the registry.

    Raises:
        ConfigError: there is no such detector.
        DeviceError: the device is not there.
    """
    return DETECTORS.get(name)(device=device, n_threads=n_threads, min_face_px=min_face_px)


def detect_files(
    images: Iterable[Path],
    detector: Detector,
    *,
    annotate: Path | None = None,
    task: Task | None = None,
) -> Iterator[Outcome[list[Face]]]:
    """Detect in each image.

    Args:
        images: files and folders; folders are searched to any depth.
        detector: what detects.
        annotate: folder for copies with the faces marked; it is created.
        task: receives progress.

    Yields:
        One outcome a file, in the order of the files.

    Raises:
        NotFoundError: a folder holds no image.
    """
    task = task or SilentTask()
    files = expand(images)
    for done, (path, name) in enumerate(files):
        try:
            image = read_image(path)
            faces = detector.detect(image)
            if annotate is not None:
                target = (annotate / name).with_suffix(".jpg")
                target.parent.mkdir(parents=True, exist_ok=True)
                write_image(target, draw_faces(image, faces))
        except FacerecError as exc:
            yield Outcome(str(path), error=exc)
        else:
            yield Outcome(str(path), value=faces)
        task.step("images", done + 1, len(files))


def expand(images: Iterable[Path]) -> list[tuple[Path, Path]]:
    """List the files meant by files and folders, each with its path relative to what was named.

    Raises:
        NotFoundError: a folder holds no image.
    """
    found = []
    for path in images:
        if not path.is_dir():
            found.append((path, Path(path.name)))
            continue
        inside = list_images(path)
        if not inside:
            raise NotFoundError(
                f"There is no image in the folder {path}.", remedy="Name another folder."
            )
        found.extend((file, file.relative_to(path)) for file in inside)
    return found
