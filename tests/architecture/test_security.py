"""What ``docs/security.md`` promises of the source text."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
USED = [
    path
    for package in ("facerec", "gui")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "peers" not in path.parts  # other people's programs, run for benchmarks
]
# A file of verification pairs is a pickle; it is looked through first, and builds lists and bytes.
READS_PICKLES = {"facerec/evaluate/pair_bins.py"}
RUNS_WHAT_IT_READS = {"pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "torch"}


def _nodes() -> Iterator[tuple[str, ast.AST]]:
    for path in USED:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            yield path.relative_to(ROOT).as_posix(), node


def _imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return {node.module.partition(".")[0]}
    return set()


def test_nothing_a_user_gives_can_run_a_program() -> None:
    found = {place for place, node in _nodes() if _imported(node) & RUNS_WHAT_IT_READS}

    assert found == READS_PICKLES


def test_arrays_are_loaded_without_pickles() -> None:
    loads = [
        (place, {keyword.arg: keyword.value for keyword in node.keywords})
        for place, node in _nodes()
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("np.load", "numpy.load")
    ]

    assert loads
    for place, keywords in loads:
        allowed = keywords.get("allow_pickle")
        assert isinstance(allowed, ast.Constant), place
        assert allowed.value is False, place


def test_no_archive_is_unpacked_to_a_folder() -> None:
    """Members are read one by one, so that no name in an archive is ever a path."""
    offenders = [
        f"{place}:{node.lineno}"
        for place, node in _nodes()
        if isinstance(node, ast.Attribute) and node.attr in ("extractall", "unpack_archive")
    ]

    assert offenders == []


def test_nothing_is_logged_that_could_hold_a_name_or_a_key() -> None:
    """There is no log but the gallery's own, without names; a logger would need a rule here."""
    assert {place for place, node in _nodes() if "logging" in _imported(node)} == set()
