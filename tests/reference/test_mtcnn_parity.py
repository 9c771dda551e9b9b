"""Our cascade and the exported nets against facenet-pytorch, where it is installed."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from facerec.bench.detect import one_face_frame, ten_face_frame
from facerec.detect.mtcnn import MtcnnDetector
from facerec.detect.native import available_kinds
from facerec.detect.sampling import Sums
from facerec.imaging.read import read_image
from facerec.runtime import open_session
from facerec.types import ImageRGB
from facerec.zoo import find_model

torch = pytest.importorskip("torch")
facenet = pytest.importorskip("facenet_pytorch")

ROOT = Path(__file__).resolve().parents[2]
# facenet-pytorch 2.5.3 calls torch.load without saying what may be in the file.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning:facenet_pytorch")


def astronaut() -> ImageRGB:
    from skimage import data

    return data.astronaut()


def grace_hopper() -> ImageRGB:
    from matplotlib import cbook

    with cbook.get_sample_data("grace_hopper.jpg") as stream:
        return read_image(stream.read())


def cut_astronaut() -> ImageRGB:
    return np.ascontiguousarray(astronaut()[60:400, 190:, :])


IMAGES = [astronaut, grace_hopper, one_face_frame, ten_face_frame, cut_astronaut]


def reference_faces(image: ImageRGB, min_face_px: int) -> list[np.ndarray]:
    """Rows of box, score and landmarks, most certain first."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # (numpy 2 on arrays of objects, inside the reference)
        net = facenet.MTCNN(min_face_size=min_face_px, keep_all=True)
        boxes, scores, landmarks = net.detect(image, landmarks=True)
    rows = [
        np.concatenate([np.ravel(part).astype(float) for part in parts])
        for parts in zip(boxes, scores, landmarks, strict=True)
    ]
    return sorted(rows, key=lambda row: (-round(row[4], 6), row[0]))


@pytest.mark.parametrize("engine", ["native"] * bool(available_kinds()) + ["runtime"])
@pytest.mark.parametrize(
    ("photo", "min_face_px"),
    [*((photo, 40) for photo in IMAGES), (astronaut, 20), (ten_face_frame, 65)],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_faces_are_those_of_the_reference(photo, min_face_px: int, engine: str) -> None:
    image = photo()
    expected = reference_faces(image, min_face_px)

    faces = MtcnnDetector(min_face_px=min_face_px, engine=engine).detect(image)

    rows = [np.concatenate([face.box_xyxy, [face.score], face.landmarks.ravel()]) for face in faces]
    rows.sort(key=lambda row: (-round(row[4], 6), row[0]))
    assert len(rows) == len(expected)
    np.testing.assert_allclose(rows, expected, atol=0.05)


def test_pyramid_level_is_the_reference_resize() -> None:
    image = astronaut()
    pixels = torch.tensor(image).permute(2, 0, 1)[None].float()

    for size in [(154, 154), (37, 53), (700, 13)]:
        expected = torch.nn.functional.interpolate(pixels, size=size, mode="area").numpy()
        resized = Sums.of(image).resized(*size)[None]
        np.testing.assert_allclose(resized.transpose(0, 3, 1, 2), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("letter", "shape"), [("p", (2, 3, 61, 84)), ("r", (7, 3, 24, 24)), ("o", (5, 3, 48, 48))]
)
def test_exported_net_computes_what_the_reference_net_computes(letter: str, shape) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        from facenet_pytorch.models.mtcnn import ONet, PNet, RNet

        net = {"p": PNet, "r": RNet, "o": ONet}[letter]().eval()
    pixels = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)

    (result,) = open_session(ROOT / "models" / f"mtcnn-{letter}.onnx").run(
        np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))
    )

    with torch.no_grad():
        offsets, *landmarks, chances = net((torch.tensor(pixels) - 127.5) * 0.0078125)
    np.testing.assert_allclose(1 / (1 + np.exp(-result[:, 0])), chances[:, 1], atol=1e-5)
    np.testing.assert_allclose(result[:, 1:5], offsets, atol=1e-5)
    if landmarks:
        np.testing.assert_allclose(result[:, 5:], landmarks[0], atol=1e-5)


def test_exporting_again_gives_the_committed_files(tmp_path: Path) -> None:
    export = pytest.importorskip("training.mtcnn_export")

    paths = export.export_mtcnn(tmp_path / "new")

    assert [path.name for path in paths] == ["mtcnn-p.onnx", "mtcnn-r.onnx", "mtcnn-o.onnx"]
    for path in paths:
        assert path.read_bytes() == (ROOT / "models" / path.name).read_bytes()


def test_card_keeps_the_licence_notice_and_matches_the_files() -> None:
    text = (ROOT / "models" / "cards" / "mtcnn.md").read_text(encoding="utf-8")

    assert "Copyright (c) 2019 Timothy Esler" in text
    assert re.search(r"permission notice shall be included\s+in all copies", text)
    for entry in find_model("mtcnn", task="detect").files:
        assert (ROOT / "models" / entry.file).stat().st_size == entry.bytes
