"""Turn surveyed captures into an environment of labelled images."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_agent.capture_file import CaptureFile
from edge_agent.csi.decode import Decoded, Decoder
from edge_agent.csi.image import (
    Channel,
    CsiImage,
    ImageBuilder,
    ImageSpec,
    channel_counts,
)
from edge_agent.csi.iq_order import IqOrder
from edge_agent.csi.simulated import is_simulated_address, says_simulated
from edge_agent.csi.subcarriers import select_tones
from edge_agent.environment import Environment
from edge_agent.errors import SurveyError
from edge_agent.survey import Point, SurveyedCapture


@dataclass(frozen=True, slots=True, eq=False)
class _Recording:
    """One capture, decoded."""

    survey: SurveyedCapture
    decoded: list[Decoded]
    counts: Counter[Channel]
    says_simulated: bool


def record_environment(
    captures: list[SurveyedCapture],
    spec: ImageSpec,
    *,
    channels: tuple[Channel, ...] | None = None,
    max_images_per_capture: int = 8,
    iq_order: IqOrder = IqOrder.AUTO,
    on_capture: Callable[[int, SurveyedCapture], None] = lambda _n, _c: None,
) -> Environment:
    """Build the images of one environment's captures.

    Images of one capture never share a packet.

    Args:
        captures: All of one environment.
        spec: What an image looks like.
        channels: What each image channel is; by default the transmitters that most
            captures hear.
        max_images_per_capture: Images taken from one capture, spread evenly.
        iq_order: For firmware whose header does not tell the order of I and Q.
        on_capture: Called with the number of captures read so far, and the next one.

    Raises:
        CaptureError: A capture cannot be read.
        SurveyError: Nothing usable in any capture, or a capture without one image.
    """
    if channels is None:
        channels = find_channels((_read(c, iq_order).counts for c in captures), spec)
    points = in_order({capture.point for capture in captures})
    images: list[CsiImage] = []
    point_of, visit_of = [], []
    # A stray frame of a simulated transmitter that is no channel teaches nothing.
    simulated = any(is_simulated_address(channel.mac) for channel in channels)
    for n_read, survey in enumerate(captures):
        on_capture(n_read, survey)
        recording = _read(survey, iq_order)
        taken = _images(recording, spec, channels, max_images_per_capture)
        images += taken
        point_of += [points.index(survey.point)] * len(taken)
        visit_of += [survey.visit] * len(taken)
        simulated = simulated or recording.says_simulated
    return Environment(
        captures[0].environment,
        spec,
        channels,
        tuple(points),
        np.stack([image.pixels for image in images]),
        np.stack([image.heard for image in images]),
        np.array(point_of, np.intp),
        np.array(visit_of, np.str_),
        simulated,
    )


def find_channels(
    counts: Iterable[Counter[Channel]], spec: ImageSpec
) -> tuple[Channel, ...]:
    """Return the channels that are worth a place in the images.

    Of each transmitter and core the frame format that most frames have; of these the
    ones heard in most captures, then those with most frames.

    Args:
        counts: Frames per possible channel, one counter per capture.
        spec: With the number of channels and of tones.

    Raises:
        SurveyError: No channel has enough frames, or enough tones, for one image.
    """
    frames: Counter[Channel] = Counter()
    most: Counter[Channel] = Counter()  # of any one capture
    heard_in: Counter[Channel] = Counter()
    for count in counts:
        frames.update(count)
        most |= count
        heard_in.update({c: 1 for c, n in count.items() if n >= spec.n_packets})
    candidates = [
        channel
        for channel in heard_in
        if select_tones(channel.frame_format, spec.n_tones) is not None
    ]
    if heard_in and not candidates:
        raise SurveyError(
            f"no transmitter has frames with the {spec.n_tones} tones of an image; "
            f"those heard enough: {', '.join(sorted({c.mac for c in heard_in}))}"
        )
    if not candidates:
        found = ", ".join(
            f"{c.mac} (at most {n} in one capture)" for c, n in most.most_common(3)
        )
        raise SurveyError(
            f"in no capture has a transmitter the {spec.n_packets} frames of an image; "
            f"found {found or 'no CSI frame at all'}"
        )
    candidates.sort(key=lambda c: (-heard_in[c], -frames[c], c))
    chosen: dict[tuple[str, int], Channel] = {}
    for channel in candidates:
        chosen.setdefault((channel.mac, channel.core), channel)
    return tuple(list(chosen.values())[: spec.n_channels])


def read_frames(path: Path | str, iq_order: IqOrder) -> Iterator[tuple[Decoded, bool]]:
    """Yield a capture's frames, and whether it says that all of it is simulated."""
    decoder = Decoder(iq_order)
    with CaptureFile(path) as file:
        for raw in file:
            yield decoder.decode(raw), says_simulated(file.comments)


def _read(survey: SurveyedCapture, iq_order: IqOrder) -> _Recording:
    decoded, simulated, counts = [], False, Counter[Channel]()
    for part, is_marked in read_frames(survey.capture, iq_order):
        decoded.append(part)
        counts.update(channel_counts(part))
        simulated = simulated or is_marked
    return _Recording(survey, decoded, counts, simulated)


def _images(
    recording: _Recording, spec: ImageSpec, channels: tuple[Channel, ...], limit: int
) -> list[CsiImage]:
    builder = ImageBuilder(spec, channels, hop=spec.n_packets)
    images = [image for part in recording.decoded for image in builder.feed(part)]
    images += builder.finish()
    if not images:
        n_frames = {c: recording.counts[c] for c in channels}
        most = max(n_frames, key=lambda channel: n_frames[channel])
        raise SurveyError(
            f"{recording.survey.capture}: no image; the site's best transmitter here, "
            f"{most.mac}, has {n_frames[most]} of the {spec.n_packets} frames needed"
        )
    chosen = np.linspace(0, len(images) - 1, min(limit, len(images))).round()
    return [images[int(number)] for number in chosen]


def in_order(points: set[Point]) -> list[Point]:
    """Return points by name, p2 before p10."""
    return sorted(points, key=_numerically)


def _numerically(point: Point) -> tuple[object, ...]:
    digits = "".join(c for c in point.name if c.isdigit())
    return int(digits) if digits and len(digits) < 18 else 0, point
