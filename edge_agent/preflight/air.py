"""What can be wrong with who is on the air, and how often; the root cause first."""

from collections.abc import Iterable
from dataclasses import dataclass

from edge_agent.csi.image import Channel, ImageSpec
from edge_agent.preflight.finding import Finding, Severity, caution, ok, stop
from edge_agent.preflight.hearing import Hearing, in_words
from edge_agent.preflight.silence import (
    TRAFFIC,
    Surroundings,
    check_no_csi,
    check_silence,
)
from edge_agent.walking.shot_meter import SHOT_LIMIT_S

SLOW_SHOT_S = 8.0
"""A shot that takes longer is slow: standing still for 5 to 8 s is what people are
asked for, and beacons alone make 50 frames in 5 s."""

_MAX_NAMED = 4
_STRAY_SHARE = 0.05
"""Frames on other channels below this share are remains of a retune, not a scan."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a walk needs to hear."""

    spec: ImageSpec

    channels: tuple[Channel, ...] = ()
    """Those of the site's calibration; empty: any access point will do."""

    chanspecs: frozenset[int] = frozenset()
    """Channels that the site's shots were made on; empty: not known."""

    longest_shot_s: float = SHOT_LIMIT_S
    """When a shot is given up [s]."""


def check_air(
    hearing: Hearing,
    expected: Expectation,
    *,
    name: str,
    surroundings: Surroundings | None = None,
) -> list[Finding]:
    """Return what is wrong on the air, or that nothing is.

    Args:
        hearing: What was heard.
        expected: What is needed.
        name: Of the source, for people.
        surroundings: Of an interface of this machine; None: a file or a pipe.
    """
    if hearing.n_packets == 0:
        return [check_silence(hearing, name, surroundings)]
    if hearing.n_frames == 0:
        return [check_no_csi(hearing, name)]
    findings = [
        *_check_who(hearing, expected),
        *_check_hops(hearing),
    ]
    if not any(finding.severity is Severity.STOP for finding in findings):
        findings += _check_pace(hearing, expected)
    return findings or [ok("air", _heard_in_words(hearing, expected))]


def wanted_channels(hearing: Hearing, expected: Expectation) -> tuple[Channel, ...]:
    """Return what images will be made of: the expected that were heard, else the best.

    Args:
        hearing: What was heard.
        expected: What is needed.
    """
    if expected.channels:
        return tuple(c for c in expected.channels if hearing.frames[c])
    return tuple(hearing.best_channels.values())[: expected.spec.n_channels]


# -- who -------------------------------------------------------------------------------


def _check_who(hearing: Hearing, expected: Expectation) -> list[Finding]:
    """Return whether the chip hears whom it should; elsewhere there are strangers."""
    channel = _check_channel(hearing, expected)
    if any(finding.severity is Severity.STOP for finding in channel):
        return channel
    return channel + _check_known(hearing, expected)


def _check_channel(hearing: Hearing, expected: Expectation) -> list[Finding]:
    """Return whether the chip is tuned elsewhere than when the site was recorded."""
    heard = set(hearing.chanspecs)
    if not heard or not expected.chanspecs or heard & expected.chanspecs:
        return []
    before = in_words(sorted(expected.chanspecs))
    what = f"the chip is tuned to {hearing.tuned_to}; the site's shots were made on "
    if expected.channels and wanted_channels(hearing, expected):
        return [
            caution(
                "channel-changed",
                f"{what}{before}, and its access points are here too",
                "what was learnt there does not hold here: give them a fixed channel, "
                "or walk all points anew",
            )
        ]
    return [
        stop(
            "wrong-channel",
            f"{what}{before}",
            "arm it for that channel again (makecsiparams -c CHANNEL/BANDWIDTH); where "
            "the access points moved to another, fix theirs or begin the site anew",
        )
    ]


def _check_known(hearing: Hearing, expected: Expectation) -> list[Finding]:
    """Return which calibrated access points are missing, or came otherwise."""
    if not expected.channels:
        return []
    known = sorted({channel.mac for channel in expected.channels})
    heard = hearing.best_channels
    missing = [mac for mac in known if mac not in heard]
    if len(missing) == len(known):
        on = f" on {hearing.tuned_to}" if hearing.tuned_to else ""
        return [
            stop(
                "strangers",
                f"hears only {listed(heard)}{on}; the site is calibrated to "
                f"{listed(known)}",
                "are those access points on, and on this channel (nexutil -k)? Is the "
                "site's name right (--site)? Where they were replaced, walk all points "
                "as of a new site",
            )
        ]
    changed = [c for c in expected.channels if c.mac in heard and not hearing.frames[c]]
    findings = []
    if changed:
        findings.append(
            _changed(changed, heard, is_all=not wanted_channels(hearing, expected))
        )
    if missing:
        findings.append(
            caution(
                "access-point-missing",
                f"does not hear {listed(missing)}, of {len(known)} access points that "
                "the site is calibrated to",
                "is it on, and on this channel? Without it locations are less sure; "
                "go on only if it will not come back",
            )
        )
    return findings


def _changed(
    changed: list[Channel], heard: dict[str, Channel], *, is_all: bool
) -> Finding:
    """Return that access points are heard, but in other frames."""
    before, now = changed[0], heard[changed[0].mac]
    if before.has_rssi != now.has_rssi:
        how = "without" if before.has_rssi else "with"
        what = f"frames now come {how} received power, unlike when it was calibrated"
        do = "install the firmware that the site was calibrated with"
    elif before.frame_format == now.frame_format:
        what = f"receive core {before.core} is silent; {now.core} is heard"
        do = "arm the chip for the cores that the site was calibrated with (-C)"
    else:
        what = (
            f"{before.mac} now comes as {now.frame_format}, calibrated was "
            f"{before.frame_format}"
        )
        do = (
            "arm the chip for the channel and bandwidth that the site was calibrated "
            "with; wide frames need data traffic, beacons are 20 MHz wide"
        )
    return (stop if is_all else caution)("other-format", what, do)


def _check_hops(hearing: Hearing) -> list[Finding]:
    total = hearing.chanspecs.total()
    used = [c for c, n in hearing.chanspecs.items() if n >= _STRAY_SHARE * total]
    if len(used) < 2:
        return []
    return [
        caution(
            "channel-hops",
            f"the chip changes its channel: {in_words(sorted(used))}",
            "stop what scans: sudo systemctl stop wpa_supplicant NetworkManager",
        )
    ]


# -- how often -------------------------------------------------------------------------


def _check_pace(hearing: Hearing, expected: Expectation) -> list[Finding]:
    """Return whether frames come too slowly for a shot."""
    durations = {
        channel: expected.spec.n_packets / rate
        for channel in wanted_channels(hearing, expected)
        if (rate := hearing.rate(channel)) > 0
    }
    if not durations or hearing.has_ended:  # of a short recording there is no rate
        return []
    n, limit = expected.spec.n_packets, expected.longest_shot_s
    late = [channel for channel, needed in durations.items() if needed > limit]
    fastest, slowest = min(durations.values()), max(durations.values())
    if len(late) == len(durations):
        best = min(durations, key=lambda channel: durations[channel])
        return [
            stop(
                "too-slow",
                f"{best.mac}, the most frequent, sends {hearing.rate(best):.1f} frames "
                f"per second; a shot needs {n} within {limit:.0f} s, this takes "
                f"{fastest:.0f} s",
                TRAFFIC,
            )
        ]
    if late:
        return [
            caution(
                "access-point-slow",
                f"{listed(sorted({c.mac for c in late}))} will be missing from shots: "
                f"{min(map(hearing.rate, late)):.1f} frames per second, needed are "
                f"{n / limit:.1f}",
                TRAFFIC,
            )
        ]
    if slowest > SLOW_SHOT_S:
        worst = max(durations, key=lambda channel: durations[channel])
        return [
            caution(
                "slow",
                f"a shot will take {slowest:.0f} s: {worst.mac} sends "
                f"{hearing.rate(worst):.1f} frames per second",
                TRAFFIC,
            )
        ]
    return []


def _heard_in_words(hearing: Hearing, expected: Expectation) -> str:
    rates = ", ".join(
        f"{channel.mac} {hearing.rate(channel):.0f} frames/s"
        for channel in wanted_channels(hearing, expected)[:_MAX_NAMED]
    )
    return f"channel {hearing.tuned_to}: {rates}" if hearing.tuned_to else rates


def listed(names: Iterable[str]) -> str:
    """Return the first few names, and how many more there are."""
    names = list(names)
    more = len(names) - _MAX_NAMED
    return ", ".join(names[:_MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
