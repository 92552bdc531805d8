"""What a person sees of a walk and of what came of it."""

import io
from dataclasses import replace
from types import SimpleNamespace

import pytest

from edge_agent.check import Check, LeftOut, RoomCheck, Score, Verdict
from edge_agent.console import Console
from edge_agent.errors import UsageError
from edge_agent.guide.skin import Told
from edge_agent.guide.terminal import Terminal
from edge_agent.preflight.finding import caution, stop
from edge_agent.preflight.report import AccessPoint, Report
from edge_agent.prospect import Prospect
from edge_agent.site_learning import Outcome
from edge_agent.survey import Point
from edge_agent.walking.commands import Verb
from edge_agent.walking.events import Asking, Begun, Ended, Fault, Refused, Status
from edge_agent.walking.plan import WHY_LAPS, Stop
from edge_agent.walking.shot_events import Discarded, Judged, Stored
from edge_agent.walking.verdict import Grade, Reason
from edge_agent.walking.verdict import Verdict as ShotVerdict

KITCHEN = Point("kitchen", 1.0, 2.0, "kitchen")
STOP = Stop(KITCHEN, 2)
WEAK = ShotVerdict(Grade.WEAK, Reason.MOVED, "something moved", "put it down, retry")
GOOD = ShotVerdict(Grade.GOOD, Reason.FINE, "2 access points", "")
JUDGING = (Verb.RETRY, Verb.KEEP, Verb.SKIP, Verb.QUIT)


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def shown():
    """Show something; returns results and talk."""

    def shown(*events, show=None, **options):
        out, err = io.StringIO(), io.StringIO()
        terminal = Terminal(Console(out, err), **options)
        terminal.events(events)
        if show is not None:
            show(terminal)
        return out.getvalue(), err.getvalue()

    return shown


def begun(**values):
    facts = {
        **{"walk": "w", "n_points": 3, "laps": 3, "shots_per_stop": 1, "n_shots": 9},
        **{"n_done": 0, "expected_s": 126.0, "why": WHY_LAPS},
    }
    return Begun(**(facts | values))


def test_a_walk_begins_with_how_long_and_why(shown):
    _, err = shown(begun())

    assert "Walk        3 points, 3 laps: about 2 min 06 s\n" in err
    assert "Why 3 laps: shots from separate visits" in err


def test_a_walk_that_goes_outside_says_so(shown):
    _, err = shown(begun(with_outside=True, n_shots=12))

    assert "Walk        3 points and outside, 3 laps: about" in err


def test_points_beyond_a_plan_need_a_plus():
    terminal = Terminal(Console(io.StringIO(), io.StringIO()))
    terminal.events([begun()])

    with pytest.raises(UsageError, match="a new one behind a plus"):
        terminal.command("attic 3 1", {"kitchen"})


def test_one_lap_is_told_what_it_costs(shown):
    _, err = shown(begun(laps=1, shots_per_stop=3, why=None, expected_s=40.0))

    assert "Walk        3 points, 1 lap of 3 shots: about 40 s\n" in err
    assert "One lap is quicker and worth less: shots from separate visits" in err


def test_a_walk_that_goes_on_says_what_is_there(shown):
    _, err = shown(begun(n_done=4, cautions=("0007.json is damaged",)))

    assert "going on: 4 of 9 shots are there" in err
    assert "caution: 0007.json is damaged" in err
    assert "Why" not in err


def test_the_question_comes_last(shown):
    stored = Stored(STOP, 5, 5, 9)
    _, err = shown(Judged(STOP, WEAK, 0.5, 5.0, (), JUDGING), stored)

    assert err.splitlines() == [
        "            WEAK: something moved",
        "            Put it down, retry.",
        "            stored, 5 of 9",
        "            [Enter] retry [k]eep [s]kip [q]uit [?] > ",
    ]


def asking(*, n_done, can=JUDGING):
    return Asking(STOP, "Put it down.", n_done, 9, can)


def test_a_sentence_in_between_leaves_the_question_last(shown):
    _, err = shown(asking(n_done=3), show=lambda terminal: terminal.say("Ctrl-C once"))

    question = "            [Enter] retry [k]eep [s]kip [q]uit [?] > "
    assert err.splitlines()[-3:] == [question, "            Ctrl-C once", question]


def test_an_early_end_is_asked_back_once():
    err = io.StringIO()
    terminal = Terminal(Console(io.StringIO(), err))
    terminal.events([asking(n_done=3, can=(*JUDGING, Verb.FINISH))])

    assert terminal.command("f", ()) is None
    assert "6 shots of the plan are not taken. f once more ends" in err.getvalue()
    assert terminal.command("k", ()).verb is Verb.KEEP
    assert terminal.command("f", ()) is None, "asked anew"
    assert terminal.command("f", ()).verb is Verb.FINISH


def test_the_end_of_a_walk_that_is_done_is_not_asked_back():
    terminal = Terminal(Console(io.StringIO(), io.StringIO()))
    terminal.events([asking(n_done=9, can=(Verb.ADD_POINT, Verb.FINISH))])

    assert terminal.command("", {"kitchen"}).verb is Verb.FINISH


def test_a_recording_is_asked_nothing_and_told_of_what_is_not_good(shown):
    _, err = shown(
        Asking(STOP, "Put it down.", 0, 9, (Verb.SHOOT,)),
        Judged(STOP, GOOD, 0.9, 5.0, (), ()),
        Judged(STOP, WEAK, 0.5, 5.0, (), JUDGING),
        is_asking=False,
    )

    assert err == "            kitchen in lap 2 WEAK: something moved\n"


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Discarded(STOP, "cancelled"), "cancelled: kitchen in lap 2"),
        (Fault("the disk is full: free some space", JUDGING), "the disk is full"),
        (Refused("keep means nothing while asking", ()), "keep means nothing"),
        (Status("w", "asking", (STOP,), (STOP,), 9.0, JUDGING), "left: kitchen in lap"),
        (Ended("w", False, 3, 9), "left; 3 of 9 shots are stored, and the same comm"),
        (Ended("w", True, 9, 9), "done: 9 of 9 shots are stored"),
    ],
)
def test_everything_that_happens_is_said(shown, event, text):
    assert text in shown(event)[1]


def test_a_preflight_that_stops_says_why(shown):
    report = Report(
        (
            caution("slow", "a shot takes 12 s", "make traffic"),
            stop("no-frames", "no frame came", "arm the chip"),
        ),
        (AccessPoint("dc:a6:32:01:02:03", 30, 10.0, True),),
        "36/20",
    )
    _, err = shown(show=lambda terminal: terminal.preflight(report))

    assert err.splitlines() == [
        "Preflight   channel 36/20, 1 access point, 02:03 10/s",
        "            STOP: no frame came: arm the chip",
        "            CAUTION: a shot takes 12 s: make traffic",
    ]


def test_antennas_are_told_from_access_points(shown):
    heard = tuple(
        AccessPoint(mac, 30, 10.0, True, n_antennas)
        for mac, n_antennas in (("dc:a6:32:01:02:03", 3), ("dc:a6:32:01:02:04", 2))
    )
    _, err = shown(show=lambda terminal: terminal.preflight(Report((), heard)))

    assert err.startswith("Preflight   2 access points on 3 antennas, 02:03 10/s")


def outcome(*, n_site_points=2, **values):
    good, weak = Score(3, 0.5, 1.0), Score(3, 2.5, 1 / 3)
    check = Check(
        LeftOut.LAPS,
        Score(6, 1.5, 2 / 3),
        Score(6, 3.0, 0.5),
        Score(6, 3.5, 0.5),
        (
            RoomCheck("hall", weak, Verdict.UNUSABLE),
            RoomCheck("kitchen", good, Verdict.GOOD),
        ),
        Point("door", 0.0, 0.0, "hall"),
        2,
        n_site_points,
    )
    facts = {
        **{"calibration": SimpleNamespace(), "name": "20261123T101500Z"},
        **{"check": check, "is_active": True, "before": "cal-1"},
        **{"why": "put in use: better", "prospect": None},
    }
    return Outcome(**(facts | values))


def test_an_outcome_is_read_from_top_to_bottom(shown):
    undo = "edge_agent calibrate --undo --state " + "/a/rather/long/place" * 6
    told = Told("loss 1.31 -> 0.22", ("attic",), undo, "sudo edge_agent capture")
    out, _ = shown(show=lambda terminal: terminal.outcome(outcome(), told))

    assert out.splitlines() == [
        "Adapting    loss 1.31 -> 0.22",
        "Check       each lap located from the others: 4 of 6 rooms right, mean error "
        "1.50 m",
        "            before: 50% of rooms right, mean error 3.00 m; guessing: 50% of "
        "rooms right, mean error",
        "            3.50 m",
        "Verdict     WEAK",
        "            hall unusable: 1 of 3 rooms right, mean error 2.50 m",
        "            kitchen good: 3 of 3 rooms right, mean error 0.50 m",
        "            one more shot would help most at door",
        "Calibration 20261123T101500Z, put in use: better",
        "Unvisited   attic: nothing is located there",
        f"Undo        {undo}",
        "Next        sudo edge_agent capture",
    ]


def test_what_is_good_and_not_put_in_use_is_said_to_be_both(shown):
    told = Told("loss 1.31 -> 0.22", (), None, "sudo edge_agent capture")
    kept = outcome(is_active=False, why="not put in use: the one in use is as good")
    out, _ = shown(show=lambda terminal: terminal.outcome(kept, told))

    lines = out.splitlines()
    assert "Verdict     WEAK; what is in use is no worse, and stays" in lines
    assert "Calibration 20261123T101500Z, not put in use: the one in use is as" in out


def test_of_outside_it_is_told_how_often_it_was_said(shown):
    told = Told("loss 1.31 -> 0.22", (), None, "sudo edge_agent capture")
    whole = outcome()
    outside = RoomCheck("outside", Score(3, None, 2 / 3), Verdict.WEAK)
    with_outside = replace(whole.check, rooms=(*whole.check.rooms, outside))
    shown_one = outcome(check=with_outside)
    out, _ = shown(show=lambda terminal: terminal.outcome(shown_one, told))

    assert "            outside weak: 2 of 3 said to be outside" in out.splitlines()


def test_without_a_check_the_outcome_says_so(shown):
    told = Told("loss 1.31 -> 0.22", (), None, "sudo edge_agent capture")
    bare = outcome(check=None, before=None)
    out, _ = shown(show=lambda terminal: terminal.outcome(bare, told))

    assert "Check       none: one shot per point leaves nothing to check with" in out
    assert "Undo" not in out
    assert "Unvisited" not in out


@pytest.mark.parametrize(
    ("prospect", "expected"),
    [
        (
            Prospect(1.154, None, 34, is_same_day=True),
            "at all 5 points: mean error 1.15 m, as at 34 re-visits of the site's past",
        ),
        (
            None,
            "nobody knows yet how far off the other 3 are: the site's past is too "
            "short to tell",
        ),
    ],
)
def test_a_sparse_walk_promises_only_what_holds_where_it_went(
    shown, prospect, expected
):
    told = Told("loss 1.31 -> 0.22", (), None, "sudo edge_agent capture")
    sparse = outcome(n_site_points=5, prospect=prospect)

    out, _ = shown(show=lambda terminal: terminal.outcome(sparse, told))

    said = " ".join(out.split())
    assert "from the others, at the 2 points walked to of 5: 4 of 6 rooms right" in said
    assert f"Expected {expected} " in said
    assert "Verdict WEAK at the 2 points walked to " in said
