"""Compiling on machines of all kinds: good compiler, broken compiler, none."""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def build():
    spec = importlib.util.spec_from_file_location("build", ROOT / "tools" / "build_native.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def only_compiler(monkeypatch, build):
    def use(*command: str) -> None:
        monkeypatch.setattr(build, "compilers", lambda: [list(command)] if command else [])

    return use


def test_the_library_is_compiled(build, tmp_path: Path) -> None:
    if not (build.wanted() and build.compilers()):
        pytest.skip("there is no C compiler, or no compiled code for this machine")
    target = tmp_path / "with space" / "kernels.so"
    target.parent.mkdir()

    assert build.compile_library(ROOT / build.FOLDER, target) == ""

    assert [path.name for path in target.parent.iterdir()] == ["kernels.so"]
    assert ctypes.CDLL(str(target)).processor_kind() in {0, 3, 4}


def test_without_a_compiler_the_reason_says_how_to_get_one(build, only_compiler, tmp_path) -> None:
    only_compiler()

    reason = build.compile_library(ROOT / build.FOLDER, tmp_path / "kernels.so")

    assert "apt install gcc" in reason
    assert list(tmp_path.iterdir()) == []


def test_a_compiler_that_fails_is_named_and_leaves_nothing(build, only_compiler, tmp_path) -> None:
    only_compiler(sys.executable, "-c", "import sys; sys.exit('no such header')")

    reason = build.compile_library(ROOT / build.FOLDER, tmp_path / "kernels.so")

    assert "no such header" in reason
    assert list(tmp_path.iterdir()) == []


def test_the_next_compiler_is_tried(build, monkeypatch, tmp_path) -> None:
    if not (build.wanted() and build.compilers()):
        pytest.skip("there is no C compiler, or no compiled code for this machine")
    good = build.compilers()[0]
    monkeypatch.setattr(build, "compilers", lambda: [[shutil.which("false")], good])

    assert build.compile_library(ROOT / build.FOLDER, tmp_path / "kernels.so") == ""


def test_a_build_without_compiler_fetches_one(build, monkeypatch) -> None:
    hook = build.NativeBuildHook.__new__(build.NativeBuildHook)
    monkeypatch.setattr(build, "wanted", lambda: True)

    monkeypatch.setattr(build, "compilers", list)
    assert hook.dependencies() == ["ziglang"]
    monkeypatch.setattr(build, "compilers", lambda: [["cc"]])
    assert hook.dependencies() == []
