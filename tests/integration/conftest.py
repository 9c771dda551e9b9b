"""Images and a command line for tests with the real networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers import photos
from tests.helpers.command_line import CommandLine


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)


@pytest.fixture
def faceless(tmp_path: Path) -> Path:
    """A smooth image without a face."""
    path = tmp_path / "faceless.png"
    ramp = np.linspace(0, 255, 300, dtype=np.uint8)
    Image.fromarray(np.stack([np.tile(ramp, (200, 1))] * 3, axis=-1)).save(path)
    return path


@pytest.fixture
def corrupt(tmp_path: Path) -> Path:
    """A photograph cut off in the middle."""
    path = tmp_path / "corrupt.jpg"
    content = photos.grace_hopper().read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """Two people side by side; the right one is larger."""
    path = tmp_path / "crowded.png"
    with Image.open(photos.astronaut()) as left, Image.open(photos.grace_hopper()) as right:
        image = Image.new("RGB", (1112, 606))
        image.paste(left.convert("RGB"), (0, 0))
        image.paste(right.convert("RGB"), (600, 0))
    image.save(path)
    return path


@pytest.fixture
def darker_astronaut(tmp_path: Path) -> Path:
    """Another photograph of the astronaut, as far as bytes go: mirrored, smaller and darker."""
    path = tmp_path / "astronaut-2.jpg"
    with Image.open(photos.astronaut()) as image:
        pixels = np.asarray(image.convert("RGB").resize((400, 400)))[:, ::-1]
    Image.fromarray((pixels * 0.7).astype(np.uint8)).save(path, quality=85)
    return path
