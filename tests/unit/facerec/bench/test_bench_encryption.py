"""The encryption benchmark compares equal galleries, of which two are encrypted."""

from __future__ import annotations

import pytest

from facerec.bench import encryption
from facerec.bench.encryption import bench_encryption
from facerec.errors import RangeError
from facerec.services import keys
from tests.helpers.byte_scan import found_in


def test_measures_each_job_on_each_gallery(monkeypatch, tmp_path):
    monkeypatch.setattr(keys, "_told", {})
    seen = {}
    equal_galleries = encryption._equal_galleries

    def watched(*arguments):
        folders = equal_galleries(*arguments)
        for name, folder in folders.items():
            seen[name] = bool(found_in(folder, {"PNG magic": b"\x89PNG\r\n"}))
        return folders

    monkeypatch.setattr(encryption, "_equal_galleries", watched)

    report = bench_encryption(n=30, n_rounds=2, dimension=16)

    assert seen == {"plain": True, "passphrase": False, "random key": False}
    assert [(row.job, row.gallery) for row in report.rows] == [
        (job, gallery) for job in ("start up", "search", "enrol") for gallery in seen
    ]
    assert all(row.median_ms > 0 for row in report.rows)
    assert all((row.ratio is None) == (row.gallery == "plain") for row in report.rows)
    start_up = {row.gallery: row.median_ms for row in report.rows[:3]}
    assert start_up["passphrase"] > start_up["random key"]  # the key is made of it each time
    with pytest.raises(RangeError):
        bench_encryption(n=31)
