"""EPIC-CSU as environments: one place and environment per access point and corridor.

What the files are is said in `trainer.surveys.csu`. Reference captures are visit 0;
test captures, minutes later and within a metre or so, are visit 1 and only test.

With the originals the level of each packet is restored from the received power, which
the authors tabulated as one number per capture. Compact copies have none: there images
are raw counts, whose level the gain control has removed.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_agent.csi.frame import FrameBatch
from edge_agent.csi.image import Channel, channel_counts, channels_of
from edge_agent.csi.iq_order import IqOrder
from edge_agent.csi.subcarriers import select_tones, word_indices
from edge_agent.errors import CaptureError
from edge_agent.recording import read_frames
from trainer.surveys.compact import Arrays, check_shapes, indices
from trainer.surveys.csu import ROLES, csu_captures, csu_powers
from trainer.surveys.environment import Environment, Floats, Signals
from trainer.surveys.packets import cut, finite_packets, repeated, runs
from trainer.surveys.points import finite_rows, make_place
from trainer.surveys.power import power_dbm, with_power
from trainer.surveys.report import Skips, SurveyDataError
from trainer.surveys.single import single

N_PACKETS = 50
N_TONES = 52
_SHARED = "coordinates that are those of another point"
"""A typing error in the spreadsheet, most likely; which of the two, nobody can say."""


@dataclass(frozen=True, slots=True, eq=False)
class _Recording:
    """One capture."""

    location: tuple[float, float]
    """[m]."""

    visit: int
    """0 for reference captures, 1 for test captures."""

    amplitudes: Floats
    """Raw counts, shape (n_frames, 52)."""

    power_dbm: float | None


def from_compact(source: Path, arrays: Arrays, skips: Skips) -> list[Environment]:
    """Return one environment per segment that has coordinates; no received power.

    Arrays: amp (n, 52), pt (n,), t (n,); per point pt_role, pt_xy, pt_env; env_name.

    Raises:
        SurveyDataError: Arrays are missing or do not fit, or no point has coordinates.
    """
    check_shapes(
        source,
        arrays,
        {
            "amp": ("n", N_TONES),
            "pt": ("n",),
            "pt_role": ("n_points",),
            "pt_xy": ("n_points", 2),
            "pt_env": ("n_points",),
            "env_name": ("n_segments",),
        },
        text={"env_name"},
    )
    names, xy = arrays["env_name"].tolist(), arrays["pt_xy"].astype(np.float64)
    pt = indices(source, arrays, "pt", len(xy), "points")
    role = indices(source, arrays, "pt_role", len(ROLES), "roles")
    segment_of = indices(source, arrays, "pt_env", len(names), "segments")
    usable = finite_rows(xy[pt], skips)
    environments = []
    for number, name in enumerate(names):
        rows = np.flatnonzero(usable & (segment_of[pt] == number))
        rows = rows[np.lexsort([pt[rows], role[pt[rows]]])]
        recordings = [
            _Recording(
                (float(xy[point, 0]), float(xy[point, 1])),
                int(role[point]),
                finite_packets(single(arrays["amp"][rows[run]]), skips),
                None,
            )
            for run in runs(pt[rows])
            for point in [pt[rows[run.start]]]
        ]
        if recordings:
            environments.append(_segment(name, _mac(name), recordings, skips))
    if not environments:
        raise SurveyDataError(f"{source}: no capture has coordinates")
    return environments


def _mac(name: str) -> str:
    """Return the transmitter in the name of a segment."""
    words = name.split()
    return words[1] if len(words) > 1 else name


def from_original(root: Path, skips: Skips) -> list[Environment]:
    """Return one environment per corridor, access point and radio channel.

    Raises:
        SurveyDataError: Spreadsheet or captures are missing, or one is damaged.
    """
    power_of = csu_powers(root)
    segments: dict[str, list[_Recording]] = {}
    macs: dict[str, str] = {}
    for number, role in enumerate(ROLES):
        for survey in csu_captures(root, role):
            amplitudes, mac, channel = _read_capture(survey.capture, skips)
            if not len(amplitudes):
                continue
            name = f"{survey.environment} {mac} ch{channel}"
            macs[name] = mac
            segments.setdefault(name, []).append(
                _Recording(
                    survey.point.location,
                    number,
                    amplitudes,
                    power_of.get((role, survey.environment, survey.point.name)),
                )
            )
    if not segments:
        raise SurveyDataError(f"the captures below {root} hold no CSI frame")
    return [
        _segment(name, macs[name], recordings, skips)
        for name, recordings in segments.items()
    ]


def _read_capture(path: Path, skips: Skips) -> tuple[Floats, str, int]:
    """Return the amplitudes of the transmitter with most frames, and who it is.

    Returns:
        Raw counts, shape (n, 52), the address, and the number of the radio channel.
    """
    counts: Counter[Channel] = Counter()
    batches: list[FrameBatch] = []
    try:
        for decoded, _ in read_frames(path, IqOrder.AUTO):
            counts.update(channel_counts(decoded))
            batches += decoded.batches
            skips.count("packets that are no CSI frame", sum(decoded.refused.values()))
    except CaptureError as error:
        raise SurveyDataError(str(error)) from error
    if not counts:
        skips.count("captures without a CSI frame")
        return np.empty((0, N_TONES), np.float32), "", 0
    channel = counts.most_common(1)[0][0]
    tones = select_tones(channel.frame_format, N_TONES)
    if tones is None:
        skips.count("captures whose frames have fewer than 52 tones")
        return np.empty((0, N_TONES), np.float32), "", 0
    parts, radio_channel = [], 0
    for batch in batches:
        channel_of, channels = channels_of(batch)
        rows = np.zeros(len(batch), np.bool_)
        if channel in channels:
            rows = channel_of == channels.index(channel)
            words = word_indices(tones, batch.n_subcarriers)
            parts.append(np.abs(batch.csi[rows][:, words]))
            radio_channel = int(batch.chanspec[rows][0] & 0xFF)
        skips.count("frames of another transmitter or format", int((~rows).sum()))
    amplitudes = np.concatenate(parts).astype(np.float32)
    usable = np.isfinite(amplitudes).all(axis=1) & amplitudes.any(axis=1)
    skips.count("frames without any gain", int((~usable).sum()))
    return amplitudes[usable], channel.mac, radio_channel


def _segment(
    name: str, mac: str, recordings: list[_Recording], skips: Skips
) -> Environment:
    """Return the environment of one segment; reference captures come first."""
    place, point_of = make_place(
        f"csu/{name}", np.array([r.location for r in recordings]), (mac,)
    )
    taken = {(r.visit, point) for r, point in zip(recordings, point_of, strict=True)}
    skips.count(_SHARED, len(recordings) - len(taken))
    is_known = all(r.power_dbm is not None for r in recordings)
    if not is_known:
        n_known = sum(r.power_dbm is not None for r in recordings)
        skips.count("powers that not all captures of a segment have", n_known)
    images = []
    for recording in recordings:
        amplitudes = recording.amplitudes
        if is_known:
            amplitudes = with_power(amplitudes, np.array(recording.power_dbm))
        images.append(cut(amplitudes[:, :, None], N_PACKETS, skips))
    counts = [len(part) for part in images]
    stacked = np.concatenate(images)
    rss = np.full((len(stacked), 1), np.nan, np.float32)
    if is_known:
        rss = power_dbm(stacked)
    visits = repeated([r.visit for r in recordings], counts)
    return Environment(
        name,
        place,
        0,
        Signals(rss, stacked),
        repeated(point_of.tolist(), counts),
        visits,
        visits == 1,
    )
