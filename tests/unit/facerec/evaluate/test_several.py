from __future__ import annotations

import numpy as np
import pytest

from facerec.errors import InputError, RangeError
from facerec.evaluate.several import SHIFT_PX, SeveralCrops, SeveralNetworks, shifted
from tests.helpers.fakes import FakeEmbedder, fake_photo


@pytest.fixture
def crops():
    return np.stack([fake_photo(person, shot, 112) for person in range(3) for shot in range(2)])


def test_shifting_moves_every_pixel_and_repeats_the_edge(crops) -> None:
    small = crops[:2, :7, :7]
    for right, down in [(0, 0), (2, 0), (-2, 0), (0, 2), (1, -3)]:
        moved = shifted(small, right, down)
        for y in range(7):
            for x in range(7):
                from_y, from_x = min(max(y - down, 0), 6), min(max(x - right, 0), 6)
                assert (moved[:, y, x] == small[:, from_y, from_x]).all()


@pytest.mark.parametrize("count", [1, 5, 9])
def test_vectors_of_shifted_crops_are_summed(crops, count) -> None:
    inner = FakeEmbedder()
    several = SeveralCrops(inner, count)
    ring = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)]
    for at, crop in enumerate(crops):
        total = np.zeros(inner.dimension)
        for x, y in ring[:count]:
            # An independent shift: pad by repeating the edge, cut out again.
            padded = np.pad(crop, [(SHIFT_PX, SHIFT_PX)] * 2 + [(0, 0)], mode="edge")
            top, left = SHIFT_PX - y * SHIFT_PX, SHIFT_PX - x * SHIFT_PX
            view = padded[top : top + 112, left : left + 112]
            total += inner.embed_vectors(view[None])[0]
        np.testing.assert_allclose(
            several.embed_vectors(crops)[at], total / np.linalg.norm(total), atol=1e-6
        )
    if count == 1:
        np.testing.assert_allclose(several.embed_vectors(crops), inner.embed_vectors(crops))
    assert [one.contract_id for one in several.embed(crops[:1])] == [several.contract_id]
    assert several.contract_id != SeveralCrops(inner, 14 - count if count > 1 else 5).contract_id


def test_cosine_of_several_networks_is_the_mean_of_their_cosines(crops) -> None:
    networks = [
        FakeEmbedder(8, contract_id="fa4e000000000002"),
        FakeEmbedder(32, contract_id="fa4e000000000003"),
        FakeEmbedder(5, contract_id="fa4e000000000004"),
    ]
    joined = SeveralNetworks(networks)
    vectors = joined.embed_vectors(crops)
    assert vectors.shape == (6, joined.dimension) == (6, 45)
    each = [network.embed_vectors(crops).astype(float) for network in networks]
    for a in range(6):
        for b in range(6):
            mean = np.mean([part[a] @ part[b] for part in each])
            assert vectors[a].astype(float) @ vectors[b] == pytest.approx(mean, abs=1e-6)
    assert joined.contract_id != SeveralNetworks(networks[::-1]).contract_id
    assert joined.embed(crops[:1])[0].contract_id == joined.contract_id
    assert joined.embed_vectors(crops[:0]).shape == (0, 45)


def test_what_cannot_be_joined_is_refused() -> None:
    other = FakeEmbedder()
    other.crop_size_px = 96
    with pytest.raises(InputError, match="96, 112"):
        SeveralNetworks([FakeEmbedder(), other])
    with pytest.raises(RangeError, match="not 4"):
        SeveralCrops(FakeEmbedder(), 4)


def test_the_command_line_offers_the_counts_there_are() -> None:
    from facerec.cli import evaluate as command
    from facerec.evaluate import several

    assert command.CROP_COUNTS == several.CROP_COUNTS
