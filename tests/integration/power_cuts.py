"""Cut the power, as a disk sees it, at many moments of work on a gallery.

    python -m tests.integration.power_cuts --cuts 1000

One run of the work is recorded; each cut then leaves the files as the disk may hold them. The
gallery must open and hold all that was said to be done, and of what was begun all or nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from facerec.services.backup import verify_backup
from facerec.services.gallery import open_gallery
from tests.helpers.gallery_model import (
    Model,
    Operation,
    Worker,
    draw,
    held,
    require_whole,
)
from tests.helpers.power import Recording, record

ROOT = Path(__file__).resolve().parents[2]
# Each kind twice, in an order that makes each possible.
WORK = (
    "enrol", "enrol", "merge", "enrol", "back_up", "rename", "re_embed", "set_aside", "undo",
    "redo", "enrol", "remove", "restore", "enrol", "erase", "back_up", "merge", "undo", "restore",
)  # fmt: skip


def say(word: str, operation: Operation) -> None:
    sys.stdout.write(json.dumps([word, operation]) + "\n")
    sys.stdout.flush()


def work(folder: Path, seed: int) -> None:
    """Make a gallery and change it; said before and after each operation."""
    rng, model = random.Random(seed), Model()
    say("begin", ["open"])
    with open_gallery(folder) as gallery:
        say("done", ["open"])
        worker = Worker(gallery)
        for kind in WORK:
            operation = draw(rng, model, kind, folder)
            say("begin", operation)
            worker.apply(operation)
            say("done", operation)
            model = model.after(operation)
    say("done", ["close"])


def recorded(folder: Path, seed: int = 3) -> Recording:
    """Record one run of the work; the gallery is made in a folder of that folder."""
    root = folder / "gallery"
    root.mkdir()
    command = [sys.executable, "-m", "tests.integration.power_cuts", "--work", str(root)]
    return record([*command, "--seed", str(seed)], root, folder / "calls.log", cwd=ROOT)


def expected(lines: list[str]) -> tuple[Model, Operation, bool]:
    """What must be there, what may be there besides, and whether there must be a gallery."""
    model, begun, is_open = Model(), [], False
    for line in lines:
        word, operation = json.loads(line)
        begun = operation if word == "begin" else []
        if word == "done" and operation[0] not in {"open", "close"}:
            model = model.after(operation)
        is_open |= word == "done"
    return model, begun if begun != ["open"] else [], is_open


def cut(recording: Recording, until: int, folder: Path, seed: int) -> str:
    """Cut the power before a call, and require that nothing is lost; says what was going on."""
    model, begun, must_be_there = expected(recording.said(until))
    recording.after_cut(until, folder, random.Random(seed))
    if not must_be_there and not (folder / "gallery.db").exists():
        return "open"
    with open_gallery(folder, create=False) as gallery:
        require_whole(gallery)
        found = held(gallery)
    possible = [model, *([model.after(begun)] if begun else [])]
    assert found in [(one.people, one.contract) for one in possible], (until, seed, begun)
    for path, then in model.backups.items():
        manifest = verify_backup(folder / Path(path).name)
        of_then = manifest.counts["people"]
        is_thinned = path in possible[-1].thinned
        assert of_then <= len(then.people) if is_thinned else of_then == len(then.people)
    return str(begun[0]) if begun else "between"


def run(n_cuts: int, seed: int) -> dict[str, object]:
    rng, start = random.Random(seed), time.monotonic()
    during: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as temporary:
        recording = recorded(Path(temporary), seed)
        points = recording.cut_points()
        for number in range(n_cuts):
            # Most where most can be lost, right before an fsync; the others anywhere.
            until = (
                rng.choice(points) if rng.random() < 0.6 else rng.randrange(len(recording.events))
            )
            with tempfile.TemporaryDirectory() as folder:
                during[cut(recording, until, Path(folder), seed * 1_000_003 + number)] += 1
    kinds = Counter(event.kind for event in recording.events)
    return {
        "cuts": n_cuts,
        "during": dict(sorted(during.items())),
        "calls": dict(kinds),
        "seconds": round(time.monotonic() - start, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cuts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--work", type=Path, help="do the work that is recorded, in this folder")
    chosen = parser.parse_args()
    if chosen.work:
        work(chosen.work, chosen.seed)
    else:
        sys.stdout.write(json.dumps(run(chosen.cuts, chosen.seed)) + "\n")


if __name__ == "__main__":
    main()
