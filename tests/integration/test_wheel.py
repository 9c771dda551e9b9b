"""The wheel works outside the checkout: models, migrations, recipes, templates are in it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from facerec.detect.native import available_kinds

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    done = subprocess.run(
        [*command, "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def _run(site: Path, code: str, cwd: Path) -> str:
    program = (
        f"import sys; sys.path[:] = [{str(site)!r}] + "
        f"[p for p in sys.path if p not in ('', {str(ROOT)!r})]\n{code}"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_help_runs_from_the_wheel(unpacked: Path, tmp_path: Path) -> None:
    shown = _run(
        unpacked,
        "import facerec; from facerec.cli.main import main; print(facerec.__file__); main(['-h'])",
        tmp_path,
    )

    assert shown.startswith(str(unpacked))
    assert "verify" in shown


def test_compiled_code_is_in_the_wheel(unpacked: Path, tmp_path: Path) -> None:
    shown = _run(
        unpacked,
        "from facerec.detect.native import available_kinds; print(available_kinds())",
        tmp_path,
    )

    assert shown.strip() == str(available_kinds())


def test_model_files_in_the_wheel_are_those_on_their_cards(unpacked: Path, tmp_path: Path) -> None:
    shown = _run(
        unpacked,
        "import os; os.environ['FACEREC_HOME'] = 'home'\n"
        "from facerec.cli.main import main; sys.exit(main(['models', 'verify']))",
        tmp_path,
    )

    assert "mtcnn" in shown


def test_gallery_opens_with_the_migrations_in_the_wheel(unpacked: Path, tmp_path: Path) -> None:
    shown = _run(
        unpacked,
        "from pathlib import Path; from facerec.gallery.session import GalleryStore\n"
        "from facerec.paths import migrations_dir; print(migrations_dir())\n"
        "GalleryStore.open(Path('gallery')).close()",
        tmp_path,
    )

    assert shown.strip() == str(unpacked / "facerec" / "_migrations")
    assert (tmp_path / "gallery" / "gallery.db").is_file()


@pytest.mark.parametrize("folder", ["facerec", "training", "gui", "alembic", "models"])
def test_every_data_file_of_the_checkout_is_in_the_wheel(unpacked: Path, folder: str) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    if not tracked:
        pytest.skip("this is no git checkout")
    inside = {"alembic": "facerec/_migrations", "models": "facerec/_models"}.get(folder, folder)

    missing = [name for name in tracked if not (unpacked / (inside + name[len(folder) :])).exists()]

    assert missing == []
