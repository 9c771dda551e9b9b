"""A window without a screen, with stand-ins for the networks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication  # (after the platform is chosen)
from pytestqt.qtbot import QtBot

from facerec.config import load_settings
from facerec.pipeline import Pipeline
from facerec.services.gallery import OpenGallery, open_gallery
from gui import theme
from gui.context import Context
from gui.i18n.catalogue import Languages
from gui.main_window import MainWindow
from tests.helpers.fakes import fake_pipeline

# A machine that is busy with other work is slow, which is no failure.
PATIENCE_MS = 60_000


class PatientBot(QtBot):
    """Waits longer than usual before it gives up."""

    def waitSignal(self, signal, *, timeout=PATIENCE_MS, **more):  # noqa: N802
        return super().waitSignal(signal, timeout=timeout, **more)

    def waitSignals(self, signals, *, timeout=PATIENCE_MS, **more):  # noqa: N802
        return super().waitSignals(signals, timeout=timeout, **more)

    def waitUntil(self, callback, *, timeout=PATIENCE_MS):  # noqa: N802
        return super().waitUntil(callback, timeout=timeout)


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> PatientBot:
    return PatientBot(request)


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    return ["facerec"]


@pytest.fixture
def pipeline() -> Pipeline:
    return fake_pipeline()


@pytest.fixture
def gallery_folder(tmp_path: Path) -> Path:
    return tmp_path / "gallery"


@pytest.fixture
def context(qapp: QApplication, gallery_folder: Path, pipeline: Pipeline) -> Iterator[Context]:
    """A context whose networks are stand-ins; all threads have ended after the test."""

    def opened() -> OpenGallery:
        return open_gallery(gallery_folder)

    made = Context(load_settings(), open_gallery=opened, open_pipeline=lambda: pipeline)
    theme.apply_theme(qapp, theme.ThemeChoice.LIGHT)
    yield made
    made.shut_down()
    assert made.runners.wait(PATIENCE_MS / 1000)


@pytest.fixture
def ready(context: Context, qtbot) -> Context:
    """The same with gallery and networks open."""
    with qtbot.waitSignals([context.gallery_state_changed, context.models_state_changed]):
        context.start_loading()
    return context


@pytest.fixture
def make_window(qapp: QApplication, qtbot, context: Context) -> Callable[..., MainWindow]:
    """Return a maker of windows that qtbot closes."""

    def make(*entries) -> MainWindow:
        window = MainWindow(context, Languages(qapp), *([entries] if entries else []))
        qtbot.addWidget(window, before_close_func=lambda w: w.__setattr__("_is_over", True))
        window.open_first_page()
        return window

    return make
