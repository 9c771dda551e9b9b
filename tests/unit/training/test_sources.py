"""Sources of crops: folders, zip and tar archives, RecordIO files, whole, damaged and malicious."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import struct
import tarfile
import tracemalloc
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from facerec.errors import FacerecError
from tests.helpers.fakes import write_toy_model
from tests.helpers.training_packs import write_toy_pack
from training.commands import train
from training.data.names import clean_path, plain_name
from training.data.overlap import names_in_common, write_excluded
from training.data.pack import CropPack, PackItem, Split, pack_sources, write_pack
from training.data.sources.base import MAX_IMAGE_BYTES, SourceLog, wrapping_depth
from training.data.sources.opening import open_sources
from training.data.targets import Teacher
from training.errors import DatasetError

SIDE = 16


def png(value: int, side: int = SIDE) -> bytes:
    """An image of noise, so that its bytes cannot be packed, with a first pixel of its own."""
    pixels = np.random.default_rng(value).integers(0, 256, (side, side, 3)).astype(np.uint8)
    pixels[0, 0] = value
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def jpeg(value: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), (value, value, value)).save(stream, "JPEG")
    return stream.getvalue()


PEOPLE = {"Ana/1.png": png(1), "Ana/2.png": png(2), "Bo/1.png": png(3), "Bo/2.png": png(4)}


def write_folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def write_zip(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tar_bytes(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def write_tar(path: Path, files: dict[str, bytes]) -> Path:
    packed = {".gz": gzip.compress, ".bz2": bz2.compress}.get(path.suffix, bytes)
    path.write_bytes(packed(tar_bytes(files)))
    return path


# RecordIO by its public description, written without the reader's constants.
def record(content: bytes) -> bytes:
    """One record; the magic number on a border of four bytes inside cuts it, and is left out."""
    magic = bytes.fromhex("0a23d7ce")
    parts, start = [], 0
    for at in range(0, len(content) - 3, 4):
        if content[at : at + 4] == magic:
            parts.append(content[start:at])
            start = at + 4
    parts.append(content[start:])
    kinds = [0] if len(parts) == 1 else [1, *[2] * (len(parts) - 2), 3]
    written = b""
    for kind, part in zip(kinds, parts, strict=True):
        written += magic + struct.pack("<I", kind * 2**29 + len(part))
        written += part + bytes((4 - len(part) % 4) % 4)
    return written


def labelled(label: float | list[float], image: bytes, number: int = 0) -> bytes:
    if isinstance(label, list):
        header = struct.pack("<IfQQ", len(label), 0.0, number, 0)
        return record(header + struct.pack(f"<{len(label)}f", *label) + image)
    return record(struct.pack("<IfQQ", 0, label, number, 0) + image)


def insightface_records(images: list[tuple[float | list[float], bytes]]) -> list[bytes]:
    """Header, images, and one range of images a person, as InsightFace's tool writes them."""
    n_people = 2
    end = len(images) + 1
    records = [labelled([float(end), float(end + n_people)], b"", 0)]
    records += [labelled(label, image, n) for n, (label, image) in enumerate(images, start=1)]
    return records + [labelled([1.0, 3.0], b"", end + one) for one in range(n_people)]


def write_rec(path: Path, records: list[bytes]) -> Path:
    path.write_bytes(b"".join(records))
    return path


RECORDS = insightface_records(
    [(0.0, png(1)), (0.0, jpeg(2)), ([7.0, 0.5, 0.25], png(3)), (7.0, jpeg(4))]
)


def read(*paths: Path) -> tuple[list[tuple[str, bytes]], SourceLog]:
    log = SourceLog()
    found = [
        (crop.person, crop.content) for source in open_sources(paths) for crop in source.crops(log)
    ]
    return found, log


EXPECTED = [("Ana", png(1)), ("Ana", png(2)), ("Bo", png(3)), ("Bo", png(4))]
WRITERS = {
    "": write_folder,
    ".zip": write_zip,
    ".tar": write_tar,
    ".tar.gz": write_tar,
    ".tgz": lambda path, files: path.write_bytes(gzip.compress(tar_bytes(files))),
    ".tar.bz2": write_tar,
}


@pytest.mark.parametrize("ending", WRITERS)
def test_every_kind_of_source_gives_the_same_people_and_bytes(tmp_path: Path, ending) -> None:
    files = {**PEOPLE, "Ana/notes.txt": b"no image", ".hidden/1.png": png(9)}
    WRITERS[ending](tmp_path / f"mine{ending}", files)

    found, log = read(tmp_path / f"mine{ending}")

    assert found == EXPECTED
    assert (log.skipped, log.notes) == ([], [])


@pytest.mark.parametrize("ending", WRITERS)
def test_a_pack_of_every_kind_holds_pixels_people_and_source(tmp_path: Path, ending) -> None:
    WRITERS[ending](tmp_path / f"mine{ending}", PEOPLE)

    report = pack_sources([tmp_path / f"mine{ending}"], tmp_path / "pack", side_px=SIDE)

    pack = CropPack(tmp_path / "pack")
    assert (report.n_crops, report.n_people) == (4, 2)
    assert pack.crops.shape == (4, SIDE, SIDE, 3)
    assert [int(crop[0, 0, 0]) for crop in pack.crops] == [1, 2, 3, 4]
    assert [item.group for item in pack.items] == ["mine:Ana", "mine:Ana", "mine:Bo", "mine:Bo"]
    assert sorted(path.name for path in pack.folder.iterdir()) == [
        "crops.npy", "items.jsonl", "skipped.jsonl",
    ]  # fmt: skip


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_zip_methods(tmp_path: Path, method) -> None:
    found, _ = read(write_zip(tmp_path / "a.zip", PEOPLE, method))

    assert found == EXPECTED


def test_a_folder_around_all_people_is_no_person(tmp_path: Path) -> None:
    wrapped = {f"./set/images/{name}": content for name, content in PEOPLE.items()}

    assert read(write_zip(tmp_path / "a.zip", wrapped))[0] == EXPECTED
    assert read(write_tar(tmp_path / "b.tar", wrapped))[0] == EXPECTED
    assert wrapping_depth(["Ana/1.png", "Ana/2.png"]) == 0
    assert wrapping_depth(["x/Ana/1.png", "x/2.png"]) == 0
    assert wrapping_depth([]) == 0


def test_shards_are_one_source_by_pattern_and_one_by_one(tmp_path: Path) -> None:
    paths = [
        write_tar(tmp_path / f"set-{at:03d}.tar", {name: content})
        for at, (name, content) in enumerate(PEOPLE.items())
    ]

    (by_pattern,) = open_sources([tmp_path / "set-*.tar"])
    (one_by_one,) = open_sources(paths)

    assert (by_pattern.name, by_pattern.n_images) == ("set", 4)
    assert [crop.person for crop in one_by_one.crops(SourceLog())] == ["Ana", "Ana", "Bo", "Bo"]
    assert list(by_pattern.crops(SourceLog())) == list(one_by_one.crops(SourceLog()))
    with pytest.raises(DatasetError, match="No file matches"):
        open_sources([tmp_path / "other-*.tar"])


def test_webdataset_labels_name_the_people(tmp_path: Path) -> None:
    files = {"0.png": png(1), "0.cls": b"12", "1.cls": "Zoë".encode(), "1.png": png(2)}

    found, _ = read(write_tar(tmp_path / "set.tar", files))

    assert found == [("12", png(1)), ("Zoë", png(2))]


def test_names_are_read_in_code_page_437_and_utf_8_said_or_not(tmp_path: Path) -> None:
    names = ["Zoë/1.png", "Zoë/2.png", "李明/3.png", "Зоя/4.png"]
    files = {name: png(at) for at, name in enumerate(names)}
    path = write_zip(tmp_path / "said.zip", files)
    unsaid = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = unsaid.find(signature)
        while at >= 0:
            unsaid[at + flags + 1] &= ~0x08
            at = unsaid.find(signature, at + 4)
    (tmp_path / "unsaid.zip").write_bytes(unsaid)
    old = write_zip(tmp_path / "old.zip", {"Zo_/1.png": png(1)}).read_bytes()
    (tmp_path / "old.zip").write_bytes(old.replace(b"Zo_", b"Zo\x89"))  # 0x89 is ë there

    people = ["Zoë", "Zoë", "李明", "Зоя"]
    assert [person for person, _ in read(path)[0]] == people
    assert [person for person, _ in read(tmp_path / "unsaid.zip")[0]] == people
    assert read(tmp_path / "old.zip")[0] == [("Zoë", png(1))]


def test_decomposed_names_are_the_same_people(tmp_path: Path) -> None:
    apart, whole = unicodedata.normalize("NFD", "Zoë"), unicodedata.normalize("NFC", "Zoë")
    assert apart != whole
    files = {f"{apart}/1.png": png(1), f"{whole}/2.png": png(2), "Bo/3.png": png(3)}

    found, _ = read(write_tar(tmp_path / "a.tar", files))

    assert [person for person, _ in found] == [whole, whole, "Bo"]


def test_names_that_climb_or_lie_become_plain(tmp_path: Path) -> None:
    files = {"../../etc/1.png": png(1), "/abs/2.png": png(2), "C:\\x\\3.png": png(3)}

    found, log = read(write_tar(tmp_path / "a.tar", files))

    assert [person for person, _ in found] == ["etc", "abs", "C:"]
    assert not log.notes
    assert clean_path("a\nb/\x00/./..//c\udc89") == "ab/c\\x89"


def test_names_with_signs_that_end_lines_survive_the_pack(tmp_path: Path) -> None:
    person = "Zoë\u2028\u0085 \u200c李"
    write_pack(
        tmp_path, np.zeros((1, 4, 4, 3), np.uint8), [PackItem("s", person, "s:g", "a\x1c.png")]
    )

    (item,) = CropPack(tmp_path).items

    assert (item.person, item.file) == (person, "a\x1c.png")


@pytest.mark.parametrize("ending", ["", ".zip", ".tar", ".rec"])
def test_a_corrupt_image_among_good_ones_is_skipped_and_named(tmp_path: Path, ending) -> None:
    files = {**PEOPLE, "Bo/1.png": jpeg(3)[:200], "Bo/0.jpg": b"", "Ana/0.jpg": b"no image"}
    path = tmp_path / f"mine{ending}"
    if ending == ".rec":
        write_rec(path, [labelled(0.0, content or b"\0") for content in files.values()])
    else:
        WRITERS[ending](path, files)

    report = pack_sources([path], tmp_path / "pack", side_px=SIDE)

    assert report.n_crops == 3
    assert len(report.skipped) == 3
    assert all(one.reason.endswith(".") for one in report.skipped)
    stored = (tmp_path / "pack" / "skipped.jsonl").read_text().splitlines()
    assert [json.loads(line)["file"] for line in stored] == [one.file for one in report.skipped]
    if ending != ".rec":
        assert {one.file for one in report.skipped} == {"Bo/1.png", "Bo/0.jpg", "Ana/0.jpg"}


def test_flipped_bytes_in_a_zip_are_noticed(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", PEOPLE, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.find(png(3)) + 60] ^= 1
    path.write_bytes(content)

    found, log = read(path)

    assert found == [one for one in EXPECTED if one[1] != png(3)]
    assert [(one.file, one.reason) for one in log.skipped] == [
        ("Bo/1.png", "It is damaged or cut off.")
    ]


@pytest.mark.parametrize("kind", ["stored", "deflated", "streamed"])
def test_of_a_cut_off_zip_the_files_before_are_kept(tmp_path: Path, kind) -> None:
    path = tmp_path / "a.zip"
    if kind == "streamed":  # lengths stand behind the files
        path.write_bytes(streamed_zip())
    else:
        write_zip(path, PEOPLE, zipfile.ZIP_STORED if kind == "stored" else zipfile.ZIP_DEFLATED)
    content = path.read_bytes()
    third = content.find(b"Bo/1.png")
    path.write_bytes(content[: third + 300])

    found, log = read(path)

    assert found == EXPECTED[:2]
    assert log.notes == [
        f"a.zip breaks off at byte {third - 30:,} of {third + 300:,}; what lies before was read."
    ]


def streamed_zip() -> bytes:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.content = b""

        def writable(self) -> bool:
            return True

        def write(self, data) -> int:
            self.content += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in PEOPLE.items():
            archive.writestr(name, content)
    return pipe.content


def test_a_zip_whose_directory_alone_is_lost_is_read_whole(tmp_path: Path) -> None:
    for at, content in enumerate(
        (streamed_zip(), write_zip(tmp_path / "x.zip", PEOPLE).read_bytes())
    ):
        path = tmp_path / f"a{at}.zip"
        path.write_bytes(content[: content.find(b"PK\x01\x02") + 50])

        found, log = read(path)

        assert found == EXPECTED
        assert log.notes == [f"The directory of {path.name} is damaged; its files were read."]


@pytest.mark.parametrize("ending", [".tar", ".tar.gz"])
def test_of_a_cut_off_tar_the_members_before_are_kept(tmp_path: Path, ending) -> None:
    content = tar_bytes(PEOPLE)
    at = content.find(b"Bo/1.png") + 512 + 100
    cut = content[:at]
    if ending == ".tar.gz":
        packed = gzip.compress(content)
        unpacked = len(zlib.decompressobj(31).decompress(packed[:1900]))
        cut, at = packed[:1900], unpacked
    path = tmp_path / f"a{ending}"
    path.write_bytes(cut)

    found, log = read(path)

    n_whole = sum(content.find(data) + len(data) <= at for data in PEOPLE.values())
    assert 0 < n_whole < 4
    assert found == EXPECTED[:n_whole]
    assert len(log.notes) == 1
    assert "damaged or cut off near byte" in log.notes[0]


def test_a_damaged_tar_header_ends_the_reading_with_a_sentence(tmp_path: Path) -> None:
    content = bytearray(tar_bytes(PEOPLE))
    content[content.find(b"Bo/1.png") + 150] ^= 0xFF
    path = tmp_path / "a.tar"
    path.write_bytes(content)

    found, log = read(path)

    assert found == EXPECTED[:2]
    assert len(log.notes) == 1


def test_links_devices_and_nested_archives_are_left_out(tmp_path: Path) -> None:
    inner = tmp_path / "inner.zip"
    write_zip(inner, PEOPLE)
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            member = tarfile.TarInfo(f"Ana/{kind.decode()}.png")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        archive.add(inner, "Ana/inner.zip")
        good = tarfile.TarInfo("Ana/1.png")
        good.size = len(png(1))
        archive.addfile(good, io.BytesIO(png(1)))
    write_zip(tmp_path / "b.zip", {"Ana/1.png": png(1), "Ana/in.zip": inner.read_bytes()})

    assert read(path)[0] == [("Ana", png(1))]
    assert read(tmp_path / "b.zip")[0] == [("Ana", png(1))]


def test_locked_and_oversized_files_of_a_zip_are_skipped(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {**PEOPLE, "Bo/9.png": bytes(MAX_IMAGE_BYTES + 1)})
    locked = bytearray(path.read_bytes())
    locked[locked.find(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(locked)

    found, log = read(path)

    assert found == EXPECTED[1:]
    assert [(one.file, one.reason) for one in log.skipped] == [
        ("Ana/1.png", "It is locked with a password."),
        ("Bo/9.png", "It has more than 32 MiB."),
    ]


def peak_bytes(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_archives_that_lie_about_lengths_take_no_memory(tmp_path: Path) -> None:
    """A tar header of 8 GB, a record of 512 MB and a zip directory of 4 GB in tiny files."""
    tar = bytearray(tar_bytes({"Ana/1.png": png(1), "Ana/2.png": png(2)}))
    second = tar.find(b"Ana/2.png")
    tar[second + 124 : second + 136] = b"77777777777\0"
    tar[second + 148 : second + 156] = b" " * 8
    tar[second + 148 : second + 156] = b"%06o\0 " % sum(tar[second : second + 512])
    (tmp_path / "a.tar").write_bytes(tar)
    rec = labelled(0.0, png(1)) + struct.pack("<II", 0xCED7230A, 2**29 - 1) + bytes(50)
    (tmp_path / "a.rec").write_bytes(rec)
    archive = bytearray(write_zip(tmp_path / "b.zip", PEOPLE).read_bytes())
    end = archive.rfind(b"PK\x05\x06")
    archive[end + 12 : end + 16] = b"\xff" * 4
    (tmp_path / "b.zip").write_bytes(archive)
    results = {}

    used = peak_bytes(
        lambda: [
            results.update({name: read(tmp_path / name)}) for name in ("a.tar", "a.rec", "b.zip")
        ]
    )

    assert used < 20_000_000
    assert results["a.tar"][0] == EXPECTED[:1]
    assert results["a.rec"][0] == [("0", png(1))]
    assert results["b.zip"][0] == EXPECTED
    assert all(len(log.notes) == 1 for _, log in results.values())


def test_a_gzip_bomb_is_not_followed(tmp_path: Path) -> None:
    member = tarfile.TarInfo("Ana/2.png")
    member.size = 70 * 2**20
    bomb = zlib.compressobj(9, wbits=31)
    first = 512 + -(-len(png(1)) // 512) * 512
    content = bomb.compress(tar_bytes({"Ana/1.png": png(1)})[:first] + member.tobuf())
    # The member and a mebibyte of end marks: well-formed, but for its size.
    content += b"".join(bomb.compress(bytes(2**20)) for _ in range(71)) + bomb.flush()
    (tmp_path / "a.tar.gz").write_bytes(content)
    results = []

    used = peak_bytes(lambda: results.append(read(tmp_path / "a.tar.gz")))

    assert used < 20_000_000
    ((found, log),) = results
    assert found == EXPECTED[:1]
    assert len(log.notes) == 1


def test_files_of_a_zip_that_grow_beyond_reason_are_skipped(tmp_path: Path) -> None:
    write_zip(tmp_path / "b.zip", {"Ana/1.png": png(1), "Ana/2.png": bytes(10**7)})

    found, log = read(tmp_path / "b.zip")

    assert found == EXPECTED[:1]
    assert [one.file for one in log.skipped] == ["Ana/2.png"]


def test_a_zip_that_names_one_file_many_times_gives_it_once(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("Ana/1.png", png(1))
        archive.filelist += archive.filelist * 50

    found, log = read(tmp_path / "a.zip")

    assert found == EXPECTED[:1]
    assert log.notes == ["The directory of a.zip is damaged; its files were read."]


def test_insightface_records_give_images_by_their_label(tmp_path: Path) -> None:
    (tmp_path / "faces_emore").mkdir()
    path = write_rec(tmp_path / "faces_emore" / "train.rec", RECORDS)

    (source,) = open_sources([path])
    log = SourceLog()
    found = list(source.crops(log))

    assert (source.name, source.n_images) == ("faces_emore", 4)
    assert [crop.person for crop in found] == ["0", "0", "7", "7"]
    assert [crop.content for crop in found] == [png(1), jpeg(2), png(3), jpeg(4)]
    assert (log.skipped, log.notes) == ([], [])


def test_magic_numbers_inside_an_image_are_put_back(tmp_path: Path) -> None:
    magic = bytes.fromhex("0a23d7ce")
    images = [magic, magic * 3, b"abcd" + magic + b"e", b"x" + magic, magic[:3] + magic + b"12345"]
    path = write_rec(
        tmp_path / "a.rec", [labelled(float(at), one) for at, one in enumerate(images)]
    )

    found, log = read(path)

    assert found == [(str(at), image) for at, image in enumerate(images)]
    assert not log.notes


@pytest.mark.parametrize("keep", [0.3, 0.5, 0.9])
def test_of_cut_off_records_those_before_are_kept(tmp_path: Path, keep) -> None:
    whole = b"".join(RECORDS)
    path = write_rec(tmp_path / "a.rec", [whole[: int(keep * len(whole))]])
    ends = np.cumsum([len(one) for one in RECORDS])
    n_whole = int((ends[1:5] <= int(keep * len(whole))).sum())

    found, log = read(path)

    assert len(found) == n_whole
    assert "breaks off at byte" in log.notes[0]
    assert log.notes[1:] == [f"a.rec announces 4 images; {n_whole} were read."]


DAMAGES = {"magic": (1, 0x50), "longer": (4, 0x50), "shorter": (5, 0x02), "kind": (7, 0x60)}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("row", [1, 2, 3])
def test_a_damaged_record_does_not_cost_those_around_it(tmp_path: Path, damage, row) -> None:
    values = [11, 22, 33, 44]
    records = [bytearray(one) for one in insightface_records([(0.0, jpeg(v)) for v in values])]
    at, bits = DAMAGES[damage]
    length = struct.unpack_from("<I", records[row], 4)[0]
    records[row][at] ^= bits
    damaged = struct.unpack_from("<I", records[row], 4)[0]
    assert (damaged > length, damaged < length) == (
        damage in ("longer", "kind"),
        damage == "shorter",
    )
    write_rec(tmp_path / "a.rec", [bytes(one) for one in records])

    report = pack_sources([tmp_path / "a.rec"], tmp_path / "pack", side_px=SIDE)

    del values[row - 1]
    kept = [int(crop[0, 0, 0]) for crop in CropPack(tmp_path / "pack").crops]
    assert kept == values
    assert f"at byte {sum(map(len, records[:row]))}" in report.skipped[0].file


def test_labels_that_are_no_number_or_nobody(tmp_path: Path) -> None:
    records = [labelled(label, png(1)) for label in (float("nan"), float("inf"), 0.5, -1.0, 3.0)]

    found, log = read(write_rec(tmp_path / "a.rec", records))

    assert [person for person, _ in found] == ["", "3"]
    assert [one.reason for one in log.skipped] == ["Its label is no whole number."] * 3


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.zip", b"", "There is no image in a"),
        ("a.zip", b"PK\x05\x06" + bytes(18), "There is no image in a"),
        ("a.tar", b"", "There is no image in a"),
        ("a.tar", bytes(10240), "There is no image in a"),
        ("a.tar.gz", b"no gzip at all", "There is no image in a"),
        ("a.rec", b"", "There is no image in a"),
        ("a.rec", b"random" * 100, "There is no image in a"),
        ("a.bin", b"x", "pairs to evaluate on"),
        ("a.rar", b"x", "no source of crops that is known"),
        ("train.idx", b"0\t0\n", "no source of crops that is known"),
        ("a.rec", labelled(1.0, b"no image"), "None of the 1 images in a can be read"),
    ],
)
def test_what_holds_no_crop_is_refused_in_one_sentence(tmp_path, name, content, sentence) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(DatasetError) as caught:
        pack_sources([tmp_path / name], tmp_path / "pack", side_px=SIDE)

    assert sentence in caught.value.message
    assert caught.value.remedy
    assert not list((tmp_path / "pack").glob("*")) if (tmp_path / "pack").exists() else True


def test_what_is_not_there_or_named_twice_is_refused(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        write_folder(tmp_path / folder / "crops", PEOPLE)
    with pytest.raises(DatasetError, match="There is no source"):
        open_sources([tmp_path / "none.zip"])
    with pytest.raises(DatasetError, match="Two sources are called crops"):
        open_sources([tmp_path / "x" / "crops", tmp_path / "y" / "crops"])
    write_zip(tmp_path / "x" / "crops.zip", PEOPLE)
    with pytest.raises(DatasetError, match="Two sources are called crops"):
        open_sources([tmp_path / "x" / "crops", tmp_path / "x" / "crops.zip"])
    assert len(open_sources([tmp_path / "x" / "crops"] * 2)) == 1


@pytest.mark.parametrize("ending", [".zip", ".tar", ".rec"])
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch, ending) -> None:
    (tmp_path / f"a{ending}").write_bytes(b"x")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DatasetError, match=r"cannot be read.* Permission denied"):
        open_sources([tmp_path / f"a{ending}"])


def test_crops_of_another_size_need_resize_and_must_be_square(tmp_path: Path) -> None:
    large = Image.fromarray(np.full((64, 64, 3), 77, np.uint8))
    (tmp_path / "a" / "Ana").mkdir(parents=True)
    large.save(tmp_path / "a" / "Ana" / "1.png")

    with pytest.raises(DatasetError, match=r"64 x 64 .* facerec align FOLDER CROPS, or .*--resize"):
        pack_sources([tmp_path / "a"], tmp_path / "pack", side_px=SIDE)
    pack_sources([tmp_path / "a"], tmp_path / "pack", side_px=SIDE, resize=True)
    large.crop((0, 0, 40, 64)).save(tmp_path / "a" / "Ana" / "1.png")
    with pytest.raises(DatasetError, match="40 x 64"):
        pack_sources([tmp_path / "a"], tmp_path / "other", side_px=SIDE, resize=True)

    assert (CropPack(tmp_path / "pack").crops == 77).all()
    with pytest.raises(DatasetError, match=r"a pack in .* already"):
        pack_sources([tmp_path / "a"], tmp_path / "pack", side_px=SIDE)


def on_side(held_out: bool, n: int = 1) -> list[str]:
    """First names that are (not) held out in a source called ``a`` and on the other side in b."""
    names = [chr(97 + i) + chr(97 + j) * 2 + "o" for i in range(26) for j in range(26)]
    good = [
        name
        for name in names
        if PackItem("a", name, f"a:{name}", "").is_held_out == held_out
        and PackItem("b", name, f"b:{name}", "").is_held_out != held_out
    ]
    return good[:n]


def test_nobody_is_on_both_sides_of_the_split(tmp_path: Path) -> None:
    split = Split()
    (torn,) = on_side(True)
    assert split.add(PackItem("a", torn, f"a:{torn}", "1"))
    assert split.add(PackItem("a", torn, f"a:{torn}", "2"))
    with pytest.raises(DatasetError, match=f"a/{torn} and a/{torn} are one person"):
        split.add(PackItem("a", torn, f"b:{torn}", "3"))
    items = [PackItem("a", torn, f"{group}:{torn}", "1") for group in "ab"]
    write_pack(tmp_path, np.zeros((2, 4, 4, 3), np.uint8), items)
    with pytest.raises(DatasetError, match="held out and trained on"):
        _ = CropPack(tmp_path).held_out


def test_sources_that_share_people_must_spell_them_so_that_they_stay_together(tmp_path) -> None:
    spelt = next(
        (one, other)
        for i in range(26)
        for j in range(26)
        for one in [chr(97 + i) + chr(97 + j) + "o"]
        for other in [one.capitalize()]
        if PackItem("a", one, f"a:{one}", "").is_held_out
        != PackItem("a", other, f"a:{other}", "").is_held_out
    )
    for source, person in zip("ab", spelt, strict=True):
        write_folder(tmp_path / source, {f"{person}/1.png": png(1)})
    both = [tmp_path / "a", tmp_path / "b"]

    with pytest.raises(DatasetError, match="one person, who would be held out and trained on"):
        pack_sources(both, tmp_path / "pack", side_px=SIDE, same_people=["a", "b"])
    with pytest.raises(DatasetError, match="No source is called c"):
        pack_sources(both, tmp_path / "pack", side_px=SIDE, same_people=["a", "c"])


def test_names_on_both_sides_in_sources_that_do_not_share_people_are_told(tmp_path) -> None:
    (torn,) = on_side(True)
    for source in "ab":
        write_folder(tmp_path / source, {f"{torn}/1.png": png(1), "n0001/1.png": png(2)})
    both = [tmp_path / "a", tmp_path / "b"]

    apart = pack_sources(both, tmp_path / "apart", side_px=SIDE)
    shared = pack_sources(both, tmp_path / "shared", side_px=SIDE, same_people=["a", "b"])

    assert len(apart.notes) == 1
    assert f"a/{torn} and b/{torn}" in apart.notes[0]
    assert "--same-people" in apart.notes[0]
    assert shared.notes == ()
    sides = {
        item.is_held_out for item in CropPack(tmp_path / "shared").items if item.person == torn
    }
    assert sides == {True}


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Beyoncé_Knowles", "beyonce knowles", True),
        ("Jean-Luc Picard", "JEAN_LUC__PICARD", True),
        ("Straße", "STRASSE", True),
        ("李明", "李明", True),
        ("Ana Maria", "Anamaria", False),
        ("n000001", "n000001", False),
        ("7", "7", False),
    ],
)
def test_names_compare_without_case_accents_and_underscores(one, other, alike) -> None:
    assert (plain_name(one) == plain_name(other) != "") == alike


def test_people_called_like_those_of_the_evaluation_set_are_listed(tmp_path: Path) -> None:
    (out,) = on_side(True)
    (trained,) = on_side(False)
    people = [trained.capitalize(), out, "somebody", "n01", ""]
    items = [PackItem("a", one, f"a:{one.lower()}" if one else "", "1") for one in people]
    write_pack(tmp_path, np.zeros((5, 4, 4, 3), np.uint8), items)

    found = names_in_common(CropPack(tmp_path), [trained, out, "n01", "", "other"])

    assert found == (trained.capitalize(),)


def test_the_people_to_be_kept_apart_may_lie_in_an_archive(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack", n_people=3, per_person=2, side=112)
    teacher = Teacher(
        str(write_toy_model(tmp_path / "teacher")),
        1.0,
        "BGR",
        (120.0,) * 3,
        (60.0,) * 3,
        mirror=False,
    )
    stream = io.BytesIO()
    Image.fromarray(pack.crops[4]).save(stream, "PNG")
    near = write_zip(tmp_path / "near.zip", {"Ana/1.png": stream.getvalue()})

    counts = write_excluded(pack, teacher, near)

    assert counts.near >= 1
    write_zip(near, {"Ana/1.png": stream.getvalue(), "Bo/1.png": b"no image"})
    with pytest.raises(DatasetError, match=r"Not all of .* can be read") as caught:
        write_excluded(pack, teacher, near)
    assert "Bo/1.png" in caught.value.remedy


def test_the_command_packs_and_says_what_it_left_out(tmp_path: Path) -> None:
    write_zip(tmp_path / "mine.zip", {**PEOPLE, "Bo/1.png": b"no image"})
    write_tar(tmp_path / "set-000.tar", {"Ana/7.png": png(7)})
    write_tar(tmp_path / "set-001.tar", {"Ana/8.png": png(8)})
    words = ["pack", "mine.zip", "set-*.tar", "packs/both", "--size", str(SIDE)]
    words[1:4] = [str(tmp_path / word) for word in words[1:4]]

    result = CliRunner().invoke(train, words, catch_exceptions=False)

    assert result.exit_code == 0
    torn = (
        "Names held out in one source and trained on in another: 1, such as mine/Ana and set/Ana; "
        "if they mean the same people, name the sources in --same-people."
    )
    assert result.output.splitlines() == [
        f"5 crops of 3 people packed in {tmp_path / 'packs/both'}.",
        torn,
        f"Images skipped: 1, listed in {tmp_path / 'packs/both' / 'skipped.jsonl'}:",
        "  mine/Bo/1.png: The image is no image that can be read here.",
    ]


# Fuzzing: whatever the bytes, a reader ends with what it could read, or with a known error.
WHOLE = {
    ".zip": lambda folder: write_zip(folder / "seed.zip", PEOPLE).read_bytes(),
    ".tar": lambda folder: tar_bytes(PEOPLE),
    ".tar.gz": lambda folder: gzip.compress(tar_bytes(PEOPLE)),
    ".tar.bz2": lambda folder: bz2.compress(tar_bytes(PEOPLE)),
    ".rec": lambda folder: b"".join(RECORDS),
}
FUZZ = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def read_anything(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        pack_sources([path], path.parent / "pack", side_px=SIDE)
    except FacerecError as exc:
        assert exc.message.endswith(".")  # noqa: PT017
    for left in (path.parent / "pack").glob("*"):
        left.unlink()


@pytest.mark.parametrize("ending", WHOLE)
@FUZZ
@given(data=st.data())
def test_damaged_archives_end_well(tmp_path: Path, ending: str, data: st.DataObject) -> None:
    content = bytearray(WHOLE[ending](tmp_path))
    n_flips = data.draw(st.integers(0, 6))
    for _ in range(n_flips):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    read_anything(tmp_path / f"a{ending}", bytes(content[:cut]))


@pytest.mark.parametrize("ending", WHOLE)
@FUZZ
@given(content=st.binary(max_size=2000))
@example(content=b"PK\x03\x04" + bytes(2000))
@example(content=bytes.fromhex("0a23d7ce") * 500)
@example(content=b"\xff" * 1500)
def test_random_bytes_end_well(tmp_path: Path, ending: str, content: bytes) -> None:
    read_anything(tmp_path / f"a{ending}", content)


@FUZZ
@given(offset=st.integers(0, 511), value=st.binary(min_size=1, max_size=12))
@example(offset=124, value=b"\xff" * 12)  # a negative length
@example(offset=124, value=b"\x80" + b"\xff" * 11)
@example(offset=156, value=b"x")
@example(offset=156, value=b"L")
@example(offset=156, value=b"S")
def test_tar_headers_with_a_right_sum_and_wrong_fields_end_well(tmp_path, offset, value) -> None:
    content = bytearray(tar_bytes(PEOPLE))
    second = content.find(b"Ana/2.png")
    content[second + offset : second + min(offset + len(value), 512)] = value[: 512 - offset]
    content[second + 148 : second + 156] = b" " * 8
    content[second + 148 : second + 156] = b"%06o\0 " % sum(content[second : second + 512])
    read_anything(tmp_path / "a.tar", bytes(content))
