"""Under Python 3.11 some builds of PySide6 lose references to None; the window must not end by it."""

from __future__ import annotations

import subprocess
import sys

CALLS = """
{first}
from PySide6.QtCore import QObject
thing = QObject()
for _ in range(60_000):
    thing.setObjectName("x")
print("alive")
"""


def test_many_calls_that_return_none_do_no_harm() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CALLS.format(first="import gui")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.stdout.strip() == "alive", done.stderr
    assert done.returncode == 0
