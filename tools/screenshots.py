"""Take pictures of every page of the window, and fail where text is cut off.

    python tools/screenshots.py OUT [--lfw FOLDER] [--run FOLDER] [--photos FOLDER] [--page ID]

The real window is opened without a screen, on a gallery made from the public-domain photographs
(`make photos`) and, if given, some people of Labeled Faces in the Wild, who are evaluated, too; and
with a training run, if given. Live shows the sample video. Each page is taken in light and dark,
English and Chinese, at 1280x800 and 1920x1080.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from pathlib import Path

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QWidget

from facerec.paths import cache_dir
from gui.app import make_application, make_window
from gui.main_window import MainWindow
from gui.pages import PAGES
from gui.workers.sources import SourceChoice, SourceKind

ROOT = Path(__file__).resolve().parent.parent
SIZES_PX = ((1280, 800), (1920, 1080))
WAIT_S = 120.0
# People of LFW that are enrolled, and pictures of each at most.
N_PEOPLE, N_PICTURES = 60, 8
# What a person looks like depends on the moment; wait for the part with two people in it.
N_ON_VIDEO = 2


def main(arguments: list[str]) -> int:
    """Take the pictures; 1 when some text is cut off."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", type=Path, default=ROOT / ".cache" / "photos")
    parser.add_argument("--lfw", type=Path, help="folder with one subfolder a person")
    parser.add_argument("--run", type=Path, help="folder of a training run")
    parser.add_argument("--page", action="append", help="only this page; may be repeated")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ.setdefault("FACEREC_HOME", tempfile.mkdtemp(prefix="facerec-screenshots-"))
    app = make_application([])
    window = make_window(app, {})
    window.show()
    window.context.start_loading()
    fill_gallery(window, options.photos, options.lfw)
    shutil.copytree(options.photos, cache_dir() / "photos", dirs_exist_ok=True)
    wanted = [entry.id for entry in PAGES if not options.page or entry.id in options.page]
    faults: set[str] = set()
    for language, theme in product(("en", "zh_CN"), ("light", "dark")):
        window.context.change_settings({"window.language": language, "window.theme": theme})
        settle(app, window)
        for page_id, (width, height) in product(wanted, SIZES_PX):
            window.resize(width, height)
            window.open_page(page_id)
            prepare(app, window, page_id, options)
            name = f"{page_id}-{language}-{theme}-{width}x{height}"
            window.grab().save(str(options.out / f"{name}.png"))
            faults.update(f"{name}: {fault}" for fault in clipped(window))
    window.close()
    until(app, lambda: not window.isVisible())
    for fault in sorted(faults):
        print(fault)  # noqa: T201
    return 1 if faults else 0


def fill_gallery(window: MainWindow, photos: Path, lfw: Path | None) -> None:
    """Enrol the public-domain photographs and, if given, people of LFW with several pictures."""
    from facerec.services.enroll import EnrollOptions, enroll
    from facerec.services.one_face import FacePolicy

    people: dict[str, list[Path]] = {
        "Barack Obama": [photos / "obama.jpg", photos / "obama2.jpg", photos / "obama3.jpg"],
        "Grace Hopper": [photos / "grace_hopper.jpg"],
        "Eileen Collins": [photos / "astronaut.png"],
        "Joe Biden": [photos / "biden.jpg"],
    }
    if lfw is not None:
        folders = sorted(lfw.iterdir(), key=lambda folder: -len(list(folder.iterdir())))
        for folder in folders[:N_PEOPLE]:
            pictures = sorted(folder.iterdir())[:N_PICTURES]
            people[folder.name.replace("_", " ")] = pictures
    context = window.context
    options = EnrollOptions(policy=FacePolicy.LARGEST, allow_conflict=True, allow_low_quality=True)
    for name, pictures in people.items():
        enroll(
            context.gallery(), context.pipeline(), name,
            [path for path in pictures if path.is_file()],
            rule=context.rule(), options=options,
        )  # fmt: skip
    context.gallery_was_changed()


def prepare(
    app: QApplication, window: MainWindow, page_id: str, options: argparse.Namespace
) -> None:
    """Show something on a page that is empty when it is opened, and wait for it."""
    page = window.page(page_id)
    if page_id == "live":
        page.source.choose(SourceChoice(SourceKind.SAMPLE))
        page.start()
        until(app, lambda: sum(bool(t.name) for t in page.view.tracks) == N_ON_VIDEO)
        shown_since = time.monotonic()
        until(app, lambda: time.monotonic() - shown_since > 0.5)
        return
    shown: dict[str, object] = {
        "enrol": str(options.photos / "biden.jpg"),
        "evaluate": options.lfw and some_people(options.lfw),
        "gallery": "Barack Obama",
        "train": options.run,
        "verify": (str(options.photos / "obama.jpg"), str(options.photos / "obama2.jpg")),
    }
    if shown.get(page_id):
        page.show_item(shown[page_id])
        if page_id == "evaluate":
            page.start()
    settle(app, window)


@cache
def some_people(lfw: Path) -> Path:
    """Return a folder with copies of the people of LFW with most pictures."""
    folder = Path(tempfile.mkdtemp(prefix="facerec-people-"))
    people = sorted(lfw.iterdir(), key=lambda one: -len(list(one.iterdir())))
    for one in people[:N_PEOPLE]:
        (folder / one.name).mkdir()
        for picture in sorted(one.iterdir())[:N_PICTURES]:
            shutil.copy(picture, folder / one.name / picture.name)
    return folder


def settle(app: QApplication, window: MainWindow) -> None:
    """Wait until nothing is under way and everything is drawn."""
    for _ in range(3):
        quiet_until = time.monotonic() + 0.15
        until(app, lambda end=quiet_until: time.monotonic() > end)
        until(app, lambda: not window.context.runners.is_busy)


def until(app: QApplication, condition: Callable[[], bool]) -> None:
    """Let the window work until a condition holds."""
    end = time.monotonic() + WAIT_S
    while not condition():
        app.processEvents()
        time.sleep(0.002)
        if time.monotonic() > end:
            raise TimeoutError("The window did not come to rest.")


def clipped(window: QWidget) -> Iterator[str]:
    """Name every label and button whose text does not fit, or that reaches out of its parent."""
    for widget in window.findChildren(QWidget):
        if widget.isVisible() and isinstance(widget, QLabel | QAbstractButton | QComboBox):
            yield from _faults(widget)


def _faults(widget: QWidget) -> Iterator[str]:
    text = widget.currentText() if isinstance(widget, QComboBox) else widget.text()
    if not text:
        return
    who = f"{type(widget).__name__} {text[:50]!r}"
    wanted, actual = widget.sizeHint(), widget.size()
    if isinstance(widget, QLabel) and widget.wordWrap():
        if widget.heightForWidth(actual.width()) > actual.height():
            yield f"{who} is cut off below"
        longest = max(widget.fontMetrics().horizontalAdvance(word) for word in text.split())
        if text.isascii() and longest > widget.contentsRect().width():
            yield f"{who} has a word wider than its place"
    elif wanted.width() > actual.width() or wanted.height() > actual.height():
        needs, has = f"{wanted.width()}x{wanted.height()}", f"{actual.width()}x{actual.height()}"
        yield f"{who} needs {needs}, has {has}"
    parent = widget.parentWidget()
    if parent is not None and not parent.rect().contains(
        widget.geometry().center() if widget.geometry().isEmpty() else widget.geometry()
    ):
        corner = widget.mapTo(window_of(widget), QPoint(0, 0))
        yield f"{who} reaches out of its parent at {corner.x()},{corner.y()}"


def window_of(widget: QWidget) -> QWidget:
    """Return the window a widget is in."""
    return widget.window()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
