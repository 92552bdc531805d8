"""Files against their checksums."""

import hashlib

import pytest

from trainer.surveys.registry import find_survey, survey_names
from trainer.surveys.report import SurveyDataError
from trainer.surveys.verify import KnownFile, check_files, known_files


def known(path, content):
    return KnownFile(hashlib.sha256(content).hexdigest(), len(content), path)


def test_files_are_intact_missing_or_damaged(tmp_path):
    contents = {"good": b"abc", "gone": b"abc", "short": b"abc", "other": b"abc"}
    table = tuple(known(path, content) for path, content in contents.items())
    (tmp_path / "good").write_bytes(b"abc")
    (tmp_path / "short").write_bytes(b"ab")
    (tmp_path / "other").write_bytes(b"abd")

    check = check_files(tmp_path, table)

    assert check.n_intact == 1
    assert check.missing == ("gone",)
    assert check.damaged[0] == "short: 2 bytes, not 3"
    assert check.damaged[1].startswith("other: other content, SHA-256 a52d159f262b")


def test_the_folder_may_be_that_inside_the_archive(tmp_path):
    root = tmp_path / "UJI_LIB_DB_v2"
    (root / "db").mkdir(parents=True)
    (root / "db" / "a.csv").write_bytes(b"abc")
    table = (known("UJI_LIB_DB_v2/db/a.csv", b"abc"),)

    for folder in (root, tmp_path):
        assert check_files(folder, table).n_intact == 1


def test_a_file_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"abc")

    def fail(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("trainer.surveys.verify._digest", fail)
    with pytest.raises(SurveyDataError, match="file cannot be read: Permission denied"):
        check_files(tmp_path, (known("file", b"abc"),))


def test_tables_are_sound():
    tables = {name: known_files(name) for name in survey_names()}

    assert {n for n, t in tables.items() if t} == {
        "polyu",
        "crisloc",
        "csu",
        "uji",
        "ncepu",
    }
    for table in tables.values():
        assert len({file.path for file in table}) == len(table)
        assert all(len(file.digest) == 64 and file.size > 0 for file in table)


@pytest.mark.parametrize("name", ["polyu", "crisloc", "uji", "ncepu"])
def test_the_originals_at_hand_are_intact(shared_data, name):
    data = shared_data("raw").parent
    found = find_survey(f"{name}:raw", data)

    check = check_files(found.path, known_files(name))

    assert check.n_intact == len(known_files(name))
    assert not check.damaged
