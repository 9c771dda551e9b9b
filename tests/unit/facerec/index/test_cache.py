"""The index follows the database, in memory and in its file, whatever happens to either."""

from __future__ import annotations

import dataclasses
import json
import uuid
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import facerec.index.cache as cache_module
from facerec.errors import IndexCorruptError, IndexStaleError
from facerec.index.cache import (
    IndexCache,
    IndexContents,
    IndexStamp,
    read_index_file,
    write_index_file,
)
from facerec.index.faiss import FaissFilteredIndex, FaissFlatIndex, fits, open_index

DIMENSION = 8


def contents(ids, vectors, sketch_bytes=0):
    return IndexContents(ids, vectors, np.zeros((len(ids), sketch_bytes), np.uint8))


class FakeSource:
    """A database in a dictionary."""

    def __init__(self):
        self.gallery_uuid = "g"
        self.revision = 0
        self.token = uuid.uuid4().hex
        self.returned_revision = 0
        self.contract_id = "c"
        self.rows = {}
        self.next_id = 1
        self.n_full_reads = 0
        self._rng = np.random.default_rng(0)

    def changed(self):
        self.revision += 1
        self.token = uuid.uuid4().hex

    def add(self, n=1):
        for _ in range(n):
            vector = self._rng.standard_normal(DIMENSION).astype(np.float32)
            self.rows[self.next_id] = vector / np.linalg.norm(vector)
            self.next_id += 1
        self.changed()

    def remove(self, *ids):
        for number in ids:
            del self.rows[number]
        self.changed()

    def dimension(self):
        return DIMENSION if self.rows else 0

    def count(self, *, up_to_id=None):
        return sum(up_to_id is None or number <= up_to_id for number in self.rows)

    def ids(self):
        return np.array(sorted(self.rows), np.int64)

    def vectors(self, *, after_id=0):
        self.n_full_reads += after_id == 0
        ids = np.array([number for number in sorted(self.rows) if number > after_id], np.int64)
        vectors = np.array([self.rows[number] for number in ids.tolist()], np.float32)
        return ids, vectors.reshape(ids.size, DIMENSION)


def require_agreement(cache, source):
    index = cache.refresh(source)
    if index is None:
        assert not source.rows
        return
    ids, vectors = source.vectors()
    np.testing.assert_array_equal(index.ids(), ids)
    np.testing.assert_array_equal(index.vectors_of(ids), vectors)


@pytest.fixture
def source():
    source = FakeSource()
    source.add(10)
    return source


@pytest.fixture
def saved(tmp_path, source):
    """A folder with an index file of the source."""
    cache = IndexCache(tmp_path, min_saved=1)
    cache.refresh(source)
    assert cache.save(source)
    return tmp_path


def test_there_is_no_index_without_vectors(tmp_path):
    cache = IndexCache(tmp_path, min_saved=0)

    assert cache.refresh(FakeSource()) is None
    assert not cache.save(FakeSource())


def test_reads_the_database_once_while_nothing_changes(tmp_path, source):
    cache = IndexCache(tmp_path)

    assert cache.refresh(source) is cache.refresh(source)
    assert source.n_full_reads == 1


def test_catches_up_without_reading_all_again(tmp_path, source):
    cache = IndexCache(tmp_path)
    cache.refresh(source)

    source.add(3)
    source.remove(2, 11)
    cache.refresh(source)

    assert source.n_full_reads == 1
    require_agreement(cache, source)


def test_follows_a_change_that_changed_nothing(tmp_path, source):
    cache = IndexCache(tmp_path)
    cache.refresh(source)
    source.changed()

    require_agreement(cache, source)
    assert cache.stamp.revision == source.revision


def test_starts_over_when_an_old_id_comes_back(tmp_path, source):
    cache = IndexCache(tmp_path)
    kept = source.rows.pop(4)
    cache.refresh(source)

    source.rows[4] = kept
    source.changed()

    require_agreement(cache, source)


def test_starts_over_when_the_gallery_was_emptied_and_filled(tmp_path, source):
    cache = IndexCache(tmp_path)
    cache.refresh(source)

    source.remove(*list(source.rows))
    require_agreement(cache, source)
    source.add(2)

    require_agreement(cache, source)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"contract_id": "other"}, id="contract"),
        pytest.param({"gallery_uuid": "other", "token": "x"}, id="gallery"),
        pytest.param({"revision": 0, "token": "restored"}, id="older revision"),
    ],
)
def test_starts_over_when_the_vectors_are_not_the_same_ones(tmp_path, source, change):
    cache = IndexCache(tmp_path)
    cache.refresh(source)
    source.rows = {number: -vector for number, vector in source.rows.items()}
    for name, value in change.items():
        setattr(source, name, value)

    require_agreement(cache, source)


def test_takes_the_file_when_it_is_up_to_date(saved, source):
    source.n_full_reads = 0
    cache = IndexCache(saved, min_saved=1)

    cache.refresh(source)

    assert source.n_full_reads == 0
    require_agreement(cache, source)
    assert not cache.save(source)


def test_distrusts_a_file_with_another_token_even_at_the_same_revision(saved, source):
    """A restored database counts the same revisions and ids again, for other people."""
    source.rows = {number: -vector for number, vector in source.rows.items()}
    source.token = uuid.uuid4().hex
    cache = IndexCache(saved, min_saved=1)

    require_agreement(cache, source)

    assert cache.save(source)
    require_agreement(IndexCache(saved, min_saved=1), source)


def damage_nothing_left(data):
    return b""


def damage_other_magic(data):
    return b"FACEREC-INDEX-9\n" + data[16:]


def damage_cut_off(data):
    return data[:-1]


def damage_too_long(data):
    return data + b"\0"


def damage_vector(data):
    return data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]


def damage_header(data):
    return data.replace(b'"count": 10', b'"count": -1')


def damage_header_type(data):
    return data.replace(b'"count": 10', b'"count": []')


def damage_header_json(data):
    return data.replace(b'{"gallery_uuid"', b'["gallery_uuid"', 1)


def damage_header_field(data):
    return data.replace(b'"count"', b'"other"')


def damage_header_list(data):
    _, _, rest = data[16:].partition(b"\n")
    return data[:16] + b"[1, 2]\n" + rest


@pytest.mark.parametrize(
    "damage",
    [
        damage_nothing_left,
        damage_other_magic,
        damage_cut_off,
        damage_too_long,
        damage_vector,
        damage_header,
        damage_header_type,
        damage_header_json,
        damage_header_field,
        damage_header_list,
    ],
)
def test_makes_a_damaged_file_anew(saved, source, damage):
    path = saved / cache_module.INDEX_NAME
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    with pytest.raises(IndexCorruptError):
        read_index_file(path)

    cache = IndexCache(saved, min_saved=1)
    require_agreement(cache, source)

    assert not path.exists()
    assert cache.save(source)
    read_index_file(path)


def test_refuses_ids_that_do_not_rise(tmp_path):
    path = tmp_path / "file"
    stamp = IndexStamp("g", 1, "t", "c", 1, 2)
    write_index_file(path, stamp, contents(np.array([2, 2]), np.ones((2, 1), np.float32)))

    with pytest.raises(IndexCorruptError):
        read_index_file(path)


def test_refuses_a_file_that_shrinks_while_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "file"
    stamp = IndexStamp("g", 1, "t", "c", 1, 2)
    write_index_file(path, stamp, contents(np.array([1, 2]), np.ones((2, 1), np.float32)))
    monkeypatch.setattr(
        cache_module.np, "fromfile", lambda stream, dtype, count: np.zeros(1, dtype)
    )

    with pytest.raises(IndexCorruptError):
        read_index_file(path)


def test_reads_what_it_wrote_also_under_a_name_in_another_script(tmp_path):
    folder = tmp_path / "人 имени"
    folder.mkdir()
    stamp = IndexStamp("g", 1, "t", "c", 3, 2)
    ids, vectors = np.array([4, 9]), np.arange(6, dtype=np.float32).reshape(2, 3)

    write_index_file(folder / "файл", stamp, contents(ids, vectors, sketch_bytes=5))
    read_stamp, read = read_index_file(folder / "файл")

    assert read_stamp == dataclasses.replace(stamp, sketch_bytes=5)
    np.testing.assert_array_equal(read.ids, ids)
    np.testing.assert_array_equal(read.vectors, vectors)
    assert read.sketches.shape == (2, 5)
    assert [path.name for path in folder.iterdir()] == ["файл"]


def test_reads_only_the_header_of_a_file_with_another_token(saved):
    with pytest.raises(IndexStaleError):
        read_index_file(saved / cache_module.INDEX_NAME, expected_token=uuid.uuid4().hex)


def test_an_empty_index_file_is_whole(tmp_path):
    stamp = IndexStamp("g", 1, "t", "c", 4, 0)
    nothing = contents(np.empty(0, np.int64), np.empty((0, 4), np.float32))
    write_index_file(tmp_path / "f", stamp, nothing)

    assert read_index_file(tmp_path / "f")[1].vectors.shape == (0, 4)


def test_does_not_write_a_file_for_few_vectors(tmp_path, source):
    cache = IndexCache(tmp_path, min_saved=11)
    cache.refresh(source)

    assert not cache.save(source)
    assert list(tmp_path.iterdir()) == []


def test_does_not_write_what_is_behind_the_database(tmp_path, source):
    cache = IndexCache(tmp_path, min_saved=1)
    cache.refresh(source)
    source.remove(3)

    assert not cache.save(source)


def test_does_not_save_before_it_was_filled(tmp_path, source):
    assert not IndexCache(tmp_path, min_saved=0).save(source)


def test_works_without_a_file_when_none_can_be_written(tmp_path, source, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache_module.os, "fsync", full)
    cache = IndexCache(tmp_path, min_saved=1)
    cache.refresh(source)

    assert not cache.save(source)
    assert list(tmp_path.iterdir()) == []
    require_agreement(cache, source)


def test_keeps_the_old_file_when_the_new_one_cannot_be_written(saved, source, monkeypatch):
    path = saved / cache_module.INDEX_NAME
    before = path.read_bytes()
    cache = IndexCache(saved, min_saved=1)
    cache.refresh(source)
    source.add()
    cache.refresh(source)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache_module.os, "fsync", full)

    assert not cache.save(source)
    assert path.read_bytes() == before


def test_forgets_its_file_and_writes_it_again(saved, source):
    cache = IndexCache(saved, min_saved=1)
    cache.refresh(source)

    cache.forget_file()
    assert not (saved / cache_module.INDEX_NAME).exists()

    assert cache.save(source)


def test_rebuild_reads_all_and_writes_the_file(saved, source):
    path = saved / cache_module.INDEX_NAME
    path.write_bytes(b"junk")
    cache = IndexCache(saved, min_saved=1)

    index = cache.rebuild(source)

    assert len(index) == 10
    assert json.loads(path.read_bytes().splitlines()[1])["token"] == source.token


@settings(max_examples=40)
@given(st.lists(st.sampled_from(["add", "add3", "remove", "save", "reopen", "forget"])))
def test_agrees_with_the_database_after_any_sequence(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("gallery")
    source, cache = FakeSource(), IndexCache(folder, min_saved=1)
    for step in steps:
        if step.startswith("add"):
            source.add(3 if step == "add3" else 1)
        elif step == "remove" and source.rows:
            source.remove(next(iter(source.rows)))
        elif step == "save":
            cache.save(source)
        elif step == "reopen":
            cache = IndexCache(folder, min_saved=1)
        elif step == "forget":
            cache.forget_file()
        require_agreement(cache, source)


class TestKindOfIndex:
    @pytest.fixture(autouse=True)
    def _small_limit(self, monkeypatch):
        monkeypatch.setattr("facerec.index.faiss.MAX_EXACT", 10)

    def test_is_exact_up_to_the_limit(self):
        assert isinstance(open_index(DIMENSION, 10), FaissFlatIndex)
        assert isinstance(open_index(DIMENSION, 11), FaissFilteredIndex)

    @pytest.mark.parametrize(
        ("n_now", "n_expected", "still_fits"),
        [(10, 10, True), (10, 11, False), (11, 9, True), (11, 8, False)],
    )
    def test_changes_only_well_below_the_limit(self, n_now, n_expected, still_fits):
        assert fits(open_index(DIMENSION, n_now), n_expected) is still_fits

    @pytest.mark.parametrize("kind", ["signs-of-another-program", None])
    def test_keeps_sketches_in_the_file_and_uses_only_its_own(
        self, tmp_path, source, monkeypatch, kind
    ):
        source.add(2600)
        cache = IndexCache(tmp_path, min_saved=1)
        probe = source.rows[5][None]
        expected = cache.refresh(source).search(probe, 5)
        if kind:
            monkeypatch.setattr(FaissFilteredIndex, "sketch_kind", kind)
        cache.save(source)
        monkeypatch.undo()
        monkeypatch.setattr("facerec.index.faiss.MAX_EXACT", 10)
        made = []
        original = FaissFilteredIndex._signs_of
        monkeypatch.setattr(
            FaissFilteredIndex,
            "_signs_of",
            lambda self, v: made.append(len(v)) or original(self, v),
        )

        index = IndexCache(tmp_path, min_saved=1).refresh(source)

        assert made == ([2610] if kind else [])
        np.testing.assert_array_equal(index.search(probe, 5).ids, expected.ids)
        np.testing.assert_array_equal(
            index.sketches_of(index.ids()), original(index, index.vectors_of(index.ids()))
        )

    def test_changes_when_the_gallery_grows_and_shrinks(self, tmp_path, source):
        cache = IndexCache(tmp_path)
        assert cache.refresh(source).is_exact

        source.add(5)
        assert not cache.refresh(source).is_exact
        require_agreement(cache, source)

        source.remove(*range(1, 9))
        assert cache.refresh(source).is_exact
        require_agreement(cache, source)


def test_the_file_lies_in_the_gallerys_folder(tmp_path):
    assert IndexCache(tmp_path).path == Path(tmp_path) / "vectors.index"
