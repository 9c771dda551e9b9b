"""Verification sets: pickles of every protocol are read, and no pickle is ever run."""

from __future__ import annotations

import collections
import io
import os
import pickle
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from facerec.errors import FacerecError, InputError, NotFoundError
from facerec.evaluate.pair_bins import BinPairs, acquire_bin, read_bin
from facerec.evaluate.verification import cross_validated_accuracy, score_pairs
from tests.helpers.fakes import FakeEmbedder, fake_photo

PROTOCOLS = range(6)


def encoded(person: int, shot: int, size: int = 112) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(fake_photo(person, shot, size)).save(stream, "PNG")
    return stream.getvalue()


def toy_set(n_pairs: int = 40) -> tuple[list[bytes], list[bool]]:
    """Pairs of painted people, every second one of the same person."""
    images, same = [], []
    for pair in range(n_pairs):
        same.append(pair % 2 == 0)
        images += [encoded(pair % 7, pair), encoded(pair % 7 + (0 if same[-1] else 1), pair + 100)]
    return images, same


SMALL = ([b"", b"\xff\xd8\n'\x00", b"abc", bytes(range(256))], [True, False])


def write(folder: Path, value: object, protocol: int = 4) -> Path:
    path = folder / "set.bin"
    path.write_bytes(value if isinstance(value, bytes) else pickle.dumps(value, protocol))
    return path


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("make", [tuple, list])
def test_every_protocol_gives_the_images_and_the_truth(tmp_path: Path, protocol, make) -> None:
    result = read_bin(write(tmp_path, make(SMALL), protocol))

    assert result.images == tuple(SMALL[0])
    assert result.same.tolist() == SMALL[1]


def test_a_pickle_of_python_2_is_read(tmp_path: Path) -> None:
    """What Python 2 writes with protocol 2: byte strings as BINSTRING, truth as booleans."""
    images = b"".join(b"T" + struct.pack("<i", len(one)) + one for one in SMALL[0][:2])
    images += b"".join(b"U" + bytes([len(one)]) + one for one in [b"abc", b"de"])
    content = b"\x80\x02]q\x00(" + images + b"e]q\x01(\x88\x89e\x86q\x02."

    result = read_bin(write(tmp_path, content))

    assert result.images == (*SMALL[0][:2], b"abc", b"de")
    assert result.same.tolist() == [True, False]


def test_truth_as_zero_and_one_is_truth(tmp_path: Path) -> None:
    result = read_bin(write(tmp_path, (SMALL[0], [0, 1])))

    assert result.same.tolist() == [False, True]


def test_ten_folds_lie_in_the_order_of_the_file() -> None:
    n = 43
    pairs = BinPairs(Path("a.bin"), (b"",) * (2 * n), np.arange(n) % 2 == 0).pair_list()

    # The first n % 10 folds have one more, as scikit-learn's KFold without shuffling.
    expected = [fold for fold in range(10) for _ in range(5 if fold < 3 else 4)]
    assert [pair.fold for pair in pairs.pairs] == expected
    assert pairs.n_folds == 10
    assert [(pair.a.name, pair.b.name) for pair in pairs.pairs[:2]] == [
        ("image 1", "image 2"),
        ("image 3", "image 4"),
    ]
    few = BinPairs(Path("a.bin"), (b"",) * 18, np.arange(9) % 2 == 0).pair_list()
    assert few.n_folds == 1


def test_accuracy_is_what_plain_loops_find(tmp_path: Path) -> None:
    images, same = toy_set()
    images[7] = b"no image"
    pairs = read_bin(write(tmp_path, (images, same)))
    embedder = FakeEmbedder()

    acquired = acquire_bin(pairs, embedder, others={"mirror": FakeEmbedder(contract_id="f" * 16)})
    result = cross_validated_accuracy(score_pairs(pairs.pair_list(), acquired))

    assert list(acquired.failures) == [7]
    assert set(acquired.others) == {"mirror"}
    scores = []
    for pair in range(40):
        vectors = []
        for one in images[2 * pair : 2 * pair + 2]:
            if one == b"no image":
                continue
            pixels = np.asarray(Image.open(io.BytesIO(one)))
            vectors.append(embedder.embed_vectors(pixels[None])[0].astype(float))
        scores.append(vectors[0] @ vectors[1] if len(vectors) == 2 else -np.inf)
    accuracies = []
    for fold in range(10):
        held = range(4 * fold, 4 * fold + 4)
        rest = [at for at in range(40) if at not in held]

        def right(places, threshold):
            return sum(
                scores[at] > -np.inf and (scores[at] >= threshold) == same[at] for at in places
            )

        best = max((1 - step * 0.005 for step in range(400)), key=lambda t: right(rest, t))
        accuracies.append(right(held, best) / 4)
    assert result.accuracies == pytest.approx(accuracies)
    assert 0.5 < result.mean < 1


def test_images_that_are_no_crops_are_refused(tmp_path: Path) -> None:
    pairs = read_bin(write(tmp_path, ([encoded(1, 1), encoded(1, 2, 96)] * 2, [True, False])))

    with pytest.raises(InputError, match=r"Image 2 of set.bin has 96 x 96 .* 112 x 112"):
        acquire_bin(pairs, FakeEmbedder())


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (b"", "no verification set"),
        (b"random bytes", "no verification set"),
        (pickle.dumps(SMALL)[:-20], "no verification set"),
        ({"images": []}, "no verification set"),
        ((SMALL[0], SMALL[1], []), "no verification set"),
        ((["text"] * 4, [True, False]), "no verification set"),
        ((SMALL[0], [True, None]), "no verification set"),
        ((SMALL[0], [True, 2]), "no verification set"),
        ((SMALL[0], [True, np.bool_(False)]), "no verification set"),
        ((np.zeros(4), [True, False]), "no verification set"),
        ((b"abcd", [True, False]), "no verification set"),
        ((SMALL[0][:3], SMALL[1]), "3 images and 2 pairs"),
        ((SMALL[0], [True, True]), "pairs of the same person and of different people"),
        (([], []), "pairs of the same person and of different people"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(tmp_path: Path, value, sentence) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        read_bin(write(tmp_path, value))

    assert caught.value.remedy


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"none\.bin cannot be read"):
        read_bin(tmp_path / "none.bin")


class _Call:
    """Pickles as a call of any function."""

    def __init__(self, function, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def _text(opcode: bytes, text: str) -> bytes:
    return opcode + text.encode() + b"\n"


def malicious(marker: Path) -> dict[str, bytes]:
    """Pickles that would make the file ``marker``, by each opcode that can call or import."""
    command = f"touch {marker}"
    code = f"__import__('pathlib').Path({str(marker)!r}).touch()"
    short = b"\x8c" + bytes([len(command)]) + command.encode()
    inst = b"(" + b"S" + repr(command).encode() + b"\n" + _text(b"i", "os\nsystem") + b"."
    found = {
        f"os.system, protocol {protocol}": pickle.dumps(_Call(os.system, command), protocol)
        for protocol in PROTOCOLS
    }
    found |= {
        f"eval, protocol {protocol}": pickle.dumps(_Call(eval, code), protocol)
        for protocol in PROTOCOLS
    }
    found |= {
        "inside the lists": pickle.dumps(([_Call(os.system, command)] * 4, [True, False])),
        "behind good lists": pickle.dumps((*SMALL, _Call(os.system, command))),
        "GLOBAL of Python 2": b"(" + _text(b"V", code) + b"t" + b"\x80\x02"
        + _text(b"c", "__builtin__\neval") + b"\x85R.",
        "GLOBAL": _text(b"c", "os\nsystem") + b"(" + _text(b"V", command) + b"tR.",
        "STACK_GLOBAL": b"\x80\x04\x8c\x02os\x8c\x06system\x93" + short + b"\x85R.",
        "STACK_GLOBAL, dotted": b"\x80\x04\x8c\x07_codecs\x8c\x0cencode.__cls\x93" + short
        + b"\x85R.",
        "INST": inst,
        "OBJ": b"(" + _text(b"c", "os\nsystem") + _text(b"V", command) + b"o.",
        "NEWOBJ": b"\x80\x02" + _text(b"c", "subprocess\nPopen") + _text(b"V", command)
        + b"\x85\x81.",
        "NEWOBJ_EX": b"\x80\x04\x8c\x0asubprocess\x8c\x05Popen\x93" + short + b"\x85}\x92.",
        "BUILD": _text(b"c", "_codecs\nencode") + b"}" + _text(b"V", "__code__") + b"K\x01sb.",
        "persistent id": _text(b"P", "os.system"),
        "binary persistent id": _text(b"V", "os.system") + b"Q.",
        "EXT1": b"\x80\x02\x82\x01.",
        "out-of-band buffer": b"\x80\x05\x97.",
        "_codecs.decode": _text(b"c", "_codecs\ndecode") + b"(" + _text(b"V", "a") + b"tR.",
        "_codecs.encode by another codec": _text(b"c", "_codecs\nencode") + b"("
        + _text(b"V", code) + _text(b"V", "idna") + b"tR.",
        "dictionary": pickle.dumps({}),
        "set": pickle.dumps({1}),
        "counter": pickle.dumps(collections.Counter("ab")),
    }  # fmt: skip
    return found


@pytest.mark.parametrize("kind", malicious(Path("marker")))
def test_a_malicious_pickle_is_refused_and_never_run(tmp_path: Path, kind: str) -> None:
    marker = tmp_path / "ran"

    with pytest.raises(InputError, match="no verification set") as caught:
        read_bin(write(tmp_path, malicious(marker)[kind]))

    assert not marker.exists()
    assert "Nothing in it was run" in caught.value.remedy


def test_the_malicious_pickles_are_no_blanks(tmp_path: Path) -> None:
    """The test above can fail: unpickled as usual, these make the file."""
    for kind in (
        "os.system, protocol 4",
        "eval, protocol 0",
        "GLOBAL",
        "STACK_GLOBAL",
        "INST",
        "OBJ",
    ):
        marker = tmp_path / kind.replace(" ", "-")
        pickle.loads(malicious(marker)[kind])  # noqa: S301  (made above)
        assert marker.exists(), kind


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b"abc.",
        b"\x80\x03B" + struct.pack("<I", 2**32 - 1) + b"abc.",
        b"\x80\x02]r" + struct.pack("<I", 2**31 - 1) + b".",
        b"(lp999999999\n.",
        b"\x80\x04\x95" + struct.pack("<Q", 2**50) + b"].",
        b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b".",
        # One text of a megabyte, made bytes a thousand times.
        b"\x80\x02]q\x00(c_codecs\nencode\nq\x01X" + struct.pack("<I", 10**6) + b"a" * 10**6
        + b"q\x02X\x06\x00\x00\x00latin1q\x03\x86q\x04R" + b"h\x01h\x04R" * 1000 + b"e.",
    ],
    ids=["bytes", "bytes 4", "place", "text place", "frame", "bytearray", "repeated text"],
)  # fmt: skip
def test_lengths_that_lie_take_no_memory(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path, content)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="no verification set"):
            read_bin(path)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


FUZZ = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def read_anything(folder: Path, content: bytes) -> None:
    try:
        result = read_bin(write(folder, content))
    except FacerecError as exc:
        assert exc.message.endswith(".")  # noqa: PT017
    else:
        assert len(result.images) == 2 * len(result.same)


@FUZZ
@given(data=st.data(), protocol=st.sampled_from(PROTOCOLS))
def test_damaged_sets_end_well(tmp_path: Path, data: st.DataObject, protocol: int) -> None:
    content = bytearray(pickle.dumps(SMALL, protocol))
    for _ in range(data.draw(st.integers(0, 5))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    read_anything(tmp_path, bytes(content[:cut]))


@FUZZ
@given(content=st.binary(max_size=300))
def test_random_bytes_end_well(tmp_path: Path, content: bytes) -> None:
    read_anything(tmp_path, content)


@FUZZ
@given(
    opcodes=st.lists(
        st.sampled_from(b"().]lae\x94\x85\x86\x87t\x88\x89NRcK\x01q\x00h0120I\n"), max_size=40
    )
)
def test_rows_of_opcodes_end_well(tmp_path: Path, opcodes: list[int]) -> None:
    read_anything(tmp_path, bytes(opcodes) + b".")
