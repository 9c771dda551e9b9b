"""What a newcomer types, in processes of its own, and the Python lines of the README."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.helpers import photos

README = (photos.ROOT / "README.md").read_text(encoding="utf-8")


def _facerec(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "facerec", *arguments],
        cwd=cwd, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images under the names the README uses."""
    with Image.open(photos.astronaut()) as image:
        image.convert("RGB").save(tmp_path / "ada.jpg", quality=95)
        party = Image.new("RGB", (1112, 606))
        party.paste(image.convert("RGB").resize((480, 480)), (10, 40))
    with Image.open(photos.grace_hopper()) as image:
        party.paste(image.convert("RGB"), (600, 0))
    party.save(tmp_path / "party.jpg", quality=95)
    return tmp_path


def test_enrolled_from_one_image_named_in_another_and_erased(folder: Path) -> None:
    enrolled = _facerec(folder, "enroll", "Ada Lovelace", "ada.jpg")
    found = _facerec(folder, "identify", "party.jpg", "--annotate", "marked.jpg", "--json")
    removed = _facerec(folder, "gallery", "remove", "Ada Lovelace")
    after = _facerec(folder, "identify", "party.jpg")

    assert enrolled.returncode == 0, enrolled.stderr
    assert found.returncode == 0, found.stderr
    faces = json.loads(found.stdout)["images"][0]["faces"]
    assert sorted(face["decision"]["verdict"] for face in faces) == ["known", "unknown"]
    assert (folder / "marked.jpg").is_file()
    assert removed.returncode == 0
    assert after.returncode == 3
    assert "the gallery is empty" in after.stdout


def test_python_lines_of_the_readme_run(folder: Path) -> None:
    code = re.search(r"```python\n(.*?)```", README, re.S).group(1)

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "Ada Lovelace" in done.stdout


def test_installed_script_and_module_are_the_same(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("facerec")
    if not script.exists():
        pytest.skip("facerec is not installed here")

    by_script = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)

    assert by_script.stdout == _facerec(tmp_path, "--version").stdout
