"""What every embedder promises: those that are code, and those that are model files here."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

import tests.helpers.fakes  # noqa: F401  (registers the toy)
from facerec.embed.base import EMBEDDERS, Embedder, open_embedder
from facerec.errors import DeviceError, ShapeError
from facerec.zoo import list_models

NAMES = [*EMBEDDERS.names(), *(card.name for card in list_models() if card.task == "embed")]


@lru_cache
def embedder_named(name: str) -> Embedder:
    return open_embedder(name)


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def embedder(name: str) -> Embedder:
    return embedder_named(name)


def random_crops(embedder: Embedder, count: int, seed: int = 0) -> NDArray[np.uint8]:
    side = embedder.crop_size_px
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


class TestEmbedder:
    def test_vectors_have_unit_length_and_the_stated_dimension(self, embedder: Embedder) -> None:
        vectors = embedder.embed_vectors(random_crops(embedder, 3))

        assert vectors.shape == (3, embedder.dimension)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_embeddings_are_the_vectors_with_the_contract(self, embedder: Embedder) -> None:
        crops = random_crops(embedder, 2)

        embeddings = embedder.embed(crops)

        assert {embedding.contract_id for embedding in embeddings} == {embedder.contract_id}
        np.testing.assert_allclose(
            [embedding.vector for embedding in embeddings],
            embedder.embed_vectors(crops),
            atol=1e-5,
        )

    def test_same_crop_gives_same_vector(self, embedder: Embedder) -> None:
        crops = random_crops(embedder, 2)

        np.testing.assert_array_equal(
            embedder.embed_vectors(crops), embedder.embed_vectors(crops.copy())
        )

    def test_order_is_kept(self, embedder: Embedder) -> None:
        crops = random_crops(embedder, 5)

        np.testing.assert_allclose(
            embedder.embed_vectors(crops[::-1]), embedder.embed_vectors(crops)[::-1], atol=1e-5
        )

    def test_vector_does_not_depend_on_its_neighbours(self, embedder: Embedder) -> None:
        crops = random_crops(embedder, 35)

        alone = embedder.embed_vectors(crops[34:])

        np.testing.assert_allclose(embedder.embed_vectors(crops)[34:], alone, atol=1e-5)

    def test_no_crops_give_nothing(self, embedder: Embedder) -> None:
        assert embedder.embed(random_crops(embedder, 0)) == []
        assert embedder.embed_vectors(random_crops(embedder, 0)).shape == (0, embedder.dimension)

    @pytest.mark.parametrize("value", [0, 127, 255])
    def test_crop_of_one_colour_still_has_a_vector(self, embedder: Embedder, value: int) -> None:
        crops = np.full_like(random_crops(embedder, 1), value)

        assert np.isfinite(embedder.embed_vectors(crops)).all()

    def test_crops_are_left_alone(self, embedder: Embedder) -> None:
        crops = random_crops(embedder, 2)
        before = crops.copy()
        crops.flags.writeable = False

        embedder.embed(crops)

        np.testing.assert_array_equal(crops, before)

    def test_memory_layout_does_not_matter(self, embedder: Embedder) -> None:
        crops = random_crops(embedder, 2)

        np.testing.assert_allclose(
            embedder.embed_vectors(crops[:, :, ::-1]),
            embedder.embed_vectors(np.ascontiguousarray(crops[:, :, ::-1])),
            atol=1e-6,
        )

    def test_other_shapes_are_refused(self, embedder: Embedder) -> None:
        crops = random_crops(embedder, 1)

        for wrong in (crops[0], crops[:, 1:], crops[..., :1], crops.astype(np.float32)):
            with pytest.raises(ShapeError):
                embedder.embed_vectors(wrong)  # type: ignore[arg-type]

    def test_mirror_has_a_contract_of_its_own(self, name: str, embedder: Embedder) -> None:
        assert open_embedder(name, mirror=True).contract_id != embedder.contract_id

    def test_absent_device_is_an_error(self, name: str) -> None:
        with pytest.raises(DeviceError):
            open_embedder(name, device="npu7")
