"""One location taken apart, with frames of a simulated room through the whole path."""

import json
from dataclasses import replace

import pytest

from edge_agent.bundles.bundle import Bundle
from edge_agent.calibration import Calibration
from edge_agent.config import SHIPPED_BUNDLE
from tests.edge_agent.simulated_home import LATER_US, N_ACCESS_POINTS, Home
from tests.edge_agent.sites import packets_at, pcapng_bytes, write_site
from trainer.simulate.captures import write_capture


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A calibrated room, and a capture of the desk; for reading only."""
    from edge_agent.cli import main

    folder = tmp_path_factory.mktemp("explained")
    home = Home()
    survey = str(home.survey(folder))
    walk = folder / "walk.pcapng"
    write_capture(walk, home.packets(2, n_packets=200))
    state = folder / "state"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        assert main(["adapt", survey, "--site", "home", "--state", str(state)]) == 0
    return walk, state


@pytest.fixture
def explain(place, run_agent, capsys):
    """Run the command at that place; returns exit code, result and talk."""
    walk, state = place

    def explain(*arguments, pcap=walk):
        capsys.readouterr()
        code = run_agent(
            "explain", "--pcap", pcap, "--site", "home", "--state", state, *arguments
        )
        said = capsys.readouterr()
        return code, said.out, said.err

    return explain


def test_it_is_the_location_that_locate_prints(explain, place, run_agent, capsys):
    walk, state = place
    _, out, _ = explain("--at", "2", "--json")
    explained = json.loads(out)
    run_agent("locate", "--pcap", walk, "--site", "home", "--state", state)
    located = json.loads(capsys.readouterr().out.splitlines()[2])

    assert explained["fix"] == 2
    same = ("time", "model", "quality", "source", "n_frames")
    assert {k: explained[k] for k in same} == {k: located[k] for k in same}
    assert explained["tracked"]["room"] == located["room"] == "office"
    assert explained["tracked"]["x"] == located["x"]
    assert explained["rooms"][0]["room"] == "office"


def test_frames_are_counted_as_they_were_received_and_used(explain):
    document = json.loads(explain("--json")[1])

    assert len(document["access_points"]) == N_ACCESS_POINTS
    for one in document["access_points"]:
        assert one["calibrated"]
        assert 190 <= one["received"] <= 200  # all of ten seconds
        assert one["used"] == 50
        assert one["why"] is None
    assert document["n_frames"] == 50 * N_ACCESS_POINTS


def test_the_nearest_shots_are_of_the_desk_and_their_shares_add_up(explain):
    shots = json.loads(explain("--json")[1])["nearest_shots"]

    assert [shot["point"] for shot in shots[:3]] == ["desk"] * 3
    assert {shot["visit"] for shot in shots[:3]} == {"1", "2", "3"}
    for shot in shots:
        assert sum(shot["shares"]) == pytest.approx(shot["distance"], abs=0.01)


def test_the_expected_room_that_it_is_in_is_confirmed(explain):
    _, out, _ = explain("--expect", "office")

    assert "the nearest shot is of office: office/desk" in out


def test_why_it_is_not_the_expected_room_is_said_by_access_point(explain):
    _, out, _ = explain("--expect", "kitchen")
    document = json.loads(explain("--expect", "kitchen", "--json")[1])

    assert "shots of other places are nearer than the best of kitchen" in out
    assert "    edge_agent label kitchen" in out.splitlines()
    expected = document["expected"]
    assert expected["best"]["room"] == "kitchen"
    assert expected["nearer_shots_elsewhere"] >= 3
    assert out.count("speaks for") == 1
    for channel in document["channels"]:
        assert f"  {channel['name']}" in out


def test_a_point_may_be_expected_as_well(explain):
    document = json.loads(explain("--expect", "shelf", "--json")[1])

    assert document["expected"]["best"]["point"] == "shelf"


def test_it_fits_a_terminal(explain):
    _, out, _ = explain("--expect", "kitchen")

    assert max(map(len, out.splitlines())) <= 80
    titles = [line for line in out.splitlines() if line.endswith(":")]
    assert [title.split(",")[0].rstrip(":") for title in titles] == [
        "access points",
        "nearest shots",
        "candidates",
        "expected",
        "drift",
    ]


def test_the_last_location_is_explained_unless_another_is_named(explain):
    assert json.loads(explain("--json")[1])["fix"] == 6


@pytest.mark.usefixtures("utc")
def test_a_time_names_the_first_location_from_then_on(explain):
    by_time = json.loads(explain("--time", "01:00:05", "--json")[1])
    before = json.loads(explain("--at", str(by_time["fix"] - 1), "--json")[1])

    assert before["time"] < "2026-01-01T01:00:05" <= by_time["time"]


def test_an_access_point_that_is_not_heard_is_said_to_be(explain, place, tmp_path):
    walk, _ = place
    document = json.loads(explain("--json")[1])
    gone = document["access_points"][0]["mac"]
    pcap = tmp_path / "deaf.pcapng"
    pcap.write_bytes(without(walk.read_bytes(), bytes.fromhex(gone.replace(":", ""))))

    found = json.loads(explain("--json", pcap=pcap)[1])

    silent = found["access_points"][0]
    assert (silent["mac"], silent["used"], silent["why"]) == (gone, 0, "not heard")
    assert found["channels"][0] == {"name": gone, "heard": False}


def test_strangers_are_listed_with_their_level(explain, place, tmp_path):
    walk, _ = place
    strange = pcapng_bytes(
        packets_at(0, n=60, start_us=LATER_US, rssi_dbm=lambda _: -31)
    )
    pcap = tmp_path / "strange.pcapng"
    pcap.write_bytes(walk.read_bytes() + strange)

    _, out, _ = explain(pcap=pcap)

    assert "-31 dBm, not calibrated" in out


def without(capture, mac):
    """The packets of a pcapng file that are not of a transmitter."""
    kept, at = [], 0
    while at < len(capture):
        length = int.from_bytes(capture[at + 4 : at + 8], "little")
        block = capture[at : at + length]
        if mac not in block:
            kept.append(block)
        at += length
    return b"".join(kept)


def test_a_calibration_of_before_revisits_were_kept_says_so(
    explain, place, tmp_path, run_agent, capsys
):
    """As of agents before: neither shots that fit it nor re-visits."""
    walk, state = place
    bundle = Bundle.load(SHIPPED_BUNDLE)
    (stored,) = (state / "home").rglob("calibration-*.npz")
    old = replace(Calibration.load(stored, bundle), revisits=None, shots_digest="")
    old.save(tmp_path / "old" / "home" / stored.name)

    capsys.readouterr()
    assert (
        run_agent(
            "explain", "--pcap", walk, "--site", "home", "--state", tmp_path / "old"
        )
        == 0
    )
    out = capsys.readouterr().out

    assert "nothing to judge by" in out
    (nearest,) = [x for x in out.splitlines() if x.startswith("  office/desk ")][:1]
    assert nearest.split()[1] == "-"  # of no lap that anybody knows


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--at", "-1"], 2, "--at is -1, not 0 or more"),
        (["--hop", "0"], 2, "--hop is 0, not 1 or more"),
        (["--time", "noon"], 2, "--time is 'noon', not HH:MM:SS"),
        (["--at", "99"], 1, "has the locations 0 to 6; there is no 99"),
        (["--time", "23:59:59"], 1, "the last location is of"),
        (["--expect", "cellar"], 2, "called 'cellar'; the site has kitchen, office"),
    ],
)
def test_what_makes_no_sense_is_refused(explain, arguments, code, message):
    got, out, err = explain(*arguments)

    assert (got, out) == (code, "")
    assert message in err


def test_standard_input_is_refused_as_it_cannot_be_read_twice(explain):
    code, _, err = explain(pcap="-")

    assert code == 2
    assert "the capture is read twice" in err


def test_a_capture_without_a_location_is_refused(explain, tmp_path):
    short = tmp_path / "short.pcapng"
    short.write_bytes(pcapng_bytes(packets_at(0, n=3)))

    code, _, err = explain(pcap=short)

    assert code == 1
    assert "no location" in err


def test_a_model_without_neighbours_explains_what_it_can(
    run_agent, capsys, state, tmp_path, bundle_directory
):
    write_site(tmp_path / "site")
    pcap = next((tmp_path / "site").glob("*.pcapng"))
    where = ("--site", "home", "--state", state, "--bundle", bundle_directory)

    assert run_agent("explain", "--pcap", pcap, *where) == 0
    out = capsys.readouterr().out
    assert "2 heard of the 2 that are calibrated" in out
    assert "nobody watches" in out

    assert run_agent("explain", "--pcap", pcap, *where, "--expect", "kitchen") == 2
    assert "no neighbours to compare shots with" in capsys.readouterr().err
