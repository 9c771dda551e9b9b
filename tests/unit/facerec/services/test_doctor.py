"""What the doctor says about packages, libraries, OpenCV, models and folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facerec.cli.main import main
from facerec.services import doctor
from facerec.services.doctor import Check, State, examine, missing_library


def _find(checks: list[Check], group: str, name: str) -> Check:
    return next(check for check in checks if (check.group, check.name) == (group, name))


@pytest.mark.parametrize(
    ("message", "part"),
    [
        ("libGL.so.1: cannot open shared object file: No such file", "apt install libgl1"),
        ("libgthread-2.0.so.0: cannot open shared object file", "apt install libglib2.0-0"),
        ("libstdc++.so.6: cannot open shared object file", "libstdc++6"),
        ("libodd.so.3: cannot open shared object file", "the system package that brings it"),
    ],
)
def test_missing_library_names_the_package(message: str, part: str) -> None:
    error = missing_library(message)

    assert error is not None
    assert part in error.remedy


def test_other_messages_are_not_about_libraries() -> None:
    assert missing_library("No module named 'x'") is None


def test_examining_creates_no_gallery(tmp_path: Path) -> None:
    examine(tmp_path / "gallery")

    assert list(tmp_path.iterdir()) == []


def test_versions_of_what_is_installed_are_reported(tmp_path: Path) -> None:
    import numpy as np

    check = _find(examine(tmp_path / "g"), "packages", "numpy")

    assert check == Check("packages", "numpy", State.OK, np.__version__)


def test_missing_package_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_version", lambda _: None)

    checks = doctor._packages()

    assert {check.state for check in checks} == {State.PROBLEM}
    assert len(checks) == len(doctor.NEEDED_PACKAGES)


def test_needed_packages_are_those_of_the_project() -> None:
    import tomllib

    root = Path(doctor.__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]

    assert list(doctor.NEEDED_PACKAGES) == [
        line.partition(">")[0] for line in project["dependencies"]
    ]


def test_two_opencv_packages_are_a_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_version", lambda _: "4")

    check = _find(doctor._opencv(), "OpenCV", "one package only")

    assert check.state is State.PROBLEM
    assert "pip uninstall" in check.remedy


def test_missing_system_library_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> None:
        raise ImportError("libGL.so.1: cannot open shared object file")

    monkeypatch.setattr(doctor, "import_module", fail)

    check = _find(doctor._opencv(), "OpenCV", "import")

    assert check.state is State.PROBLEM
    assert "libgl1" in check.remedy


def test_plugins_of_opencv_in_the_way_of_qt_are_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM_PLUGIN_PATH", "/x/cv2/qt/plugins")

    assert doctor._qt().state is State.PROBLEM


def test_cameras_are_listed_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for cameras, wanted in (
        ({0: "Front"}, Check("cameras", "0", State.OK, "Front")),
        ({}, Check("cameras", "cameras", State.NOTE, "none that can be named")),
    ):
        monkeypatch.setattr("facerec.imaging.frames.list_cameras", lambda cameras=cameras: cameras)
        assert doctor._cameras() == [wanted]


def test_damaged_model_is_a_problem(home: Path) -> None:
    folder = home / "models"
    if folder.is_symlink():
        folder.unlink()
    folder.mkdir()
    (folder / "net.onnx").write_bytes(b"x")
    (folder / "manifest.toml").write_text(
        '[[model]]\nname="m"\nversion="1"\ntask="embed"\nnet=""\ninput_hw=[112,112]\n'
        'files=[{file="net.onnx",sha256="0",bytes=1}]\ncolour="RGB"\nmean=[0,0,0]\nstd=[1,1,1]\n'
        'template="t"\nembedding_dim=4\nmetric="cosine"\nlicence=""\nsource=""\n'
        'training_data=""\npaper=""\nexported_from=""\n'
    )

    assert _find(doctor._models(), "models", "m").state is State.PROBLEM


def test_unreadable_manifest_is_a_problem(home: Path) -> None:
    folder = home / "models"
    if folder.is_symlink():
        folder.unlink()
    folder.mkdir()
    (folder / "manifest.toml").write_text("[[")

    assert _find(doctor._models(), "models", "manifest").state is State.PROBLEM


def test_folder_that_cannot_be_written_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.os, "access", lambda *_: False)

    assert {check.state for check in doctor._folders()[:2]} == {State.PROBLEM}


def test_command_prints_text_and_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = [
        Check("a", "x", State.OK, "fine"),
        Check("a", "y", State.PROBLEM, "broken", "mend it"),
    ]
    monkeypatch.setattr(doctor, "examine", lambda _: checks)

    assert main(["doctor"]) == 1
    text = capsys.readouterr().out
    assert main(["doctor", "--json"]) == 1
    payload = json.loads(capsys.readouterr().out)

    assert "problem y: broken" in text
    assert "-> mend it" in text
    assert payload["ok"] is False
    assert payload["checks"][1]["remedy"] == "mend it"
