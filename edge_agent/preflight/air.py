"""What can be wrong with what is on the air, the root cause first.

The order of causes where nothing is heard is that of the reports of Nexmon's users
(nexmon_csi issues 9, 22, 31, 78, 104, 139, 208, 243 and its FAQ): monitor mode, chip
not armed, wrong channel, no traffic, filter, a chip that cannot.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from edge_agent.csi.image import Channel, ImageSpec
from edge_agent.csi.refusal import Refusal
from edge_agent.interface import Interface
from edge_agent.preflight.finding import Finding, Severity, caution, ok, stop
from edge_agent.preflight.hearing import Hearing, in_words
from edge_agent.walking.shot_meter import SHOT_LIMIT_S

SLOW_SHOT_S = 8.0
"""A shot that takes longer is slow: standing still for 5 to 8 s is what people are
asked for, and beacons alone make 50 frames in 5 s."""

_MAX_NAMED = 4
_STRAY_SHARE = 0.05
"""Frames on other channels below this share are remains of a retune, not a scan."""

_NO_CSI_BOARDS = ("Raspberry Pi 3 Model B Rev", "Raspberry Pi Zero")
"""Their chips, bcm43430a1 and bcm43436, have no CSI firmware (nexmon_csi issues 7,
360)."""

_TRAFFIC = (
    "make traffic: from a device in the access point's network, ping -i 0.02 the "
    "access point"
)

_REFUSED = {
    str(Refusal.SPOOFED): "another program sends to UDP port 5500 on this network; "
    "stop it, and capture on the Wi-Fi interface",
    str(Refusal.TRUNCATED): "capture whole packets: tcpdump -s 0",
    str(Refusal.LINK_TYPE): "capture on wlan0, not on mon0",
    str(Refusal.BAD_CHANSPEC): "the firmware crashed or its interface is down: sudo "
    "rmmod brcmfmac; sudo modprobe brcmfmac (or restart), then arm the chip again",
    str(Refusal.UNKNOWN_CHIP): "edge_agent frames FILE shows what a recording holds; "
    "firmware_notes/README.md lists the chips",
}


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


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The machine on which an interface was listened to."""

    interface: Interface

    wireless: tuple[str, ...] = ()
    """Its Wi-Fi interfaces."""

    board: str = ""
    """As of `edge_agent.interface.board_model`."""


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
        return [_nothing(hearing, name, surroundings)]
    if hearing.n_frames == 0:
        return [_no_csi(hearing, name)]
    findings = [
        *(_check_channel(hearing, expected) or _check_known(hearing, expected)),
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


# -- nothing ---------------------------------------------------------------------------


def _nothing(hearing: Hearing, name: str, surroundings: Surroundings | None) -> Finding:
    """Return why there may be no packet at all."""
    if surroundings is None:
        if hearing.has_ended:
            return stop("no-frames", f"{name} ended without a packet", _look_at(name))
        return stop(
            "no-frames",
            f"no packet from {name} in {hearing.listened_s:.0f} s",
            "is what writes to it still running, unbuffered (tcpdump -U), and is the "
            f"chip armed (nexutil -k)? Else {_TRAFFIC}",
        )
    interface = surroundings.interface
    silence = f"no CSI frame on {name} in {hearing.listened_s:.0f} s"
    if not interface.is_wireless and surroundings.wireless:
        return stop(
            "not-wireless",
            f"{silence}; it is no Wi-Fi interface",
            " or ".join(f"--iface {other}" for other in surroundings.wireless),
        )
    if surroundings.board.startswith(_NO_CSI_BOARDS):
        return stop(
            "no-csi-chip",
            f"{silence}; the Wi-Fi chip of a {surroundings.board} has no CSI firmware",
            "take a Raspberry Pi 3B+ or 4B; firmware_notes/README.md lists what can",
        )
    if interface.is_wireless and not interface.is_monitor and not interface.monitors:
        return stop(
            "no-monitor",
            f"{silence}; no interface of its radio is in monitor mode and up, so the "
            "chip drops what is not sent to it",
            f"sudo iw dev {name} interface add mon0 type monitor && sudo ip link set "
            "mon0 up, then arm the chip again ('not supported': its firmware is not "
            "Nexmon's)",
        )
    tuned = (
        f" (the kernel says {interface.frequency_mhz} MHz)"
        if interface.frequency_mhz
        else ""
    )
    return stop(
        "no-frames",
        silence,
        "in this order: is the chip armed (it is not after a restart: nexutil with the "
        "parameters of makecsiparams); is it on the access point's channel, nexutil "
        f"-k{tuned}, with nothing that scans (wpa_supplicant); is there traffic, else "
        f"{_TRAFFIC}; do the parameters filter it out (-m, -b)",
    )


def _no_csi(hearing: Hearing, name: str) -> Finding:
    """Return what came instead of CSI."""
    reason, count = hearing.refused.most_common(1)[0]
    return stop(
        "no-csi",
        f"none of {hearing.n_packets} packets from {name} is a CSI frame; {count}: "
        f"{reason}",
        _REFUSED.get(reason, _look_at("FILE")),
    )


def _look_at(name: str) -> str:
    return f"edge_agent frames {name} shows what a recording holds"


# -- who -------------------------------------------------------------------------------


def _check_channel(hearing: Hearing, expected: Expectation) -> list[Finding]:
    """Return whether the chip is tuned elsewhere than when the site was recorded."""
    heard = set(hearing.chanspecs)
    if not heard or not expected.chanspecs or heard & expected.chanspecs:
        return []
    return [
        stop(
            "wrong-channel",
            f"the chip is tuned to {hearing.tuned_to}; the site's shots were made on "
            f"{in_words(sorted(expected.chanspecs))}",
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
                _TRAFFIC,
            )
        ]
    if late:
        return [
            caution(
                "access-point-slow",
                f"{listed(sorted({c.mac for c in late}))} will be missing from shots: "
                f"{min(map(hearing.rate, late)):.1f} frames per second, needed are "
                f"{n / limit:.1f}",
                _TRAFFIC,
            )
        ]
    if slowest > SLOW_SHOT_S:
        worst = max(durations, key=lambda channel: durations[channel])
        return [
            caution(
                "slow",
                f"a shot will take {slowest:.0f} s: {worst.mac} sends "
                f"{hearing.rate(worst):.1f} frames per second",
                _TRAFFIC,
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
