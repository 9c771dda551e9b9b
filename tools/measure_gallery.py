"""Measure the gallery page with many people: opening, searching, scrolling.

    python tools/measure_gallery.py [N]

Processor time of the GUI thread's work, without a screen; 10,000 people when N is not given.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
from PySide6.QtWidgets import QApplication

from facerec.gallery.made_up import add_made_up
from facerec.paths import default_gallery_dir
from facerec.services.gallery import open_gallery
from facerec.services.people import list_people
from gui.app import make_application, make_window

N_STEPS = 40


def main(arguments: list[str]) -> int:
    """Print one line a measure."""
    n_people = int(arguments[0]) if arguments else 10_000
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["FACEREC_HOME"] = tempfile.mkdtemp(prefix="facerec-measure-")
    fill(n_people)
    with open_gallery(default_gallery_dir()) as gallery:
        people = list_people(gallery)
        show("read the people (disk thread)", lambda: list_people(gallery))
    app = make_application([])
    window = make_window(app, {})
    window.resize(1280, 800)
    window.open_page("gallery")
    window.show()
    app.processEvents()
    page = window.page("gallery")
    show(f"show {len(people):,} people", lambda: page.model.set_people(people), app)
    for text in ("9", "99", ""):
        show(f"search {text!r}", lambda text=text: page.search.setText(text), app)
    bar = page.view.verticalScrollBar()
    places = [round(bar.maximum() * step / N_STEPS) for step in range(N_STEPS)]
    times_ms = [spent_ms(lambda place=place: bar.setValue(place), app) for place in places]
    report("scroll by a fortieth of the list, median", statistics.median(times_ms))
    report("scroll by a fortieth of the list, slowest", max(times_ms))
    window.close()
    while window.isVisible():
        app.processEvents()
    return 0


def fill(n_people: int) -> None:
    """Make a gallery of people with one made-up Template each."""
    vectors = np.random.default_rng(0).standard_normal((n_people, 512)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with open_gallery(default_gallery_dir()) as gallery, gallery.store.write() as session:
        add_made_up(session, vectors, contract_id="0" * 16, per_person=1, at=datetime.now(UTC))


def spent_ms(action: Callable[[], object], app: QApplication | None = None) -> float:
    """Return the processor time of an action and of drawing what follows from it."""
    start = time.process_time()
    action()
    if app is not None:
        app.processEvents()
    return (time.process_time() - start) * 1000


def show(name: str, action: Callable[[], object], app: QApplication | None = None) -> None:
    """Measure and print one action."""
    report(name, spent_ms(action, app))


def report(name: str, value_ms: float) -> None:
    """Print one line."""
    print(f"{name:<45}{value_ms:8.1f} ms")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
