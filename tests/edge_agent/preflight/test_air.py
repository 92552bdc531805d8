"""What is wrong on the air: the root cause, and one thing to do first."""

from dataclasses import replace

import pytest

from edge_agent.preflight.air import (
    Expectation,
    check_air,
    listed,
    wanted_channels,
)
from edge_agent.preflight.finding import Severity
from tests.edge_agent.preflight.hearings import (
    ON_36,
    ON_36_80,
    ON_40,
    SPEC,
    VHT_80,
    A,
    B,
    C,
    hearing,
)

STOP, CAUTION, OK = Severity
ANY = Expectation(SPEC)
CALIBRATED = Expectation(SPEC, (A, B), frozenset({ON_36}))


def check(heard, expected=ANY, **options):
    return check_air(heard, expected, **({"name": "wlan0"} | options))


def found(heard, expected=ANY, **options):
    return [(f.severity, f.code) for f in check(heard, expected, **options)]


# -- who is heard ----------------------------------------------------------------------


def test_all_that_is_needed_is_fine_and_says_who_sends_how_often():
    [finding] = check(hearing({A: 47, B: 10, C: 20}), CALIBRATED)

    assert finding.severity is OK
    assert finding.what == (f"channel 36/20: {A.mac} 47 frames/s, {B.mac} 10 frames/s")


def test_strangers_only_are_named_beside_whom_it_expected():
    [finding] = check(hearing({C: 30}), CALIBRATED)

    assert (finding.severity, finding.code) == (STOP, "strangers")
    assert finding.what == (
        f"hears only {C.mac} on 36/20; the site is calibrated to {A.mac}, {B.mac}"
    )


def test_a_chip_on_another_channel_is_the_cause_and_strangers_are_not_named():
    heard = hearing({C: 30}, chanspecs={ON_40: 90})

    [finding] = check(heard, CALIBRATED)

    assert (finding.severity, finding.code) == (STOP, "wrong-channel")
    assert "tuned to 40/20" in finding.what
    assert "made on 36/20" in finding.what


def test_another_bandwidth_is_another_channel():
    heard = hearing({C: 30}, chanspecs={ON_36_80: 90})

    assert found(heard, CALIBRATED) == [(STOP, "wrong-channel")]


def test_access_points_that_moved_to_another_channel_are_a_caution():
    heard = hearing({A: 30}, chanspecs={ON_40: 90})

    findings = check(heard, CALIBRATED)

    assert [(f.severity, f.code) for f in findings] == [
        (CAUTION, "channel-changed"),
        (CAUTION, "access-point-missing"),
    ]
    assert "tuned to 40/20; the site's shots were made on 36/20" in findings[0].what


def test_another_channel_than_before_stops_a_site_without_a_calibration_too():
    expected = Expectation(SPEC, (), frozenset({ON_36}))

    assert found(hearing({A: 30}, chanspecs={ON_40: 90}), expected) == [
        (STOP, "wrong-channel")
    ]


def test_without_a_known_channel_any_will_do():
    expected = Expectation(SPEC, (A, B))

    assert found(hearing({A: 10, B: 10}, chanspecs={ON_40: 60}), expected) == [
        (OK, "air")
    ]
    assert found(hearing({A: 10, B: 10}, chanspecs={}), CALIBRATED) == [(OK, "air")]


def test_a_calibrated_access_point_that_is_missing_is_a_caution():
    [finding] = check(hearing({A: 30, C: 30}), CALIBRATED)

    assert (finding.severity, finding.code) == (CAUTION, "access-point-missing")
    assert f"does not hear {B.mac}, of 2 access points" in finding.what


def test_an_access_point_in_other_frames_is_a_caution_beside_one_as_it_was():
    wide = replace(A, frame_format=VHT_80)

    [finding] = check(hearing({wide: 30, B: 30}), CALIBRATED)

    assert (finding.severity, finding.code) == (CAUTION, "other-format")
    assert f"{A.mac} now comes as 80 MHz VHT, calibrated was 20 MHz" in finding.what


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"frame_format": VHT_80}, "80 MHz VHT"),
        ({"has_rssi": False}, "frames now come without received power"),
        ({"core": 1}, "receive core 0 is silent; 1 is heard"),
    ],
)
def test_where_all_come_otherwise_it_stops(change, words):
    heard = hearing({replace(A, **change): 30, replace(B, **change): 20})

    [finding] = check(heard, CALIBRATED)

    assert (finding.severity, finding.code) == (STOP, "other-format")
    assert words in finding.what


def test_received_power_that_is_new_is_said_so():
    silent = Expectation(SPEC, (replace(A, has_rssi=False),))

    [finding] = check(hearing({A: 30}), silent)

    assert "frames now come with received power" in finding.what


def test_a_chip_that_hops_is_a_caution_but_a_remnant_is_not():
    assert found(hearing({A: 30}, chanspecs={ON_36: 50, ON_40: 40})) == [
        (CAUTION, "channel-hops")
    ]
    assert found(hearing({A: 30}, chanspecs={ON_36: 97, ON_40: 3})) == [(OK, "air")]


# -- how often -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "severity", "code"),
    [
        (7, OK, "air"),  # 50 frames in 7.1 s
        (6, CAUTION, "slow"),  # in 8.3 s
        (3, CAUTION, "slow"),  # in 16.7 s
        (2, STOP, "too-slow"),  # in 25 s, of 20 s
    ],
)
def test_a_shot_that_takes_long_is_said_before_it_begins(rate, severity, code):
    findings = check(hearing({A: rate}))

    assert [(f.severity, f.code) for f in findings] == [(severity, code)]
    if severity is not OK:
        assert f"{rate}.0 frames per second" in findings[0].what
        assert "ping" in findings[0].do


def test_an_access_point_that_will_miss_its_shot_is_named():
    [finding] = check(hearing({A: 30, B: 1}))

    assert (finding.severity, finding.code) == (CAUTION, "access-point-slow")
    assert finding.what == (
        f"{B.mac} will be missing from shots: 1.0 frames per second, needed are 2.5"
    )


def test_who_is_not_wanted_may_be_as_slow_as_it_likes():
    assert found(hearing({A: 30, B: 30, C: 1}), CALIBRATED) == [(OK, "air")]


def test_where_a_fault_stops_the_pace_is_not_spoken_of():
    assert found(hearing({C: 1}), CALIBRATED) == [(STOP, "strangers")]


def test_a_recording_that_ended_early_tells_no_rate():
    assert found(hearing({A: 1}, has_ended=True)) == [(OK, "air")]


def test_without_a_calibration_the_most_frequent_are_wanted():
    narrow = Expectation(replace(SPEC, n_channels=2))
    rare = replace(A, core=1)

    assert wanted_channels(hearing({rare: 1, C: 5, A: 30, B: 20}), narrow) == (A, B)
    assert wanted_channels(hearing({A: 30, C: 9}), CALIBRATED) == (A,)


def test_of_many_names_a_few_are_listed():
    assert listed("abcd") == "a, b, c, d"
    assert listed("abcdefg") == "a, b, c, d and 3 more"
