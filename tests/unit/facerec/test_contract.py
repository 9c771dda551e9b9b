"""The embedding contract."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace

import pytest

from facerec.contract import EmbeddingContract, require_same_contract
from facerec.errors import EmbeddingMismatchError

CONTRACT = EmbeddingContract(
    model_sha256="ab" * 32,
    template="arcface-112",
    crop_size_px=112,
    colour="RGB",
    mean=(127.5, 127.5, 127.5),
    std=(128.0, 128.0, 128.0),
    dimension=512,
)
OTHERS = {
    "model_sha256": "cd" * 32,
    "template": "other",
    "crop_size_px": 128,
    "colour": "BGR",
    "mean": (127.5, 127.5, 127.6),
    "std": (128.0, 127.5, 128.0),
    "dimension": 256,
    "mirror": True,
    "pipeline_version": 2,
}


def test_id_never_changes_for_what_is_stored_already() -> None:
    # python -c "import hashlib, json; print(hashlib.sha256(json.dumps({...}, sort_keys=True,
    #   separators=(',', ':')).encode()).hexdigest()[:16])" with the fields above, mirror False and
    #   pipeline_version 1
    assert CONTRACT.id == "9af8456d493d75db"


@pytest.mark.parametrize("field", [field.name for field in fields(EmbeddingContract)])
def test_id_changes_with_every_field(field: str) -> None:
    assert replace(CONTRACT, **{field: OTHERS[field]}).id != CONTRACT.id


def test_id_is_the_same_in_another_process() -> None:
    """Hashes of Python itself are salted per process; this one must not be."""
    code = (
        "from facerec.contract import EmbeddingContract\n"
        f"print(EmbeddingContract{tuple(getattr(CONTRACT, f.name) for f in fields(CONTRACT))}.id)"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert printed.strip() == CONTRACT.id


def test_same_contract_may_be_compared() -> None:
    require_same_contract("a" * 16, "a" * 16)


def test_other_contract_is_refused_with_the_way_out() -> None:
    with pytest.raises(EmbeddingMismatchError, match="reindex --re-embed") as caught:
        require_same_contract("a" * 16, "b" * 16)

    assert caught.value.details == {"expected": "a" * 16, "actual": "b" * 16}
