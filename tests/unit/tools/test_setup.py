"""The set-up script: what it installs, and when it does so again."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("facerec_setup", ROOT / "tools" / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.calls = []
    module.code = 0

    def call(*arguments: str) -> int:
        module.calls.append(arguments)
        return module.code

    def create(folder: Path, *, with_pip: bool) -> None:
        assert with_pip
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "pip").touch()

    monkeypatch.setattr(module, "_call", call)
    monkeypatch.setattr(module.venv, "create", create)
    monkeypatch.setattr(module, "ENVIRONMENT", tmp_path / ".venv")
    return module


def test_demo_installs_the_runtime_only(setup: ModuleType) -> None:
    assert setup.main(["demo"]) == 0

    install, run = setup.calls
    assert install[-1] == str(ROOT)
    assert run[:3] == ("-m", "facerec", "demo")


def test_test_installs_the_rest_and_ends_with_pytest(setup: ModuleType) -> None:
    assert setup.main(["test"]) == 0

    assert setup.calls[0][-1] == f"{ROOT}[test]"
    assert setup.calls[-1][:2] == ("-m", "pytest")


def test_second_run_installs_nothing(setup: ModuleType) -> None:
    setup.main(["demo"])
    setup.calls.clear()

    setup.main(["demo"])

    assert [call[:3] for call in setup.calls] == [("-m", "facerec", "demo")]


def test_failed_installation_ends_there_and_is_tried_again(setup: ModuleType) -> None:
    setup.code = 7

    assert setup.main(["demo"]) == 7
    assert setup.main(["demo"]) == 7
    assert len(setup.calls) == 2


def test_missing_venv_module_is_one_sentence(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise subprocess.CalledProcessError(1, "ensurepip")

    monkeypatch.setattr(setup.venv, "create", fail)

    assert setup.main(["demo"]) == 1
    assert "apt install python3-venv" in capsys.readouterr().err


def test_old_python_is_refused(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(setup.sys, "version_info", (3, 10, 0))

    assert setup.main(["demo"]) == 1
    assert "Python 3.11 or newer" in capsys.readouterr().err


def test_unknown_task_shows_the_tasks() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "setup.py"), "nothing"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert "setup.py demo" in done.stdout
