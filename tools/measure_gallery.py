"""Measure the gallery page with many people: opening, searching, scrolling.

    python tools/measure_gallery.py [N]

Without a screen; 10,000 people when N is not given. Printed are the processor time of the thread
that works, and what a clock shows, which on a busy machine is more.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

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
    # In a process of its own, whose memory is no part of what is measured.
    filling = multiprocessing.get_context("spawn").Process(target=fill, args=(n_people,))
    filling.start()
    filling.join()
    with open_gallery(default_gallery_dir()) as gallery:
        before_mb = memory_mb()
        people = list_people(gallery)
        report_memory(f"memory for {len(people):,} people", memory_mb() - before_mb)
        show("read the people (disk thread)", lambda: list_people(gallery))
    app = make_application([])
    window = make_window(app, {})
    window.resize(1280, 800)
    window.open_page("gallery")
    window.show()
    app.processEvents()
    page = window.page("gallery")
    show(f"show {len(people):,} people", lambda: page.model.set_people(people), app)
    for text in ("9", "99", "999", "99", "9", ""):
        show(f"search {text!r}", lambda text=text: page.search.setText(text), app)
    bar = page.view.verticalScrollBar()
    places = [round(bar.maximum() * step / N_STEPS) for step in range(N_STEPS)]
    times = [spent(lambda place=place: bar.setValue(place), app) for place in places]
    used, clock = zip(*times, strict=True)
    report(
        "scroll by a fortieth of the list, median",
        statistics.median(used),
        statistics.median(clock),
    )
    report("scroll by a fortieth of the list, slowest", max(used), max(clock))
    report_memory("memory of the program", memory_mb())
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


def spent(action: Callable[[], object], app: QApplication | None = None) -> tuple[float, float]:
    """Return processor time and clock time, in milliseconds, of an action and of drawing it."""
    used, at = time.thread_time(), time.perf_counter()
    action()
    if app is not None:
        app.processEvents()
    return (time.thread_time() - used) * 1e3, (time.perf_counter() - at) * 1e3


def show(name: str, action: Callable[[], object], app: QApplication | None = None) -> None:
    """Measure and print one action."""
    report(name, *spent(action, app))


def memory_mb() -> float:
    """Return the memory in use by this process, in megabytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def report(name: str, used_ms: float, clock_ms: float) -> None:
    """Print one line."""
    print(f"{name:<45}{used_ms:8.1f} ms{clock_ms:8.1f} ms by the clock")  # noqa: T201


def report_memory(name: str, megabytes: float) -> None:
    """Print one line."""
    print(f"{name:<45}{megabytes:8.1f} MB")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
