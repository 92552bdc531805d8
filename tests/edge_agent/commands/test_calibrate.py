"""``edge_agent calibrate`` through a recording, and what it refuses."""

import json
import shutil

import pytest

from edge_agent.bundles.files import Kind
from edge_agent.calibration import stored_trusts
from edge_agent.csi.simulated import SIMULATED_COMMENT
from edge_agent.guide.sparse_points import past_of
from edge_agent.site_file import add_point, read_site_file
from edge_agent.site_state import SiteState
from edge_agent.survey import Point, read_survey
from edge_agent.walking.plan import Stop, WalkPlan
from edge_agent.walking.walk_store import WalkStore, walk_name
from tests.edge_agent.sites import (
    POINTS,
    START_US,
    packets_at,
    pcapng_bytes,
    write_site,
)

WALK = "20260101T000000Z"


@pytest.fixture
def survey(tmp_path):
    return write_site(tmp_path / "survey")


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def calibrate(run_agent, capsys, bundle_directory, state):
    """Run the command with the small model; returns exit code, results and talk."""

    def calibrate(*arguments):
        model = ("--bundle", bundle_directory, "--state", state)
        code = run_agent("calibrate", *arguments, *model)
        out, err = capsys.readouterr()
        return code, out, err

    return calibrate


@pytest.fixture
def events(calibrate):
    """Run the command with ``--json``; returns exit code and events."""

    def events(*arguments):
        code, out, _ = calibrate(*arguments, "--json")
        return code, [json.loads(line) for line in out.splitlines()]

    return events


@pytest.fixture
def walks(state):
    return WalkStore(state / "home" / "walks")


def of_kind(events, kind):
    return [event for event in events if event["event"] == kind]


# -- a recording -----------------------------------------------------------------------


def test_a_recording_becomes_a_calibration_in_use(calibrate, survey, walks, bundle):
    code, out, err = calibrate("--recording", survey)

    assert code == 0
    labels = [line[:12].strip() for line in out.splitlines()]
    assert [label for label in labels if label] == [
        *("Adapting", "Check", "Verdict", "Calibration", "Next")
    ]
    assert "each lap located from the others" in out
    assert "put in use: there was none before" in out
    assert "9 of 9 shots are stored" in err
    assert "> " not in err, "nobody is asked"
    assert walks.walks() == (WALK,)
    visits = {row.visit for row in walks.as_survey(WALK, "home")}
    assert visits == {f"{WALK}/{lap}" for lap in (1, 2, 3)}


def test_each_stop_takes_what_was_recorded_there(events, survey, walks):
    events("--recording", survey)

    for shot in walks.read(WALK):
        stop = shot.stop
        place = [p.name for p in POINTS].index(stop.point.name)
        (pcap,) = (walks.as_survey(WALK, "home")[shot.number - 1].capture,)
        first = packets_at(place, seed=stop.lap)[0][1]
        assert first in pcap.read_bytes()


def test_the_same_recording_is_the_same_walk_and_calibration(
    calibrate, survey, state, tmp_path
):
    calibrate("--recording", survey)
    first = tmp_path / "first"
    shutil.move(state, first)

    calibrate("--recording", survey)

    for path in sorted(first.rglob("*")):
        if path.is_file() and path.name != ".lock":
            other = state / path.relative_to(first)
            assert other.read_bytes() == path.read_bytes(), path


def test_a_recording_is_walked_once_and_learnt_from_again(events, survey, walks):
    events("--recording", survey)

    code, found = events("--recording", survey)

    assert code == 0
    assert not of_kind(found, "stored")
    assert walks.walks() == (WALK,)
    (outcome,) = of_kind(found, "outcome")
    assert outcome["active"] is False, "it is as good as the one in use, no better"
    assert "--force" in outcome["why"]


def test_the_same_recording_with_other_laps_is_another_walk(calibrate, survey):
    calibrate("--recording", survey)

    code, _, err = calibrate("--recording", survey, "--laps", 2)

    assert code == 1
    assert f"walked before, as {WALK}, at other points or on other laps" in err


def test_laps_and_visits_can_be_chosen(events, survey, walks):
    code, found = events("--recording", survey, "--visits", "2,3", "--laps", 2)

    assert code == 0
    (begun,) = of_kind(found, "begun")
    assert (begun["laps"], begun["shots"]) == (2, 6)
    lap_1 = [s for s in walks.read(walks.walks()[0]) if s.stop.lap == 1]
    assert len(lap_1) == 3


def test_several_shots_of_a_visit_share_no_packet(events, survey, walks):
    for place, point in enumerate(POINTS):
        packets = packets_at(place, n=50, seed=1)
        (survey.parent / f"{point.name}-1.pcapng").write_bytes(pcapng_bytes(packets))

    code, _ = events("--recording", survey, "--shots", 2, "--laps", 1)

    assert code == 0
    shots = [s.stop.shot for s in walks.read(WALK) if s.stop.point.name == "p1"]
    assert shots == [1, 2]
    captures = [
        row.capture.read_bytes()
        for row in walks.as_survey(WALK, "home")
        if row.point.name == "p1"
    ]
    packets = {packet for _, packet in packets_at(0, n=50, seed=1)}
    one, two = ({p for p in packets if p in capture} for capture in captures)
    assert one
    assert two
    assert not one & two


def test_what_is_rejected_is_left_out(events, survey, walks):
    short = packets_at(0, n=3, seed=2)
    (survey.parent / "p1-2.pcapng").write_bytes(pcapng_bytes(short))

    code, found = events("--recording", survey)

    assert code == 0
    judged = [e for e in of_kind(found, "judged") if e["grade"] == "REJECT"]
    assert [(e["stop"]["point"]["name"], e["reason"]) for e in judged] == [
        ("p1", "too_few")
    ]
    assert len(walks.read(WALK)) == 8


def test_what_is_weak_is_kept(events, survey, walks):
    at_p1 = packets_at(0, seed=7)
    (survey.parent / "p2-1.pcapng").write_bytes(pcapng_bytes(at_p1))

    code, found = events("--recording", survey)

    assert code == 0
    weak = [e for e in of_kind(found, "judged") if e["grade"] == "WEAK"]
    assert weak[0]["stop"]["point"]["name"] == "p2"
    assert {event["reason"] for event in weak} == {"same_place"}
    assert len(walks.read(WALK)) == 9


def test_a_stop_without_a_capture_is_passed_over(events, survey):
    lines = survey.read_text().splitlines()
    survey.write_text("\n".join(x for x in lines if not x.startswith("p2-2.")) + "\n")
    # The second visit of p2 is what was called the third.
    code, found = events("--recording", survey)

    assert code == 0
    (skipped,) = of_kind(found, "discarded")
    assert skipped["why"] == "skipped"
    assert (skipped["stop"]["point"]["name"], skipped["stop"]["lap"]) == ("p2", 3)


def test_outside_comes_with_the_recording_in_every_lap_and_is_checked(
    events, survey, walks
):
    with survey.open("a") as file:
        for lap in (1, 2, 3, 4):
            name, frames = f"out-{lap}.pcapng", packets_at(7, seed=lap)
            (survey.parent / name).write_bytes(pcapng_bytes(frames))
            file.write(f"{name},,,outside,,{lap},home\n")
    assert any(row.point.is_outside for row in read_survey(survey))

    code, found = events("--recording", survey)

    assert code == 0
    outside = [s.stop for s in walks.read(WALK) if s.stop.point.is_outside]
    assert outside == [Stop(Point("outside", None, None), lap) for lap in (1, 2, 3)]
    (begun,), (outcome,) = of_kind(found, "begun"), of_kind(found, "outcome")
    assert (begun["shots"], begun["points"], begun["outside"]) == (12, 3, True)
    by_room = {room["room"]: room for room in outcome["check"]["rooms"]}
    assert by_room["outside"]["n"] == 3
    said = [event["text"] for event in of_kind(found, "said")]
    assert said == [
        "of each point the first 3 visits are the laps; --laps takes more, --visits "
        "others"
    ]


def test_a_capture_that_says_it_is_simulated_makes_a_simulated_calibration(
    events, survey
):
    data = pcapng_bytes(packets_at(0, seed=1), comment=SIMULATED_COMMENT)
    (survey.parent / "p1-1.pcapng").write_bytes(data)

    _, found = events("--recording", survey)

    (outcome,) = of_kind(found, "outcome")
    assert outcome["simulated"] is True
    assert outcome["next"].startswith("edge_agent capture --pcap FILE --broker none ")
    _, found = events("--recording", survey, "--force")
    assert of_kind(found, "outcome")[0]["simulated"] is True, "learnt again, still"


# -- afterwards ------------------------------------------------------------------------


def later(tmp_path, days=1):
    """The same site, recorded again."""
    folder = tmp_path / f"day{days}"
    survey = write_site(folder)
    for place, point in enumerate(POINTS):
        for visit in (1, 2, 3):
            packets = packets_at(
                place, seed=visit + 10 * days, start_us=START_US + days * 86_400_000_000
            )
            path = folder / f"{point.name}-{visit}.pcapng"
            path.write_bytes(pcapng_bytes(packets))
    return survey


def test_the_one_before_can_be_returned_to(calibrate, events, survey, tmp_path):
    _, first = events("--recording", survey)
    _, second = events("--recording", later(tmp_path), "--force")
    (before,), (after,) = of_kind(first, "outcome"), of_kind(second, "outcome")
    assert after["active"]
    assert after["before"] == before["calibration"]
    assert after["undo"].startswith("edge_agent calibrate --undo --bundle ")

    code, out, _ = calibrate("--undo")

    assert code == 0
    assert out == f"calibration {before['calibration']} is in use again\n"
    code, _, err = calibrate("--undo")
    assert code == 1
    assert "has no calibration before the one in use" in err


def test_walks_and_calibrations_are_listed(calibrate, survey, walks):
    calibrate("--recording", survey)
    walks.begin(WalkPlan(POINTS), "20260102T000000Z").close()

    code, out, _ = calibrate("--list")

    assert code == 0
    assert f"{WALK}       3     3      9\n" in out
    assert "20260102T000000Z       0     0      0  unfinished\n" in out
    assert out.endswith("in use\n")
    _, out, _ = calibrate("--list", "--json")
    document = json.loads(out)
    assert [walk["finished"] for walk in document["walks"]] == [True, False]
    assert [c["active"] for c in document["calibrations"]] == [True]


def test_a_calibration_is_listed_with_what_taught_it_and_how_good_it_is(
    calibrate, survey, state
):
    calibrate("--recording", survey)
    site = SiteState(state / "home", Kind.CSI)
    (path,) = site.in_use.folder.glob("calibration-*.npz")
    trust = stored_trusts(path)[0]
    estimator, score = trust.scores[0]

    _, out, _ = calibrate("--list")
    (listed,) = json.loads(calibrate("--list", "--json")[1])["calibrations"]

    assert walk_name(trust.walked_ns) == listed["walk"] == WALK
    assert (listed["estimator"], listed["measure"]) == (estimator, "m")
    assert listed["score"] == pytest.approx(score, abs=1e-4)
    assert out.splitlines()[-1].split() == [
        *(listed["name"], WALK, f"{score:.2f}", "m", f"({estimator})", "in", "use")
    ]


def test_a_calibration_that_cannot_be_read_is_listed_all_the_same(
    calibrate, survey, state
):
    calibrate("--recording", survey)
    site = SiteState(state / "home", Kind.CSI)
    (path,) = site.in_use.folder.glob("calibration-*.npz")
    path.write_bytes(b"damaged")

    code, out, _ = calibrate("--list")

    assert code == 0
    assert out.splitlines()[-1].split()[1:] == ["-", "-", "in", "use"]


def test_the_shots_of_the_newest_walk_are_numbered(calibrate, survey):
    calibrate("--recording", survey)

    _, out, _ = calibrate("--list")

    rows = out.split(f"shots of {WALK}:\n")[1].split("\n\n")[0].splitlines()
    assert rows[0].split() == ["shot", "point", "room", "lap"]
    assert rows[1].split()[:5] == ["1", "p1", "kitchen", "1", "GOOD"]
    assert len(rows) == 1 + 9
    _, out, _ = calibrate("--list", "--json")
    shot = json.loads(out)["shots"][8]
    assert (shot["number"], shot["lap"], shot["grade"]) == (9, 3, "GOOD")


def test_a_wrong_shot_is_left_out_and_the_site_learnt_again(calibrate, survey, walks):
    calibrate("--recording", survey)

    code, out, err = calibrate("--forget", 4)

    assert code == 0, err
    assert "forgotten: p3 in lap 2" in err
    assert "put in use as told" in out
    assert 4 not in {shot.number for shot in walks.read(WALK)}
    assert len(walks.read(WALK)) == 8


def test_a_shot_that_is_not_there_cannot_be_forgotten(calibrate, survey):
    code, _, err = calibrate("--forget", 1)
    assert (code, "never walked, so there is no shot to forget" in err) == (1, True)
    calibrate("--recording", survey)

    code, _, err = calibrate("--forget", 99)

    assert code == 1
    assert f"the walk {WALK} has no shot 99; there is 1, 2, 3" in err


def test_a_room_without_any_shot_left_is_no_point_any_more(
    calibrate, survey, state, walks
):
    site_file = state / "home" / "site.toml"
    for point in POINTS:
        add_point(site_file, point)
    calibrate("--recording", survey)
    for shot in walks.read(WALK):
        if shot.stop.point.name == "p3":
            code, _, err = calibrate("--forget", shot.number)
            assert code == 0

    assert "p3 has no shot left and is no point any more" in err
    assert read_site_file(site_file).points == POINTS[:2]


def test_of_a_walk_that_is_not_over_a_shot_is_forgotten_and_nothing_learnt(
    calibrate, survey, walks
):
    calibrate("--recording", survey)
    with walks.open(WALK) as stored:
        stored.reopen()

    code, out, err = calibrate("--forget", 4)

    assert (code, out) == (0, "")
    assert "the walk is not over" in err


def test_the_last_shot_of_a_walk_leaves_what_is_in_use(calibrate, survey, walks):
    calibrate("--recording", survey)
    with walks.open(WALK) as stored:
        for shot in stored.shots[1:]:
            stored.forget(shot.number)

    code, out, err = calibrate("--forget", 1)

    assert (code, out) == (0, "")
    said = " ".join(err.split())
    assert "the calibration in use stays, and edge_agent calibrate --undo --" in said


def test_a_walk_that_could_not_be_learnt_from_is_not_over(
    calibrate, survey, walks, monkeypatch
):
    calibrate("--recording", survey)
    with walks.open(WALK) as stored:
        for shot in stored.shots:
            if shot.stop.point.name != "p1":
                stored.forget(shot.number)
    monkeypatch.setattr("edge_agent.commands.calibrate.take_walk", lambda *_: WALK)

    code, _, err = calibrate("--json")

    assert code == 1
    assert "the shots are of 1 point" in err
    assert walks.unfinished() == WALK


def test_a_calibration_that_was_undone_can_be_used_again(
    calibrate, events, survey, tmp_path
):
    calibrate("--recording", survey)
    _, second = events("--recording", later(tmp_path), "--force")
    (after,) = of_kind(second, "outcome")
    calibrate("--undo")

    code, out, _ = calibrate("--use", after["calibration"])

    assert code == 0
    assert out == f"calibration {after['calibration']} is in use again\n"
    code, _, err = calibrate("--use", "x")
    assert (code, "has no calibration x; there are" in err) == (1, True)


def test_nothing_can_be_undone_at_a_site_that_was_never_calibrated(calibrate):
    code, _, err = calibrate("--undo")

    assert code == 1
    assert "site home was never calibrated, so there is nothing to undo" in err


def test_a_site_that_was_never_walked_has_nothing_to_list(calibrate):
    code, out, _ = calibrate("--list")

    assert code == 0
    assert out.split() == [
        *("walk", "points", "laps", "shots"),
        *("calibration", "newest", "walk", "replayed"),
    ]


def test_rooms_of_the_site_file_that_nobody_visited_are_named(events, survey, state):
    site_file = state / "home" / "site.toml"
    add_point(site_file, Point("p1", 0.0, 0.0, "kitchen"))
    add_point(site_file, Point("a1", 9.0, 9.0, "attic"))

    _, found = events("--recording", survey)

    (outcome,) = of_kind(found, "outcome")
    assert outcome["unvisited"] == ["attic"]
    assert outcome["expected"].keys() == {
        *("error_m", "wrong_rooms", "revisits", "same_day")
    }
    assert outcome["next"].startswith("sudo edge_agent capture --iface wlan0 --bundle ")


def test_what_was_recorded_before_is_the_past(calibrate, survey, state, tmp_path):
    site = SiteState(state / "home", Kind.CSI)
    assert past_of(site) is None
    calibrate("--recording", survey)
    calibrate("--recording", later(tmp_path), "--force")

    past = past_of(site)
    assert past.points == POINTS
    walked = {visit.split("/")[0] for visit in past.visit_of.tolist()}
    assert walked == {WALK, "20260102T000000Z"}


# -- what makes no sense ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--laps", 0), "--laps is 0, not 1 to 9"),
        (("--laps", 10), "--laps is 10, not 1 to 9"),
        (("--shots", 0), "--shots is 0, not 1 to 20"),
        (("--points", "few"), "--points is 'few', not 1 to 1000 or all"),
        (("--points", "0"), "--points is '0', not 1 to 1000 or all"),
        (("--listen", "0"), "--listen is 0, not 0.1 to 60"),
        (("--visits", "1"), "--environment and --visits are of a --recording"),
        ((), "standard input is no terminal. Run it in one, drive it with --json"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused(calibrate, flags, reason):
    code, _, err = calibrate(*flags)

    assert code == 2
    assert reason in err


@pytest.mark.parametrize("flag", ["--resume", "--fresh-walk"])
def test_a_recording_knows_what_is_left_by_itself(calibrate, survey, flag):
    code, _, err = calibrate("--recording", survey, flag)

    assert code == 2
    assert "are of walks that are taken now" in err


def test_more_points_than_there_are_cannot_be_chosen(calibrate, survey):
    code, _, err = calibrate("--recording", survey, "--points", 4)

    assert code == 2
    assert "--points is 4, and 3 points are known" in err


def test_without_a_past_nobody_knows_which_points_teach_most(calibrate, survey):
    code, _, err = calibrate("--recording", survey, "--points", 2)

    assert code == 1
    assert "site home has no past that could tell which 2 points teach most" in err


def test_to_choose_points_it_takes_neighbours(calibrate, survey, tmp_path):
    calibrate("--recording", survey)

    code, _, err = calibrate("--recording", later(tmp_path), "--points", 2)

    assert code == 1
    assert "tiny-1 cannot tell which points teach most: it has no neighbours" in err


def test_nothing_to_go_on_with_is_an_error_where_it_was_asked_for(calibrate):
    code, _, err = calibrate("--resume", "--json")

    assert code == 1
    assert "no walk is unfinished; without --resume a new one begins" in err


def test_without_a_single_good_shot_nothing_is_learnt(calibrate, survey):
    for path in survey.parent.glob("*.pcapng"):
        path.write_bytes(pcapng_bytes(packets_at(0, n=5)))

    code, out, err = calibrate("--recording", survey)

    assert (code, out) == (1, "")
    assert "no shot was taken, so there is nothing to learn" in err
