"""Turn surveyed captures into labelled windows of received power."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edge_agent.capture_file import CaptureFile
from edge_agent.csi.iq_order import IqOrder
from edge_agent.csi.raw import LINK_RADIOTAP
from edge_agent.csi.simulated import is_simulated_address, says_simulated
from edge_agent.errors import SurveyError
from edge_agent.recording import in_order
from edge_agent.rss.receptions import (
    RSS_LINK_TYPES,
    ReceptionDecoder,
    Receptions,
    format_address,
)
from edge_agent.rss.shots import RssShots
from edge_agent.rss.window import RssSample, RssSpec, WindowBuilder
from edge_agent.survey import SurveyedCapture

_LEAST_FRAMES = 3
"""Of a transmitter that counts as heard in a capture: a single frame may be of a
telephone that walked by, or of bytes that were damaged."""


@dataclass(frozen=True, slots=True, eq=False)
class _Recording:
    survey: SurveyedCapture
    receptions: Receptions
    says_simulated: bool
    is_monitor: bool
    refused: Counter[str]


def record_shots(
    captures: list[SurveyedCapture],
    spec: RssSpec,
    *,
    max_per_capture: int = 8,
    iq_order: IqOrder = IqOrder.AUTO,
    on_capture: Callable[[int, SurveyedCapture], None] = lambda _n, _c: None,
) -> RssShots:
    """Build the windows of one environment's captures; no two share a frame.

    Args:
        captures: All of one environment.
        spec: How received power is averaged.
        max_per_capture: Windows taken from one capture, spread evenly.
        iq_order: For firmware whose header does not tell the order of I and Q.
        on_capture: Called with the number of captures read so far, and the next one.

    Raises:
        CaptureError: A capture cannot be read.
        SurveyError: A capture in which no access point of the site was heard, or a
            point without coordinates.
    """
    if unplaced := [c.point.name for c in captures if not c.point.is_placed]:
        raise SurveyError(
            f"point {unplaced[0]!r} has no coordinates; a model of received power "
            "locates on a plan: give x_m and y_m to all points"
        )
    recordings = []
    for n_read, survey in enumerate(captures):
        on_capture(n_read, survey)
        recordings.append(_read(survey, iq_order))
    transmitters = find_transmitters([r.receptions for r in recordings], spec)
    points = in_order({capture.point for capture in captures})
    rss, point_of, visit_of = [], [], []
    for recording in recordings:
        taken = _windows(recording, spec, transmitters, max_per_capture)
        rss += [sample.rss for sample in taken]
        point_of += [points.index(recording.survey.point)] * len(taken)
        visit_of += [recording.survey.visit] * len(taken)
    return RssShots(
        captures[0].environment,
        spec,
        transmitters,
        tuple(points),
        np.array(rss, np.float32),
        np.array(point_of, np.intp),
        np.array(visit_of, np.str_),
        any(is_simulated_address(address) for address in transmitters)
        or any(recording.says_simulated for recording in recordings),
        any(recording.is_monitor for recording in recordings),
    )


def find_transmitters(receptions: list[Receptions], spec: RssSpec) -> tuple[str, ...]:
    """Return the transmitters that are worth a column: those heard in most captures.

    Args:
        receptions: Of each capture.
        spec: With how many there may be.
    """
    frames: Counter[int] = Counter()
    heard_in: Counter[int] = Counter()
    for capture in receptions:
        addresses, counts = np.unique(capture.address, return_counts=True)
        of_capture = dict(zip(addresses.tolist(), counts.tolist(), strict=True))
        frames.update(of_capture)
        heard_in.update(a for a, n in of_capture.items() if n >= _LEAST_FRAMES)
    best = sorted(heard_in, key=lambda a: (-heard_in[a], -frames[a], a))
    return tuple(format_address(a) for a in best[: spec.max_transmitters])


def _read(survey: SurveyedCapture, iq_order: IqOrder) -> _Recording:
    """Read one capture.

    Raises:
        CaptureError: It cannot be read.
    """
    decoder = ReceptionDecoder(iq_order)
    parts, refused = [], Counter[str]()
    is_monitor = False
    with CaptureFile(survey.capture, RSS_LINK_TYPES) as file:
        for raw in file:
            received = decoder.decode(raw)
            parts.append(received.receptions)
            refused.update({str(k): n for k, n in received.refused.items()})
            is_monitor |= raw.link_type == LINK_RADIOTAP
        refused.update({str(k): n for k, n in file.refused.items()})
        simulated = says_simulated(file.comments)
    return _Recording(
        survey, Receptions.concatenate(parts), simulated, is_monitor, refused
    )


def _windows(
    recording: _Recording, spec: RssSpec, transmitters: tuple[str, ...], limit: int
) -> list[RssSample]:
    builder = WindowBuilder(transmitters, window_s=spec.window_s, hop_s=spec.window_s)
    windows = builder.feed(recording.receptions) + builder.finish()
    if not windows:
        reasons = Counter({str(k): n for k, n in builder.unused.items() if n})
        reasons.update(recording.refused)
        most = ", ".join(f"{n} x {reason}" for reason, n in reasons.most_common(2))
        raise SurveyError(
            f"{recording.survey.capture}: none of the site's access points was heard "
            f"there ({most or 'no packet at all'})"
        )
    chosen = np.linspace(0, len(windows) - 1, min(limit, len(windows))).round()
    return [windows[int(number)] for number in chosen]
