"""Detect, align, embed: the whole way with stand-ins, and by name with the real parts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import facerec.detect.mtcnn  # noqa: F401  (registers itself before it is replaced below)
from facerec import pipeline as pipeline_module
from facerec.align.warp import align_face
from facerec.detect.base import DETECTORS
from facerec.embed.onnx import OnnxEmbedder
from facerec.errors import (
    ConfigError,
    DegenerateLandmarksError,
    NotFoundError,
    ShapeError,
)
from facerec.pipeline import Pipeline, open_pipeline
from facerec.quality.checks import assess_face
from facerec.types import Face
from tests.helpers.fakes import (
    FakeDetector,
    FakeEmbedder,
    fake_face,
    fake_photo,
    fake_pipeline,
    write_toy_model,
)

FACES = [fake_face(0, 0, 112), fake_face(60, 40, 90, score=0.8), fake_face(100, 100, 60)]


def test_every_face_is_described_in_order() -> None:
    image = fake_photo(1)
    pipeline = fake_pipeline(FACES)

    analyzed = pipeline.analyze(image)

    assert [entry.face for entry in analyzed] == FACES
    for entry, face in zip(analyzed, FACES, strict=True):
        crop = align_face(image, face.landmarks)
        quality = assess_face(face, crop, (160, 160))
        np.testing.assert_array_equal(entry.crop, crop)
        np.testing.assert_allclose(
            entry.embedding.vector, pipeline.embedder.embed_vectors(crop[None])[0], atol=1e-6
        )
        assert entry.embedding.contract_id == pipeline.embedder.contract_id
        assert entry.quality == quality.score
        assert entry.quality_issues == quality.issues


def test_faults_of_a_face_stay_with_it() -> None:
    analyzed = fake_pipeline(FACES).analyze(fake_photo(1))

    assert "uncertain" in {issue.code for issue in analyzed[1].quality_issues}
    assert "uncertain" not in {issue.code for issue in analyzed[0].quality_issues}


def test_image_without_faces_gives_nothing() -> None:
    assert fake_pipeline().analyze(np.zeros((90, 120, 3), np.uint8)) == []


def test_one_person_in_two_photos_scores_higher_than_two_people() -> None:
    pipeline = fake_pipeline()
    first, again, other = (
        pipeline.analyze(photo)[0].embedding.vector
        for photo in (fake_photo(1, shot=0), fake_photo(1, shot=1), fake_photo(2))
    )

    assert first @ again > 0.9 > 0.5 > first @ other


def test_known_faces_are_described_without_detecting() -> None:
    detector = FakeDetector()
    pipeline = Pipeline(detector, FakeEmbedder())

    analyzed = pipeline.analyze_faces(fake_photo(1), FACES[:2])

    assert [entry.face for entry in analyzed] == FACES[:2]
    assert detector.n_calls == 0
    assert pipeline.analyze_faces(fake_photo(1), []) == []


def test_all_faces_go_through_the_network_at_once() -> None:
    class Counting(FakeEmbedder):
        n_calls = 0

        def embed_vectors(self, crops: np.ndarray) -> np.ndarray:
            self.n_calls += 1
            return super().embed_vectors(crops)

    embedder = Counting()

    Pipeline(FakeDetector(FACES), embedder).analyze(fake_photo(1))

    assert embedder.n_calls == 1


def test_crops_are_read_only() -> None:
    (entry,) = fake_pipeline().analyze(fake_photo(1))

    with pytest.raises(ValueError, match="read-only"):
        entry.crop[0, 0] = 0


def test_stages_are_timed_in_order() -> None:
    heard: list[tuple[str, float]] = []
    pipeline = Pipeline(
        FakeDetector(), FakeEmbedder(), on_stage=lambda stage, s: heard.append((stage, s))
    )

    pipeline.analyze(fake_photo(1))

    assert [stage for stage, _ in heard] == ["detect", "align", "embed", "quality"]
    assert all(seconds >= 0 for _, seconds in heard)


def test_what_is_no_image_is_refused_before_detection() -> None:
    detector = FakeDetector()

    with pytest.raises(ShapeError):
        Pipeline(detector, FakeEmbedder()).analyze(np.zeros((90, 120), np.uint8))
    assert detector.n_calls == 0


def test_coincident_landmarks_are_refused() -> None:
    face = Face(np.array([0.0, 0, 50, 50]), np.ones((5, 2)), 1.0)

    with pytest.raises(DegenerateLandmarksError):
        fake_pipeline([face]).analyze(fake_photo(1))


@pytest.fixture
def toy_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACEREC_HOME", str(tmp_path))
    write_toy_model(tmp_path / "models", name="own-toy")
    return tmp_path


def test_pipeline_is_opened_by_name(toy_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}

    def make_detector(**settings: object) -> FakeDetector:
        asked.update(settings)
        return FakeDetector()

    monkeypatch.setitem(DETECTORS._entries, "stand-in", make_detector)

    pipeline = open_pipeline(
        model="own-toy", detector="stand-in", n_threads=1, min_face_px=55, mirror=True
    )

    assert asked == {"device": "cpu", "n_threads": 1, "min_face_px": 55}
    assert isinstance(pipeline.embedder, OnnxEmbedder)
    assert pipeline.embedder.mirror
    assert len(pipeline.analyze(fake_photo(1))) == 1


def test_real_detector_is_the_default(toy_home: Path) -> None:
    pipeline = open_pipeline(n_threads=1)

    assert type(pipeline.detector).__name__ == "MtcnnDetector"
    assert pipeline.analyze(np.zeros((64, 64, 3), np.uint8)) == []


def test_real_detector_finds_the_face_of_a_photograph(toy_home: Path) -> None:
    import skimage.data

    analyzed = open_pipeline(n_threads=1).analyze(skimage.data.astronaut())

    assert len(analyzed) == 1
    left, top, right, bottom = analyzed[0].face.box_xyxy
    assert left < 204 < 243 < right
    assert top < 112 < 150 < bottom
    assert analyzed[0].quality_issues == ()


def test_unknown_names_are_refused(toy_home: Path) -> None:
    with pytest.raises(NotFoundError, match="no-such-model"):
        open_pipeline(model="no-such-model")
    with pytest.raises(ConfigError, match="mtcnn"):
        open_pipeline(detector="mtcn")


def test_importing_it_loads_nothing_heavy() -> None:
    code = (
        "import sys, facerec.pipeline\n"
        "heavy = {'torch', 'matplotlib', 'PySide6', 'openvino', 'faiss', 'sqlalchemy', 'scipy'}\n"
        "found = heavy & set(sys.modules)\n"
        "sys.exit(str(found) if found else 0)"
    )

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert result.returncode == 0, result.stderr


def test_file_stays_short_enough_to_be_read_first() -> None:
    assert len(Path(pipeline_module.__file__).read_text().splitlines()) < 150
