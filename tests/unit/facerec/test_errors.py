"""The family of known errors."""

from __future__ import annotations

import inspect

import pytest

from facerec import errors
from facerec.errors import Cancelled, FacerecError, NoFaceError, ShapeError

FAMILY = [
    value
    for _, value in inspect.getmembers(errors, inspect.isclass)
    if issubclass(value, FacerecError)
]


def test_error_reads_as_message_and_remedy() -> None:
    error = NoFaceError("No face was found.", remedy="Use another picture.", path="a.jpg")

    assert str(error) == "No face was found. Use another picture."
    assert error.message == "No face was found."
    assert error.remedy == "Use another picture."
    assert error.details == {"path": "a.jpg"}


def test_error_without_remedy_is_its_message() -> None:
    assert str(FacerecError("So it is.")) == "So it is."


@pytest.mark.parametrize("error_type", FAMILY)
def test_codes_are_stable_words(error_type: type[FacerecError]) -> None:
    code = error_type("A sentence.").code

    assert code == code.lower()
    assert code.replace("_", "").isalpha()
    assert "error" not in code or error_type is FacerecError


def test_codes_are_derived_from_the_class() -> None:
    assert NoFaceError("x").code == "no_face"
    assert errors.DatabaseTooNewError("x").code == "database_too_new"


def test_codes_are_unique() -> None:
    codes = [error_type("x").code for error_type in FAMILY]

    assert len(codes) == len(set(codes))


def test_broken_preconditions_are_value_errors_too() -> None:
    assert issubclass(ShapeError, ValueError)


def test_cancelling_is_no_failure() -> None:
    assert not issubclass(Cancelled, FacerecError)
