"""One reason, one action, the worst first."""

from dataclasses import replace

import pytest

from edge_agent.csi.image import ImageSpec
from edge_agent.walking import verdict as limits
from edge_agent.walking.json_fields import FieldError, Fields
from edge_agent.walking.reading import Reading
from edge_agent.walking.shot_meter import ShotReport
from edge_agent.walking.verdict import Earlier, Grade, Reason, Verdict, judge

SPEC = ImageSpec(n_packets=50)
A, B = "dc:a6:32:00:00:0a", "dc:a6:32:00:00:0b"
FINE = Reading(A, 50, 10.0, 0.0, 0.2, False, -50.0, (1.0, 1.0))


def report(*readings, **changes):
    n = sum(reading.n_frames for reading in readings)
    whole = ShotReport(5.0, tuple(readings), 0.9, n, n, 0.0, 1)
    return replace(whole, **changes)


def judged(found, *, earlier=(), lap=2):
    return judge(found, SPEC, point="kitchen", lap=lap, earlier=earlier)


def test_a_good_shot_has_no_action():
    verdict = judged(report(FINE))

    assert (verdict.grade, verdict.reason, verdict.action) == (
        Grade.GOOD,
        Reason.FINE,
        "",
    )
    assert "steadiness 0.90" in verdict.text


HERE = Earlier("kitchen", 1, (FINE, replace(FINE, mac=B)))
GONE = replace(FINE, mac=B, n_frames=0, silent_s=5.0, is_expected=True)


@pytest.mark.parametrize(
    ("found", "earlier", "grade", "reason", "word"),
    [
        (report(), (), "REJECT", "no_frames", "no CSI frame"),
        (report(n_packets=7), (), "REJECT", "no_frames", "7 packets came"),
        (report(GONE, FINE), (), "REJECT", "strangers", A),
        (report(GONE, n_frames=3), (), "REJECT", "strangers", "another bandwidth"),
        (report(replace(FINE, n_frames=49)), (), "REJECT", "too_few", "49 of"),
        (report(n_frames=3), (), "REJECT", "too_few", "none that images can use"),
        (report(FINE, clock_change_s=-2.0), (), "REJECT", "clock", "back by 2.0"),
        (report(FINE, clock_change_s=9.0), (), "REJECT", "clock", "ahead by 9.0"),
        (
            report(FINE, replace(FINE, mac=B, n_frames=20, silent_s=2.1)),
            (),
            "WEAK",
            "vanished",
            B,
        ),
        (report(replace(FINE, is_expected=True), GONE), (HERE,), "WEAK", "vanished", B),
        (report(FINE, steadiness=0.39), (), "REJECT", "moved", "carried"),
        (report(FINE, steadiness=0.54), (), "WEAK", "moved", "something moved"),
        (report(replace(FINE, longest_gap_s=1.1)), (), "WEAK", "irregular", "1.1 s"),
        (
            report(FINE, replace(FINE, mac=B, n_frames=30, silent_s=0.5)),
            (HERE,),
            "WEAK",
            "irregular",
            "30 of 50",
        ),
        (
            report(replace(FINE, level_dbm=-57.0)),
            (Earlier("kitchen", 1, (FINE,)),),
            "WEAK",
            "level",
            "7 dB",
        ),
        (
            report(FINE),
            (Earlier("office", 1, (replace(FINE, shape=(1.01, 0.99)),)),),
            "WEAK",
            "same_place",
            "office",
        ),
    ],
)
def test_what_is_wrong_is_named(found, earlier, grade, reason, word):
    verdict = judged(found, earlier=earlier)

    assert (verdict.grade, verdict.reason) == (grade, reason)
    assert word in verdict.text
    assert verdict.action


@pytest.mark.parametrize(
    ("found", "earlier"),
    [
        (report(FINE, steadiness=None), ()),
        (report(FINE, steadiness=limits.UNSTEADY), ()),
        (report(replace(FINE, is_expected=True), GONE), ()),  # never heard here
        (report(FINE, replace(FINE, mac=B, n_frames=5, silent_s=4.0)), ()),  # a guest
        (report(replace(FINE, longest_gap_s=1.0)), ()),
        (
            report(replace(FINE, level_dbm=-56.0)),
            (Earlier("kitchen", 1, (FINE,)),),
        ),
        (
            report(replace(FINE, level_dbm=-70.0)),
            (Earlier("kitchen", 2, (FINE,)),),  # of the same lap: the same stop
        ),
        (report(FINE), (Earlier("office", 1, (replace(FINE, shape=(1.3, 0.6)),)),)),
        (report(FINE), (Earlier("office", 1, (replace(FINE, level_dbm=-52.0),)),)),
        (report(FINE), (Earlier("office", 1, (replace(FINE, mac=B),)),)),
        (report(FINE), (Earlier("office", 1, (replace(FINE, shape=(1.0,)),)),)),
    ],
)
def test_what_is_not_wrong_is_good(found, earlier):
    assert judged(found, earlier=earlier).grade is Grade.GOOD


WORST_FIRST = [
    (Reason.CLOCK, {"clock_change_s": -2.0}),
    (Reason.VANISHED, {"readings": (FINE, replace(GONE, n_frames=9))}),
    (Reason.MOVED, {"steadiness": 0.1}),
]


@pytest.mark.parametrize("first", range(len(WORST_FIRST)))
def test_of_several_faults_the_worst_is_named(first):
    changes = {}
    for _, change in WORST_FIRST[first:]:
        changes |= change

    assert judged(report(FINE, **changes)).reason is WORST_FIRST[first][0]


def test_verdicts_are_read_back_and_nonsense_is_refused():
    verdict = judged(report(FINE))
    assert Verdict.from_json(Fields(verdict.to_json())) == verdict

    with pytest.raises(FieldError, match="no verdict is 'BEST'"):
        Verdict.from_json(Fields(verdict.to_json() | {"grade": "BEST"}))
