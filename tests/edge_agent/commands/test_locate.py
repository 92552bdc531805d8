"""``edge_agent locate``: recordings in, the same lines out, every time."""

import json
import subprocess
import sys

import jsonschema
import pytest

from tests.conftest import ROOT
from tests.edge_agent.sites import (
    INTERVAL_US,
    START_US,
    packets_at,
    pcapng_bytes,
)

SCHEMA = json.loads((ROOT / "docs" / "mqtt" / "location.schema.json").read_text())


@pytest.fixture
def locate(run_agent, capsys, flags):
    """Run the command in this process; returns exit code, results and talk."""

    def locate(*arguments):
        code = run_agent("locate", *arguments, *flags)
        out, err = capsys.readouterr()
        return code, out, err

    return locate


def documents(out):
    return [json.loads(line) for line in out.splitlines()]


def test_every_line_is_a_document_of_the_schema(locate, walk):
    code, out, err = locate("--pcap", walk)

    found = documents(out)
    assert code == 0
    assert len(found) == 5
    for number, document in enumerate(found):
        jsonschema.validate(document, SCHEMA)
        assert (document["seq"], document["source"]) == (number, "replay")
        assert document["device"] == "pi"
    assert "80 packets, 80 CSI frames, 5 locations" in err


def test_locations_are_those_that_capture_publishes(
    locate, run_agent, capsys, walk, flags
):
    """But for the identifier, made of the clock there, and for the capture's name."""
    _, out, _ = locate("--pcap", walk)
    run_agent("capture", "--pcap", walk, "--broker", "none", "--json", *flags)
    published = capsys.readouterr().out

    assert [without(("id", "capture"), d) for d in documents(out)] == [
        without(("id",), d) for d in documents(published)
    ]


def without(names, document):
    return {name: value for name, value in document.items() if name not in names}


def located(out):
    """All that lines say but which file they are of."""
    return [without(("capture",), document) for document in documents(out)]


def test_a_replay_is_the_same_bytes_in_another_process(locate, walk, flags, home):
    _, out, _ = locate("--pcap", walk)
    command = [sys.executable, "-m", "edge_agent", "locate", "--pcap", str(walk)]
    done = subprocess.run([*command, *flags], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == out


def test_standard_input_gives_the_same_locations_as_the_file(locate, walk, flags, home):
    _, out, _ = locate("--pcap", walk)
    command = [sys.executable, "-m", "edge_agent", "locate", "--pcap", "-"]
    with walk.open("rb") as file:
        done = subprocess.run(
            [*command, *flags], cwd=ROOT, stdin=file, capture_output=True, text=True
        )
    assert located(done.stdout) == located(out) != []
    assert {document["capture"] for document in documents(done.stdout)} == {"-"}


def test_identifiers_are_of_the_captures_time_and_tell_locations_apart(locate, walk):
    _, out, _ = locate("--pcap", walk, walk)
    found = documents(out)
    assert len(found) == 10
    assert len({document["id"] for document in found}) == 10
    assert found[0]["time"] == found[5]["time"]
    assert found[0]["id"][:10] == found[5]["id"][:10]  # 48 bits of time
    last_ms = START_US // 1000 + 7 * INTERVAL_US // 1000
    assert found[0]["time"].startswith("2026-01-01T00:00:00")
    assert abs(_milliseconds(found[0]["id"]) - last_ms) < INTERVAL_US / 1000


def _milliseconds(identifier):
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    number = 0
    for character in identifier[:10]:
        number = 32 * number + digits.index(character)
    return number


def test_a_folder_is_its_captures_by_name_each_with_empty_windows(
    locate, walk, tmp_path
):
    folder = tmp_path / "recording" / "deeper"
    folder.mkdir(parents=True)
    (folder / "b.pcapng").write_bytes(pcapng_bytes(packets_at(1, n=8)))
    (folder.parent / "a.PCAP").write_bytes(walk.read_bytes())
    (folder.parent / "survey.csv").write_text("no capture")

    _, out, _ = locate("--pcap", folder.parent)

    _, alone, _ = locate("--pcap", walk, folder / "b.pcapng")
    # seq and so identifiers are the same, as the captures are.
    assert located(out) == located(alone)
    assert len(documents(out)) == 6


def test_every_line_names_its_capture_as_it_was_given_or_found(
    locate, walk, tmp_path, monkeypatch
):
    folder = tmp_path / "recording"
    folder.mkdir()
    (folder / "a.pcapng").write_bytes(pcapng_bytes(packets_at(1, n=8)))
    monkeypatch.chdir(tmp_path)

    _, out, _ = locate("--pcap", walk, "recording")

    names = [document["capture"] for document in documents(out)]
    assert names == [str(walk)] * 5 + ["recording/a.pcapng"]


def test_simulated_frames_are_called_so(locate, tmp_path):
    path = tmp_path / "walk.pcapng"
    path.write_bytes(pcapng_bytes(packets_at(0, n=8), comment="metaloc: simulated"))
    _, out, _ = locate("--pcap", path)
    assert {document["source"] for document in documents(out)} == {"simulated"}


def test_a_capture_without_a_location_is_named_and_is_no_failure(
    locate, walk, tmp_path
):
    short = tmp_path / "short.pcapng"
    short.write_bytes(pcapng_bytes(packets_at(0, n=3)))
    code, out, err = locate("--pcap", short, walk)
    assert code == 0
    assert len(documents(out)) == 5
    assert f"{short}: no location" in err


def test_a_damaged_capture_is_located_up_to_the_damage(locate, walk):
    walk.write_bytes(walk.read_bytes()[:-10])
    code, out, err = locate("--pcap", walk)
    assert code == 0
    assert documents(out)
    assert f"{walk}: 1 damaged capture" in err


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["--pcap", "WALK", "--hop", "0"], 2, "--hop is 0"),
        (["--pcap", "-", "-"], 2, "standard input twice"),
        (["--pcap", "EMPTY"], 1, "has no captures: no file whose name ends with"),
        (["--pcap", "NONE"], 1, "No such file"),
        (["--pcap", "WALK", "--site", "nowhere"], 1, "not calibrated"),
    ],
)
def test_what_cannot_be_located_is_refused(
    locate, walk, tmp_path, arguments, code, complaint
):
    (tmp_path / "empty").mkdir()
    places = {"WALK": walk, "EMPTY": tmp_path / "empty", "NONE": tmp_path / "none"}
    found, out, err = locate(*(places.get(a, a) for a in arguments))
    assert (found, out) == (code, "")
    assert complaint in err


def test_without_a_capture_there_is_nothing_to_locate(locate):
    with pytest.raises(SystemExit) as stopped:
        locate()
    assert stopped.value.code == 2
