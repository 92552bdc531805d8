"""How often a device at rest is taken for one that moves, and one that moves for rest.

    METALOC_DATA=../shared/data python benchmarks/steadiness.py     two minutes

Shots of 50 frames per access point go through the meter and the verdict of a
calibration walk, as packets. Real: the captures of EPIC-CSU, each at rest, one access
point, no received power; cut into shots, and spliced from captures of other points one
frame each for a device that is carried, which is what 10 frames a second show of a
walker. Simulated: the hall and the laboratory, three access points; at rest, walking at
0.3 and 1 m/s around the furniture, and put down a second after the shot began. Then
levels of two laps of one day, and shapes of a device that was not moved and of others.
"""

import os
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.command_line import only_help  # noqa: E402
from edge_agent.capture_file import CaptureFile  # noqa: E402
from edge_agent.csi.image import ImageSpec  # noqa: E402
from edge_agent.csi.raw import RawFrames  # noqa: E402
from edge_agent.walking.plan import Stop, outside_point  # noqa: E402
from edge_agent.walking.reading import (  # noqa: E402
    Reading,
    level_change,
    shape_distance,
)
from edge_agent.walking.shot import Shot  # noqa: E402
from edge_agent.walking.shot_meter import SHOT_LIMIT_S  # noqa: E402
from edge_agent.walking.verdict import CARRIED, UNSTEADY  # noqa: E402
from trainer.errors import RoomError  # noqa: E402
from trainer.simulate.listening import HEIGHT_M  # noqa: E402
from trainer.simulate.scenes import SCENES, Scene  # noqa: E402
from trainer.simulate.survey import START_US, capture_at  # noqa: E402
from trainer.simulate.ways import find_way, walk_along  # noqa: E402

DATA = Path(os.environ.get("METALOC_DATA", ROOT.parent / "shared" / "data"))
SPEC = ImageSpec()
N_REAL = 1000
"""Shots that are spliced."""

N_SIMULATED = 60
"""Shots of each kind, scene and rate."""

N_PACKETS = 60
SPEEDS = {"walking 1 m/s": 1.0, "walking 0.3 m/s": 0.3}


def main() -> None:
    """Measure and print."""
    only_help(__doc__)
    rng = np.random.default_rng(2026_11_23)
    print(f"steadiness: REJECT below {CARRIED}, WEAK below {UNSTEADY}")
    print(f"{'':42}shots  REJECT    WEAK  none told   median")
    folder = DATA / "raw" / "csu" / "data"
    captures = [_packets(path) for path in sorted(folder.glob("*/*.pcap"))]
    if not captures:
        print(f"EPIC-CSU is left out: no {folder} (METALOC_DATA)", file=sys.stderr)
    else:
        shots = [part for raw in captures for part in _cut(raw)]
        _row("EPIC-CSU at rest", [steadiness_of(raw) for raw in shots])
        long = _of_one_transmitter([raw for raw in captures if len(raw) > 1000])
        spliced = [_carried(rng, long, SPEC.n_packets) for _ in range(N_REAL)]
        _row("EPIC-CSU spliced: carried", [steadiness_of(raw) for raw in spliced])
        late = [_put_down_late(rng, long) for _ in range(N_REAL)]
        _row("EPIC-CSU spliced: put down after 1 s", [steadiness_of(r) for r in late])
    for name, scene in SCENES.items():
        for interval_s in (0.1, 0.05):
            for kind in ("at rest", *SPEEDS, "put down after 1 s"):
                found = [
                    steadiness_of(raw)
                    for raw in _simulated(rng, scene, kind, interval_s)
                ]
                _row(f"{name}, {1 / interval_s:.0f} frames/s, {kind}", found)
    for name, scene in SCENES.items():
        _print_comparisons(rng, name, scene)


def measured(raw: RawFrames) -> Shot:
    """Return a shot that was fed with these packets at the pace of their times."""
    times_s = (raw.time_ns - raw.time_ns[0]) / 1e9
    shot = Shot(
        Stop(outside_point(), 1), SPEC, now=0.0, expected=(), limit_s=SHOT_LIMIT_S
    )
    shot.feed(raw, 0.0, float(times_s[-1]))
    return shot


def steadiness_of(raw: RawFrames) -> float | None:
    """Return the steadiness of a shot."""
    return measured(raw).report.steadiness


def _row(name: str, found: list[float | None]) -> None:
    told = np.array([value for value in found if value is not None])
    rejected = float(np.mean(told < CARRIED))
    weak = float(np.mean((told >= CARRIED) & (told < UNSTEADY)))
    print(
        f"{name:42}{len(found):5}  {rejected:6.1%}  {weak:6.1%}  "
        f"{len(found) - len(told):9}  {np.median(told):7.2f}"
    )


def _packets(path: Path) -> RawFrames:
    with CaptureFile(path) as file:
        return _joined(list(file))


def _of_one_transmitter(captures: list[RawFrames]) -> list[RawFrames]:
    """Return the captures of the access point that most are of."""
    heard = [measured(raw[: SPEC.n_packets]).report.readings[0].mac for raw in captures]
    most = max(set(heard), key=heard.count)
    return [raw for raw, mac in zip(captures, heard, strict=True) if mac == most]


def _joined(parts: list[RawFrames]) -> RawFrames:
    starts = np.cumsum([0, *(len(part.data) for part in parts)])
    return RawFrames(
        np.concatenate([part.data for part in parts]),
        np.concatenate([p.offsets + s for p, s in zip(parts, starts, strict=False)]),
        np.concatenate([part.lengths for part in parts]),
        np.concatenate([part.time_ns for part in parts]),
        parts[0].link_type,
    )


def _cut(raw: RawFrames) -> Iterator[RawFrames]:
    n = SPEC.n_packets
    for start in range(0, len(raw) - n + 1, n):
        yield raw[start : start + n]


def _retimed(raw: RawFrames) -> RawFrames:
    """Return packets as if one had come every 0.1 s."""
    times = START_US * 1000 + 100_000_000 * np.arange(len(raw))
    return RawFrames(raw.data, raw.offsets, raw.lengths, times, raw.link_type)


def _carried(rng: np.random.Generator, captures: list[RawFrames], n: int) -> RawFrames:
    parts = []
    for number in rng.permutation(len(captures))[:n]:
        row = int(rng.integers(len(captures[number])))
        parts.append(captures[number][row : row + 1])
    while len(parts) < n:
        parts += parts[: n - len(parts)]
    return _retimed(_joined([_compact(part) for part in parts]))


def _compact(raw: RawFrames) -> RawFrames:
    start, end = int(raw.offsets[0]), int(raw.offsets[-1] + raw.lengths[-1])
    return RawFrames(
        raw.data[start:end],
        raw.offsets - start,
        raw.lengths,
        raw.time_ns,
        raw.link_type,
    )


def _put_down_late(rng: np.random.Generator, captures: list[RawFrames]) -> RawFrames:
    rest = captures[int(rng.integers(len(captures)))]
    first = int(rng.integers(len(rest) - 40))
    resting = _compact(rest[first : first + 40])
    return _retimed(_joined([_carried(rng, captures, 10), resting]))


def _simulated(
    rng: np.random.Generator, scene: Scene, kind: str, interval_s: float
) -> Iterator[RawFrames]:
    room, n_made = scene.on_day(1), 0
    while n_made < N_SIMULATED:
        here, there = rng.choice(len(scene.points), 2, replace=False)
        places = scene.place(rng, int(here))
        if kind != "at rest":
            ends = scene.points[[here, there]] + scene.corner
            if np.hypot(*np.diff(ends, axis=0)[0]) < 1.2:
                continue
            try:
                corners = find_way(room, *ends)
            except RoomError:  # furniture stands in the way on that day
                continue
            way = walk_along(
                corners, speed_m_s=SPEEDS.get(kind, 1.0), interval_s=interval_s
            )
            if kind in SPEEDS:
                there_and_back = np.concatenate([way, way[::-1]])
                rows = np.arange(N_PACKETS) % len(there_and_back)
                way = there_and_back[rows]
            else:
                n_moving = round(1 / interval_s)
                rest = np.repeat(way[-1:], N_PACKETS - n_moving, axis=0)
                way = np.concatenate([way[-n_moving:], rest])
            places = np.column_stack([way, np.full(len(way), HEIGHT_M)])
        yield capture_at(
            rng,
            room,
            places,
            site=9,
            n_packets=N_PACKETS,
            interval_s=interval_s,
            start_us=START_US,
        )
        n_made += 1


def _print_comparisons(rng: np.random.Generator, name: str, scene: Scene) -> None:
    room = scene.on_day(1)

    def readings(places: np.ndarray) -> tuple[Reading, ...]:
        raw = capture_at(
            rng,
            room,
            places,
            site=9,
            n_packets=N_PACKETS,
            interval_s=0.1,
            start_us=START_US,
        )
        return measured(raw).report.readings

    found: dict[str, list[tuple[float | None, float | None]]] = {
        "not moved": [],
        "put down anew, same day": [],
        "another point": [],
    }
    visits = []
    for _ in range(N_SIMULATED):
        point = int(rng.integers(len(scene.points)))
        place = scene.place(rng, point)
        first, again = readings(place), readings(place)
        anew = readings(scene.place(rng, point))
        visits.append(first)
        for kind, other in (
            ("not moved", again),
            ("put down anew, same day", anew),
        ):
            found[kind].append(
                (level_change(first, other), shape_distance(first, other))
            )
    for one, other in pairwise(visits):
        found["another point"].append(
            (level_change(one, other), shape_distance(one, other))
        )
    for kind, pairs in found.items():
        levels, shapes = (np.array([pair[n] for pair in pairs], float) for n in (0, 1))
        print(
            f"{name}, {kind}: level 50/95/100 % "
            f"{'/'.join(f'{q:.1f}' for q in np.quantile(levels, [0.5, 0.95, 1]))} dB, "
            "shape 0/5/50/95 % "
            f"{'/'.join(f'{q:.3f}' for q in np.quantile(shapes, [0, 0.05, 0.5, 0.95]))}"
        )


if __name__ == "__main__":
    main()
