"""Cards, manifests and digests."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from facerec import paths, zoo
from facerec.errors import ConfigError, NotFoundError, WeightsCorruptError, WeightsMissingError
from facerec.zoo import OperatingPoint, find_model, list_models, read_manifest, verified_path
from tests.helpers.fakes import write_toy_model


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shipped"
    folder.mkdir()
    monkeypatch.setattr(zoo, "shipped_models_dir", lambda: folder)
    return folder


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACEREC_HOME", str(tmp_path / "home"))
    return paths.user_models_dir()


def test_card_holds_what_the_manifest_says(tmp_path: Path) -> None:
    path = write_toy_model(tmp_path, dimension=16, colour="BGR", mean=100.0, std=60.0)

    (card,) = read_manifest(tmp_path)

    assert (card.name, card.task, card.net, card.template) == ("toy", "embed", "toy", "arcface-112")
    assert card.input_hw == (112, 112)
    assert card.colour == "BGR"
    assert card.mean == (100.0, 100.0, 100.0)
    assert card.std == (60.0, 60.0, 60.0)
    assert card.embedding_dim == 16
    assert card.default
    assert card.path == path
    assert card.thresholds == (OperatingPoint(0.6, 0.001, 1000, "made up", "2026-01-01"),)


def test_contract_holds_what_the_card_says(tmp_path: Path) -> None:
    write_toy_model(tmp_path)
    (card,) = read_manifest(tmp_path)

    contract = card.contract(mirror=True)

    assert contract.model_sha256 == card.files[0].sha256
    assert contract.dimension == card.embedding_dim
    assert contract.crop_size_px == 112
    assert contract.mirror
    assert card.contract().id != contract.id


def test_folder_without_manifest_has_no_models(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) == ()


def test_own_models_come_before_shipped_ones_of_the_same_name(shipped: Path, own: Path) -> None:
    write_toy_model(shipped, name="b")
    write_toy_model(shipped, name="a")
    write_toy_model(own, name="a", dimension=8)

    cards = list_models()

    assert [(card.name, card.folder) for card in cards] == [("a", own), ("b", shipped)]
    assert cards[0].embedding_dim == 8


def test_model_is_found_by_name(shipped: Path, own: Path) -> None:
    write_toy_model(shipped, name="a")
    write_toy_model(own, name="b")

    assert find_model("a").folder == shipped
    assert find_model("b").folder == own


@pytest.mark.parametrize(("shipped_name", "own_name"), [("a", "z"), ("z", "a")])
def test_own_default_comes_before_the_shipped_one(
    shipped: Path, own: Path, shipped_name: str, own_name: str
) -> None:
    write_toy_model(shipped, name=shipped_name)
    assert find_model("default").name == shipped_name

    write_toy_model(own, name=own_name)
    assert find_model("default").name == own_name


def test_unknown_model_is_refused_with_those_that_are_there(shipped: Path, own: Path) -> None:
    with pytest.raises(NotFoundError, match="Models here: none"):
        find_model("c")

    write_toy_model(shipped, name="a")
    with pytest.raises(NotFoundError, match=r"'c' for 'embed'\. Models here: a\."):
        find_model("c")
    with pytest.raises(NotFoundError, match="'a' for 'detect'"):
        find_model("a", task="detect")


def test_threshold_is_the_laxest_that_is_strict_enough(tmp_path: Path) -> None:
    write_toy_model(tmp_path)
    points = tuple(OperatingPoint(s, f, 9, "x", "") for s, f in [(0.3, 1e-2), (0.5, 1e-4)])
    card = replace(read_manifest(tmp_path)[0], thresholds=points)

    assert card.threshold_at(0.5).score == 0.3
    assert card.threshold_at(1e-2).score == 0.3
    assert card.threshold_at(9e-3).score == 0.5
    with pytest.raises(NotFoundError, match="false match rate of 1e-05"):
        card.threshold_at(1e-5)


def test_whole_file_is_verified(tmp_path: Path) -> None:
    path = write_toy_model(tmp_path)
    (card,) = read_manifest(tmp_path)

    assert verified_path(card) == path
    assert verified_path(card, path.name) == path


def test_changed_file_is_refused_even_at_the_same_size(tmp_path: Path) -> None:
    path = write_toy_model(tmp_path)
    (card,) = read_manifest(tmp_path)
    verified_path(card)  # the digest is remembered from now on
    before = path.stat()

    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))

    with pytest.raises(WeightsCorruptError, match="not the one on its card"):
        verified_path(card)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    path = write_toy_model(tmp_path)
    (card,) = read_manifest(tmp_path)
    path.unlink()

    with pytest.raises(WeightsMissingError, match="is not there"):
        verified_path(card)


def test_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_toy_model(tmp_path)
    (card,) = read_manifest(tmp_path)

    def refuse(*_arguments: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(zoo, "file_sha256", refuse)
    with pytest.raises(WeightsMissingError, match="cannot be read"):
        verified_path(card)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("[[model]]", "[[model]", id="no TOML"),
        pytest.param('name = "toy"', "", id="a key is missing"),
        pytest.param("input_hw = [112, 112]", "input_hw = [112]", id="one side only"),
        pytest.param("mean = [127.5, 127.5, 127.5]", "mean = [127.5]", id="one channel"),
        pytest.param("std = [128.0, 128.0, 128.0]", 'std = ["a", "b", "c"]', id="words"),
        pytest.param("[[model]]", "model = 3\n[x]", id="no table"),
        pytest.param('name = "toy"', "name = 3", id="a number for a name"),
        pytest.param("mean = [127.5,", "mean = [nan,", id="no number"),
        pytest.param('file = "', 'file = "../', id="a file elsewhere"),
        pytest.param('file = "', 'file = "..\\\\', id="a file elsewhere on Windows"),
    ],
)
def test_broken_manifest_is_refused(tmp_path: Path, old: str, new: str) -> None:
    write_toy_model(tmp_path)
    manifest = tmp_path / "manifest.toml"
    text = manifest.read_text()
    assert old in text
    manifest.write_text(text.replace(old, new))

    with pytest.raises(ConfigError, match=r"manifest|lacks"):
        read_manifest(tmp_path)


def test_manifest_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.toml").write_bytes(b'x = "\xba"')

    with pytest.raises(ConfigError, match="not valid"):
        read_manifest(tmp_path)


def test_unreadable_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.toml").mkdir()

    with pytest.raises(ConfigError, match="cannot be read"):
        read_manifest(tmp_path)
