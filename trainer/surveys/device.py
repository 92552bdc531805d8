"""What our own agent recorded to calibrate: ``shots.npz`` of its site folders.

    <site>/shots.npz                                one occasion
    <site>/<occasion>/shots.npz                     several, in order of their names
    <site>/calibrations/<occasion>/shots.npz        the same, as the agent keeps them

The same shots under two names are one occasion: adapting again keeps them again.
`edge_agent.environment.Environment` says what is inside. Pixels are tone powers on a
scale that the file states, so that amplitudes and received power come back to half a
step of it (0.2 dB at the defaults).
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_agent.csi.image import Channel
from edge_agent.environment import Environment as DeviceEnvironment
from edge_agent.errors import CalibrationError
from trainer.surveys.environment import Environment, Floats, Integers, Signals
from trainer.surveys.points import make_place
from trainer.surveys.power import amplitude_of, power_dbm
from trainer.surveys.report import Skips, SurveyDataError

SHOTS_FILE = "shots.npz"
_DEEPEST = 4


def from_original(root: Path, skips: Skips) -> list[Environment]:
    """Return one environment per file.

    Raises:
        SurveyDataError: There is no file, one is damaged, or the files of a site have
            images of different sizes.
    """
    by_site: dict[str, list[tuple[str, DeviceEnvironment]]] = {}
    known: set[tuple[str, str]] = set()
    for path in find_shots(root):
        parts = path.relative_to(root).parts[:-1] or (root.resolve().name,)
        try:
            shots = DeviceEnvironment.load(path)
        except CalibrationError as error:
            raise SurveyDataError(str(error)) from error
        if not len(shots.images):
            skips.count("recordings without an image")
            continue
        if (parts[0], shots.digest) in known:
            skips.count("recordings that were kept twice")
            continue
        known.add((parts[0], shots.digest))
        by_site.setdefault(parts[0], []).append(("/".join(parts), shots))
    if not by_site:
        raise SurveyDataError(f"{root} has no {SHOTS_FILE} with images below it")
    environments = []
    for site, recordings in by_site.items():
        environments += _site(site, recordings)
    return environments


def find_shots(root: Path) -> list[Path]:
    """Return the recordings at most four folders below a folder, by name."""
    pattern = [*(["*"] * _DEEPEST), SHOTS_FILE]
    return sorted(
        path
        for depth in range(_DEEPEST + 1)
        for path in root.glob("/".join(pattern[depth:]))
        if not _is_behind_link(root, path)
    )


def _is_behind_link(root: Path, path: Path) -> bool:
    folders = list(path.relative_to(root).parents)[:-1]
    return any((root / folder).is_symlink() for folder in folders)


def _site(
    site: str, recordings: list[tuple[str, DeviceEnvironment]]
) -> list[Environment]:
    shapes = {(s.spec.n_packets, s.spec.n_tones) for _, s in recordings}
    if len(shapes) > 1:
        raise SurveyDataError(
            f"{site}: its recordings have images of different sizes: {sorted(shapes)}"
        )
    channels = sorted({c for _, shots in recordings for c in shots.channels})
    names = tuple(f"{c.mac}/{c.core}/{c.frame_format}" for c in channels)
    coordinates = np.array(
        [(p.x, p.y, p.floor) for _, shots in recordings for p in shots.points],
        np.float64,
    )
    place, point_of = make_place(f"device/{site}", coordinates, names)
    environments, first = [], 0
    for order, (name, shots) in enumerate(recordings):
        points = point_of[first : first + len(shots.points)]
        first += len(shots.points)
        images = _amplitudes(shots, channels)
        rss = power_dbm(images)
        rss[:, [not channel.has_rssi for channel in channels]] = np.nan
        visits = _visits(shots.visit_of)
        by_visit = np.argsort(visits, kind="stable")
        environments.append(
            Environment(
                name,
                place,
                order,
                Signals(rss, images),
                points[shots.point_of],
                visits,
                np.zeros(len(visits), np.bool_),
                shots.is_simulated,
            ).select(by_visit)
        )
    return environments


def _amplitudes(shots: DeviceEnvironment, channels: list[Channel]) -> Floats:
    """Return amplitudes [√nW], shape (n, n_packets, n_tones, n_channels)."""
    spec = shots.spec
    step = (spec.ceiling_dbm - spec.floor_dbm) / 255
    amplitude_of_pixel = amplitude_of(spec.floor_dbm + step * np.arange(256.0))
    images = np.zeros(
        (len(shots.images), spec.n_packets, spec.n_tones, len(channels)), np.float32
    )
    for column, channel in enumerate(shots.channels):
        pixels = shots.images[:, column]
        amplitudes = amplitude_of_pixel[pixels] * shots.heard[:, column, None, None]
        images[..., channels.index(channel)] = amplitudes
    return images


def _visits(names: npt.NDArray[np.str_]) -> Integers:
    """Return the number of each visit, in the order in which they were recorded."""
    numbers = {name: k for k, name in enumerate(dict.fromkeys(names.tolist()))}
    return np.array([numbers[name] for name in names.tolist()], np.intp)
