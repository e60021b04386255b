"""Files that are there whole or not at all; the operating system's errors as ours."""

import errno
import os
from pathlib import Path

import pytest

from git_contrib_assets.errors import HomeNotWritable, StorageFull
from git_contrib_assets.storage.files import replacing, storage_errors, sweep, translate_storage_error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_has_an_error_of_its_own(number):
    error = translate_storage_error(OSError(number, os.strerror(number)), Path("/data"))
    assert isinstance(error, StorageFull)
    assert "/data" in str(error)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EFBIG, errno.EIO, errno.ENOENT])
def test_all_else_is_a_home_that_cannot_be_written(number):
    error = translate_storage_error(OSError(number, os.strerror(number)), Path("/data"))
    assert isinstance(error, HomeNotWritable)
    assert os.strerror(number) in str(error)


def test_an_error_without_a_number_keeps_its_words():
    assert "odd thing" in str(translate_storage_error(OSError("odd thing"), Path("/data")))


def test_other_errors_pass(tmp_path):
    with pytest.raises(ZeroDivisionError), storage_errors(tmp_path):
        raise ZeroDivisionError


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_write_to_a_full_disk_is_told_as_one():
    with (
        pytest.raises(StorageFull),
        storage_errors(Path("/dev/full")),
        Path("/dev/full").open("wb", buffering=0) as file,
    ):
        file.write(b"x")


def test_a_file_is_replaced_all_at_once(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == path.parent
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, GeneratorExit])
def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "file"
    path.write_text("old")

    def fail():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_replacing_where_there_is_no_folder(tmp_path):
    with pytest.raises(HomeNotWritable), replacing(tmp_path / "none" / "file") as temporary:
        temporary.write_text("x")


def test_what_killed_writers_left_is_swept(tmp_path):
    for name in ("key", "1.parquet", "1.parquet.77.tmp", "1.parquet.77.tmp.wal", "key.88.tmp"):
        (tmp_path / name).write_text("")
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"key", "1.parquet"}
