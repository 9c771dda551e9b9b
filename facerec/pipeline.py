"""The way of a face through the program: detect -> align -> embed. Start reading here.

    Image --Detector--> list[Face] --align_faces--> Crops --Embedder--> list[Embedding]

Beside each Embedding goes what quality checks say about its Face and Crop, so that nobody takes a
blurred thumbnail for a likeness. Who the face belongs to is decided elsewhere (``match``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from facerec.align.warp import align_faces
from facerec.embed.base import Embedder, open_embedder
from facerec.quality.checks import assess_face
from facerec.types import Crop, Embedding, Face, ImageRGB, QualityIssue, check_image

if TYPE_CHECKING:
    from facerec.detect.base import Detector

# Called after each stage with its name and the seconds it took.
StageTimer = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, eq=False)
class AnalyzedFace:
    """Everything the pipeline finds out about one Face.

    Attributes:
        face: the detection.
        crop: (S, S, 3) uint8, read-only, the aligned square the Embedding was made from.
        embedding: its vector with contract id.
        quality: 0 (useless) to 1 (as good as a good photograph); below 0.5 there is an issue.
        quality_issues: why the face is hard to recognise; empty when it is not.
    """

    face: Face
    crop: Crop
    embedding: Embedding
    quality: float
    quality_issues: tuple[QualityIssue, ...]


class Pipeline:
    """Detector, alignment and embedder in a row.

    Attributes:
        detector: finds the faces.
        embedder: turns Crops into Embeddings.
    """

    def __init__(
        self, detector: Detector, embedder: Embedder, *, on_stage: StageTimer | None = None
    ) -> None:
        """Join the two; ``on_stage`` hears how long each stage took."""
        self.detector = detector
        self.embedder = embedder
        self._on_stage = on_stage

    def analyze(self, image: ImageRGB) -> list[AnalyzedFace]:
        """Find all faces of an image and describe each.

        Args:
            image: (H, W, 3) uint8, RGB.

        Returns:
            One entry per face in the detector's order; empty when there is none.

        Raises:
            ShapeError: the image has another shape or type.
        """
        check_image(image)
        start = perf_counter()
        faces = self.detector.detect(image)
        self._report("detect", start)
        return self.analyze_faces(image, faces)

    def analyze_faces(self, image: ImageRGB, faces: Sequence[Face]) -> list[AnalyzedFace]:
        """Describe faces that are already found.

        Args:
            image: (H, W, 3) uint8, RGB.
            faces: detections in that image.

        Returns:
            One entry per face in the same order.

        Raises:
            ShapeError: the image has another shape or type.
            DegenerateLandmarksError: a face's landmarks coincide.
        """
        start = perf_counter()
        crops = align_faces(image, faces, size=self.embedder.crop_size_px)
        crops.flags.writeable = False
        self._report("align", start)

        start = perf_counter()
        embeddings = self.embedder.embed(crops)
        self._report("embed", start)

        start = perf_counter()
        image_hw = (image.shape[0], image.shape[1])
        analyzed = []
        for face, crop, embedding in zip(faces, crops, embeddings, strict=True):
            quality = assess_face(face, crop, image_hw)
            analyzed.append(AnalyzedFace(face, crop, embedding, quality.score, quality.issues))
        self._report("quality", start)
        return analyzed

    def _report(self, stage: str, start: float) -> None:
        if self._on_stage is not None:
            self._on_stage(stage, perf_counter() - start)


def open_pipeline(
    *,
    model: str = "default",
    detector: str = "mtcnn",
    device: str = "cpu",
    n_threads: int = 0,
    min_face_px: int = 40,
    mirror: bool = False,
) -> Pipeline:
    """Load detector and embedder by name.

    Args:
        model: embedder, as in ``facerec models list``.
        detector: name of a registered detector.
        device: see ``facerec.runtime.open_session``.
        n_threads: threads of one inference; 0 leaves it to the runtime.
        min_face_px: smallest face to look for.
        mirror: sum the vectors of Crop and mirror image.

    Raises:
        NotFoundError: there is no such model.
        ConfigError: there is no such detector.
        WeightsError: a model file is missing, damaged or not what its card says.
        DeviceError: the device is not there.
    """
    import facerec.detect.mtcnn  # noqa: F401  (enters itself into the registry)
    from facerec.detect.base import DETECTORS

    return Pipeline(
        DETECTORS.get(detector)(device=device, n_threads=n_threads, min_face_px=min_face_px),
        open_embedder(model, device=device, n_threads=n_threads, mirror=mirror),
    )
