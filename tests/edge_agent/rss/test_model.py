"""From captures of beacons to locations, through the commands that people type."""

import json
import re
from datetime import UTC, datetime

import numpy as np
import pytest

from edge_agent.csi.iq_order import IqOrder
from edge_agent.errors import SurveyError
from edge_agent.rss.calibration import RssCalibration
from edge_agent.rss.model import RssModel
from edge_agent.rss.receptions import Receptions
from edge_agent.rss.recording import find_transmitters, record_shots
from edge_agent.survey import Point, SurveyedCapture, read_survey
from tests.builders import pcapng_interface, pcapng_packet, pcapng_section
from tests.edge_agent.rss.air import RTS, heard
from tests.edge_agent.rss.places import (
    ADDRESSES,
    POINTS,
    SIMULATED,
    SPEC,
    START_S,
    beacons,
    levels_at,
    shots,
    write_site,
)
from tests.edge_agent.sites import packets_at, pcapng_bytes


@pytest.fixture
def agent(run_agent, rss_directory, tmp_path, capfd):
    """Run a command with the small bundle; returns code, results and talk."""

    def agent(command, *arguments):
        state = ("--bundle", rss_directory, "--state", tmp_path / "state")
        code = run_agent(command, *arguments, *state)
        out, err = capfd.readouterr()
        return code, out.splitlines(), err

    return agent


# -- recording -------------------------------------------------------------------------


def test_received_power_needs_coordinates(tmp_path):
    table = Point("table", None, None, "kitchen")
    capture = SurveyedCapture(tmp_path / "a.pcap", table, "1", "home")

    with pytest.raises(SurveyError, match="'table' has no coordinates; a model of rec"):
        record_shots([capture], SPEC)


def test_windows_of_a_recording_share_no_frame(tmp_path, rng):
    survey = write_site(tmp_path, rng, n_visits=1)
    (tmp_path / "p0-0.pcap").write_bytes(beacons(0, 0, rng, seconds=3.2))
    told = []

    found = record_shots(
        read_survey(survey), SPEC, on_capture=lambda n, c: told.append((n, c.point))
    )

    assert found.point_of.tolist() == [0, 0, 0, 1, 2, 3, 4, 5, 6, 7]
    assert told == list(enumerate(POINTS))
    assert found.points == POINTS
    assert sorted(found.transmitters) == sorted(a.hex(":") for a in ADDRESSES)
    order = [found.transmitters.index(a.hex(":")) for a in ADDRESSES]
    np.testing.assert_allclose(
        found.rss[0][order], levels_at(0, 0), atol=1.2
    )  # ten beacons with a deviation of 1 dB, rounded
    assert not found.is_simulated
    assert found.is_monitor


def test_of_one_recording_no_more_windows_are_taken_than_asked_for(tmp_path, rng):
    survey = write_site(tmp_path, rng, n_visits=1)
    (tmp_path / "p0-0.pcap").write_bytes(beacons(0, 0, rng, seconds=5))

    found = record_shots(read_survey(survey), SPEC, max_per_capture=2)

    assert np.bincount(found.point_of).tolist() == [2] + [1] * 7


def test_csi_frames_tell_received_power_too(tmp_path, rng):
    survey = write_site(tmp_path, rng, n_visits=1, points=POINTS[:1])
    (tmp_path / "p0-0.pcap").write_bytes(pcapng_bytes(packets_at(0, n=40)))

    found = record_shots(read_survey(survey), SPEC)

    assert found.rss.tolist() == [[-50, -50]] * 2  # 1.6 s
    assert not found.is_monitor


def test_a_recording_is_heard_again_where_it_was_made(rss_bundle, rng):
    model = RssModel(rss_bundle)

    assert model.interface(shots(rng)) == "mon0"
    assert model.interface(shots(rng, is_monitor=False)) == "wlan0"


def test_a_capture_in_which_nobody_was_heard_says_what_was_there(tmp_path, rng):
    survey = write_site(tmp_path, rng, n_visits=1)
    quiet = tmp_path / "p3-0.pcap"
    quiet.write_bytes(beacons(0, 0, rng, addresses=[bytes(6)], seconds=0.2))

    with pytest.raises(
        SurveyError,
        match=r"p3-0.pcap: none of .* was heard .*\(2 x transmitter is not part",
    ):
        record_shots(read_survey(survey), SPEC)

    quiet.write_bytes(quiet.read_bytes()[:24])
    with pytest.raises(SurveyError, match="no packet at all"):
        record_shots(read_survey(survey), SPEC)

    quiet.write_bytes(
        pcapng_section()
        + pcapng_interface(link_type=105)
        + pcapng_interface(link_type=127)
        + pcapng_packet(b"802.11", interface=0) * 2
        + pcapng_packet(heard(kind=RTS), interface=1)
    )
    with pytest.raises(SurveyError, match=r"\(2 x link type .*, 1 x control or"):
        record_shots(read_survey(survey), SPEC)


def test_transmitters_are_those_heard_in_most_captures():
    def capture(**frames):
        address = [int(name[1:]) for name, n in frames.items() for _ in range(n)]
        n = len(address)
        return Receptions(
            np.arange(n), np.array(address, np.int64), np.full(n, -50, np.int16)
        )

    captures = [capture(a1=50, a2=3, a3=9), capture(a2=3, a3=2, a4=3), capture(a4=4)]

    chosen = find_transmitters(captures, SPEC)

    # 4 and 2 in two captures, 4 with more frames; 3 only once with three or more.
    assert [a[-1] for a in chosen] == ["4", "2", "1", "3"]


def test_what_is_adapted_to_is_known_by_its_shots(rss_bundle, tmp_path, rng):
    model, path = RssModel(rss_bundle), tmp_path / "calibration.npz"
    recorded = shots(rng)
    assert not model.has_learnt(path, recorded)

    RssCalibration.from_shots(rss_bundle, recorded, now=datetime.now(UTC)).save(path)

    assert model.has_learnt(path, recorded)
    assert not model.has_learnt(path, shots(rng))


# -- commands --------------------------------------------------------------------------


@pytest.fixture
def adapted(agent, tmp_path, rng):
    code, out, err = agent("adapt", write_site(tmp_path / "site", rng))
    assert code == 0, err
    return out, err


def test_adapting_says_what_it_has_achieved(adapted, tmp_path):
    out, err = adapted

    assert re.fullmatch(
        r"site home is calibrated: 8 points, 16 shots, loss \d\.\d\d -> \d\.\d\d m in "
        r"3 steps, 68 % of shots of points left out within \d\.\d m "
        # Points at x 0, 3, 6, 9 and y 0, 6: the seventh of eight is a corner's.
        r"\(always answering the centre: 5\.4 m\)",
        out[0],
    )
    assert "adapting to 16 shots of 8 points, 3 access points" in err
    assert "next: sudo edge_agent capture --iface mon0 --bundle " in err
    home = tmp_path / "state" / "home"
    names = sorted(path.name for path in (home / "rss-current").iterdir())
    assert names[0] == "before"
    assert re.fullmatch(r"rss-calibration-[0-9a-f]{16}\.npz", names[1])
    assert names[2:] == ["rss-shots.npz"]


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        ("onnxruntime", 1),
        ("kernel", 1),
        ("numpy", 0),
        ("auto", 0),
    ],
)
def test_a_back_end_that_has_nothing_to_do_is_pointed_out(
    agent, adapted, tmp_path, rng, backend, said
):
    walk = tmp_path / "walk.pcap"
    walk.write_bytes(beacons(0.0, 0.0, rng))
    caution = f"computed by numpy alone; {backend} has nothing to do"

    for command in (["adapt"], ["capture", "--pcap", walk, "--broker", "none"]):
        code, _, err = agent(*command, "--backend", backend)
        assert code == 0, err
        assert err.count(caution) == said


def test_stored_shots_are_adapted_to_again(agent, adapted):
    code, out, _ = agent("adapt", "--json")

    assert code == 0
    document = json.loads(out[0])
    assert (document["points"], document["shots"]) == (8, 16)
    assert document["access_points"] == 3
    assert len(document["losses"]) == 4


def test_a_recording_of_beacons_becomes_locations(agent, adapted, tmp_path, rng):
    walk = tmp_path / "walk.pcap"
    walk.write_bytes(beacons(0.0, 0.0, rng, seconds=3))

    code, out, err = agent("capture", "--pcap", walk, "--broker", "none", "--json")

    assert code == 0, err
    documents = [json.loads(line) for line in out]
    ends = [f"{START_S % 60 + s:02d}" for s in (0, 1, 1, 2, 2)]
    assert [d["time"][17:19] for d in documents] == ends
    for document in documents:
        assert document["source"] == "replay"
        assert document["model"].startswith("rss-tiny+cal.")
        assert document["access_points"] == {"heard": 3, "expected": 3}
        assert document["room"] == "hall"
        assert np.hypot(document["x"], document["y"]) < 6
        assert 0 < document["accuracy"] <= document["r95"]
    assert (
        "site home: 8 points, 3 access points, numpy; model: rss-tiny; broker: none"
        in err
    )
    assert "90 packets, 90 frames with received power, 5 locations" in err


def test_locations_of_simulated_access_points_say_so(agent, tmp_path, rng):
    site = write_site(tmp_path / "site", rng, addresses=SIMULATED)
    code, _, err = agent("adapt", site)
    assert (code, "these shots are simulated" in err) == (0, True)
    walk = tmp_path / "walk.pcap"
    walk.write_bytes(beacons(3.0, 0.0, rng, seconds=2.0, addresses=SIMULATED))

    code, out, _ = agent("capture", "--pcap", walk, "--broker", "none", "--json")

    assert code == 0
    assert {json.loads(line)["source"] for line in out} == {"simulated"}


@pytest.mark.parametrize(
    ("packets", "reason"),
    [
        ([], r"no frame with received power from .* in monitor mode"),
        ([b"\0" * 6], r"none fits the calibration: transmitter is not part"),
        (ADDRESSES, None),
    ],
)
def test_what_is_wrong_with_a_recording_is_said(
    agent, adapted, tmp_path, rng, packets, reason
):
    walk = tmp_path / "walk.pcap"
    walk.write_bytes(beacons(0, 0, rng, seconds=0.3, addresses=packets))

    code, out, err = agent("capture", "--pcap", walk, "--broker", "none")

    assert code == 0
    assert (len(out), bool(reason is None or re.search(reason, err))) == (
        int(reason is None),
        True,
    )


def test_a_site_without_a_calibration_of_this_kind_says_how_to_get_one(
    agent, tmp_path, rng
):
    walk = tmp_path / "walk.pcap"
    walk.write_bytes(beacons(0, 0, rng))

    code, _, err = agent("capture", "--pcap", walk, "--broker", "none")

    assert code == 1
    assert re.search(
        r"not calibrated: no received power .* adapt survey.csv --site home", err
    )


def test_the_order_of_i_and_q_does_not_matter(tmp_path, rng):
    survey = write_site(tmp_path, rng, n_visits=1, points=POINTS[:1])
    (tmp_path / "p0-0.pcap").write_bytes(pcapng_bytes(packets_at(0, n=40)))

    answers = [
        record_shots(read_survey(survey), SPEC, iq_order=order).rss.tolist()
        for order in IqOrder
    ]

    assert answers == [[[-50, -50]] * 2] * len(answers)
