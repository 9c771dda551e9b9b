"""What all tests share: a home folder of their own, no network, fixed seeds."""

from __future__ import annotations

import os
import random
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings as hypothesis_settings

# Machines in continuous integration stall; a slow example is no failure.
hypothesis_settings.register_profile("facerec", deadline=None, print_blob=True)
hypothesis_settings.load_profile("facerec")

# Models a developer has put into a home folder of his own stay usable under test.
_DEVELOPER_MODELS = Path(os.environ.get("FACEREC_HOME", "/nonexistent")) / "models"


def _make_home(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if _DEVELOPER_MODELS.is_dir():
        (folder / "models").symlink_to(_DEVELOPER_MODELS)
    return folder


@pytest.fixture(scope="session", autouse=True)
def _session_home(tmp_path_factory: pytest.TempPathFactory) -> Any:
    patch = pytest.MonkeyPatch()
    for name in [name for name in os.environ if name.startswith("FACEREC__")]:
        patch.delenv(name)
    patch.setenv("FACEREC_HOME", str(_make_home(tmp_path_factory.mktemp("home"))))
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh FACEREC_HOME for each test: no settings, no gallery."""
    folder = _make_home(tmp_path_factory.mktemp("home"))
    monkeypatch.setenv("FACEREC_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _seeds() -> None:
    random.seed(20_240_601)
    np.random.seed(20_240_601)


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Any:
    real_connect = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in (
            "127.0.0.1",
            "::1",
            "localhost",
        ):
            raise AssertionError(f"A test tried to reach {address[0]}; tests run offline.")
        real_connect(self, address)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", connect)
    yield
    patch.undo()
