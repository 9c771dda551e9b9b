"""The rules of the house that a linter does not know, checked on the source text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = [ROOT / name for name in ("facerec", "training", "gui") if (ROOT / name).is_dir()]
SOURCES = sorted(path for package in PACKAGES for path in package.rglob("*.py"))
# Peers are other people's programs as their users write them, run in processes of their own.
OWN_SOURCES = [path for path in SOURCES if "peers" not in path.parts]

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base_utils"}
# The places that answer for everything below them; a catch-all anywhere else swallows bugs.
CATCH_ALL = {
    "facerec/cli/main.py",
    "gui/workers/job.py",  # hands what a job met to the page that asked for it
    "training/data/batches.py",  # hands what a thread met to the thread that waits for it
}
STAGES_WITH_SHAPES = ("detect", "align", "embed", "index", "match", "track", "evaluate")
ARRAY_TYPES = re.compile(r"NDArray|ImageRGB|\bCrop\b|Points5|Affine2x3")
SHAPE = re.compile(r"\((?:[A-Za-z]|\d+|side|count)(?: [*+] \w+)?,[^)]*\)|``Points5``|\bImage\b")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def test_alembic_folder_is_no_package() -> None:
    """With an __init__.py the folder would shadow the library of the same name."""
    assert not (ROOT / "alembic" / "__init__.py").exists()


def test_models_folder_holds_no_python() -> None:
    assert list((ROOT / "models").rglob("*.py")) == []


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_module_names_say_what_is_inside(path: Path) -> None:
    assert FORBIDDEN_NAMES.isdisjoint({path.stem, *path.relative_to(ROOT).parent.parts})


def test_images_are_never_read_by_opencv() -> None:
    """cv2.imread ignores EXIF, fails silently and cannot open every Unicode path on Windows."""
    offenders = [
        _name(path)
        for path in OWN_SOURCES
        for call in _calls(_tree(path))
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"imread", "imshow"}
    ]

    assert offenders == []


def test_only_the_output_module_prints() -> None:
    offenders = [
        f"{_name(path)}:{call.lineno}"
        for path in OWN_SOURCES
        for call in _calls(_tree(path))
        if isinstance(call.func, ast.Name) and call.func.id == "print"
    ]

    assert [entry for entry in offenders if "cli/output.py" not in entry] == []


def test_only_the_listed_places_catch_everything() -> None:
    found = set()
    for path in OWN_SOURCES:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ExceptHandler) and _catches_everything(node):
                found.add(_name(path))

    assert found <= CATCH_ALL


def _catches_everything(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {node.id for node in types if isinstance(node, ast.Name)}
    # One that raises swallows nothing, be it the same error or its translation.
    raises = any(isinstance(node, ast.Raise) for node in handler.body)
    return bool(names & {"Exception", "BaseException"}) and not raises


def test_nobody_blanks_a_whole_file_from_the_linters() -> None:
    blanket = re.compile(r"#\s*(?:ruff: noqa\s*$|mypy: ignore-errors|type: ignore\s*$|noqa\s*$)")
    offenders = [
        f"{_name(path)}:{number}"
        for path in OWN_SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if blanket.search(line)
    ]

    assert offenders == []


def _public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                    yield member


def _without_shape(function: ast.FunctionDef) -> list[str]:
    text = ast.get_docstring(function) or ""
    if text.startswith("See ``"):  # the docstring of the protocol it fulfils holds
        return []
    if "Args:" not in text and SHAPE.search(text):  # one sentence says it all
        return []
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    missing = []
    for argument in arguments:
        annotation = ast.unparse(argument.annotation) if argument.annotation else ""
        entry = re.search(rf"^\s*{argument.arg}: (.*?)(?=^\s*\w+: |\Z)", text, re.M | re.S)
        beside = re.search(rf"\b{argument.arg} {SHAPE.pattern}", text)
        described = beside or (entry is not None and SHAPE.search(entry.group(1)))
        if ARRAY_TYPES.search(annotation) and not described:
            missing.append(argument.arg)
    return missing


def test_array_parameters_state_their_shape() -> None:
    offenders = [
        f"{_name(path)}: {function.name}({', '.join(missing)})"
        for stage in STAGES_WITH_SHAPES
        for path in sorted((ROOT / "facerec" / stage).rglob("*.py"))
        for function in _public_functions(_tree(path))
        if (missing := _without_shape(function))
    ]

    assert offenders == []


def test_repository_holds_no_paths_of_somebodys_machine() -> None:
    private = re.compile(r"(?<![\w.~-])/(?:home|root|Users)/\w")
    here = Path(__file__)
    texts = [
        path
        for pattern in ("*.py", "*.md", "*.toml", "*.yaml", "Makefile")
        for folder in ("facerec", "training", "tests", "docs", "models", "alembic", "tools")
        for path in (ROOT / folder).rglob(pattern)
    ] + [ROOT / name for name in ("README.md", "pyproject.toml", "Makefile", ".ci/run")]

    offenders = [
        _name(path)
        for path in texts
        if path != here and private.search(path.read_text(encoding="utf-8"))
    ]

    assert offenders == []
