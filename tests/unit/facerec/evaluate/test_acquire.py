from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facerec.detect.base import PrimaryPolicy
from facerec.errors import Cancelled, ConfigError
from facerec.evaluate.acquire import BATCH, NO_FACE, VectorCache, acquire, write_whole
from facerec.types import Face
from tests.helpers.fakes import FakeDetector, FakeEmbedder, fake_face, fake_photo


def save(path: Path, image) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return path


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    paths = [
        save(tmp_path / f"{shot}.png", fake_photo(shot % 5, shot)) for shot in range(BATCH + 5)
    ]
    paths[2] = save(tmp_path / "grey.png", np.full((50, 50, 3), 90, np.uint8))
    paths[4] = tmp_path / "broken.jpg"
    paths[4].write_bytes(b"no image at all")
    return paths


def test_vectors_come_in_order_with_failures_in_their_place(images: list[Path]) -> None:
    embedder, mirror = FakeEmbedder(), FakeEmbedder(contract_id="fa4e000000000001")
    result = acquire(images, FakeDetector(), embedder, others={"mirror": mirror})
    assert list(result.paths) == images
    assert sorted(result.failures) == [2, 4]
    assert result.failures[2] == NO_FACE
    assert "image" in result.failures[4]
    assert result.found.tolist() == [row not in (2, 4) for row in range(len(images))]
    assert np.linalg.norm(result.vectors, axis=1) == pytest.approx(result.found.astype(float))
    alone = acquire([images[7]], FakeDetector(), embedder)
    np.testing.assert_allclose(result.vectors[7], alone.vectors[0], atol=1e-6)
    assert alone.others == {}
    assert not np.allclose(result.others["mirror"][7], result.vectors[7])
    assert result.boxes[7].tolist() == pytest.approx([16, 0, 144, 160])
    assert result.n_faces.tolist() == result.found.astype(int).tolist()
    # The same person in two shots is nearer than two people.
    assert result.vectors[5] @ result.vectors[10] > result.vectors[5] @ result.vectors[6]


def test_the_same_file_twice_is_embedded_once(tmp_path: Path) -> None:
    first = save(tmp_path / "a.png", fake_photo(1))
    second = tmp_path / "b.png"
    second.write_bytes(first.read_bytes())
    embedder = FakeEmbedder()
    result = acquire([first, second, first], FakeDetector(), embedder)
    assert embedder.n_crops == 1
    assert (result.vectors[0] == result.vectors).all()


@pytest.mark.parametrize(("policy", "left"), [("largest", 0), ("central", 65), ("certain", 120)])
def test_the_face_that_counts_follows_the_policy(tmp_path: Path, policy, left) -> None:
    faces = [fake_face(0, 0, 60, 0.8), fake_face(65, 65, 30, 0.7), fake_face(120, 120, 30, 0.9)]
    path = save(tmp_path / "a.png", fake_photo(1))
    result = acquire([path], FakeDetector(faces), FakeEmbedder(), policy=PrimaryPolicy(policy))
    assert result.boxes[0, 0] == pytest.approx(left + 0.1 * (60 if left == 0 else 30))
    assert result.n_faces[0] == 3


def test_landmarks_that_coincide_and_files_that_vanish_are_failures(tmp_path: Path) -> None:
    point = Face(np.array([0, 0, 9, 9]), np.full((5, 2), 4.0), 0.9)
    path = save(tmp_path / "a.png", fake_photo(1))
    result = acquire([path, tmp_path / "gone.png"], FakeDetector([point]), FakeEmbedder())
    assert not result.found.any()
    assert "cannot be read" in result.failures[1]


def test_cache_gives_the_same_and_asks_nobody_again(images, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    tools = FakeEmbedder(), FakeEmbedder(contract_id="fa4e000000000001")
    first = acquire(
        images, FakeDetector(), tools[0], others={"mirror": tools[1]},
        cache=VectorCache.open(folder, "key"),
    )  # fmt: skip
    (file,) = folder.iterdir()
    detector, embedder = FakeDetector(), FakeEmbedder()
    written = file.stat().st_mtime_ns
    again = acquire(
        images, detector, embedder, others={"mirror": tools[1]},
        cache=VectorCache.open(folder, "key"),
    )  # fmt: skip
    assert (detector.n_calls, embedder.n_crops) == (0, 0)
    assert file.stat().st_mtime_ns == written
    for name in ("vectors", "boxes", "n_faces"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    np.testing.assert_array_equal(first.others["mirror"], again.others["mirror"])
    assert first.failures == again.failures
    assert VectorCache.open(folder, "other key").sightings == {}


def test_a_stopped_run_keeps_in_the_cache_what_it_had(images, tmp_path: Path) -> None:
    class Stop:
        def step(self, stage, done, total):
            assert total == len(images)
            if done == BATCH + 3:
                raise Cancelled

    cache = VectorCache.open(tmp_path / "cache", "key")
    with pytest.raises(Cancelled):
        acquire(images, FakeDetector(), FakeEmbedder(), cache=cache, task=Stop())
    assert len(VectorCache.open(tmp_path / "cache", "key").sightings) == BATCH + 2


def test_a_cache_of_failures_alone_can_be_read_again(tmp_path: Path) -> None:
    path = save(tmp_path / "grey.png", np.full((50, 50, 3), 90, np.uint8))
    acquire([path], FakeDetector(), FakeEmbedder(), cache=VectorCache.open(tmp_path, "key"))
    (sighting,) = VectorCache.open(tmp_path, "key").sightings.values()
    assert sighting.failure == NO_FACE


@pytest.mark.parametrize("content", [b"", b"rubbish", b"PK\x03\x04"])
def test_a_damaged_cache_is_refused(tmp_path: Path, content) -> None:
    path = VectorCache.open(tmp_path, "key").path
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="is damaged"):
        VectorCache.open(tmp_path, "key")


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a.txt"
    write_whole(path, b"first")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_whole(path, b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]
