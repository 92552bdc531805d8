"""Frequency responses and signal strengths of a layout, by ray tracing.

    RSS = P + 10 lg ( mean over tones of |H_k|² )               [dBm]

P is the transmit power, H_k the frequency response at subcarrier k.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trainer.simulate.raytrace.errors import NoPathsError
from trainer.simulate.raytrace.layouts import Layout
from trainer.simulate.raytrace.process import Settings, run_worker
from trainer.simulate.tones import SPACING_HZ, Tones, check_tones

TIMEOUT_S = 1800.0


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What a room does to the signals of its access points."""

    response: npt.NDArray[np.complex64]
    """H at the carrier plus each tone, relative to what is transmitted, shape
    (n_receivers, n_aps, n_tones)."""

    n_paths: npt.NDArray[np.int32]
    """Shape (n_receivers, n_aps)."""

    versions: dict[str, str]
    """What it was traced with: sionna-rt, mitsuba, drjit and llvm."""

    seconds: float
    """How long it took [s]."""

    @property
    def heard(self) -> npt.NDArray[np.bool]:
        """Whether anything arrives, shape (n_receivers, n_aps)."""
        power = np.abs(self.response).sum(axis=2)
        return np.asarray((self.n_paths > 0) & (power > 0))

    def at(self, receivers: npt.NDArray[np.bool]) -> "Trace":
        """Return the part of chosen receivers, shape (n_receivers,)."""
        return replace(
            self, response=self.response[receivers], n_paths=self.n_paths[receivers]
        )

    def rss_dbm(self, power_dbm: float) -> npt.NDArray[np.float32]:
        """Return signal strengths, shape (n_receivers, n_aps); -inf if nothing arrives.

        Args:
            power_dbm: What every access point transmits.
        """
        power = np.square(np.abs(self.response.astype(np.complex128))).mean(axis=2)
        with np.errstate(divide="ignore"):
            return np.asarray(power_dbm + 10 * np.log10(power), np.float32)


def trace(
    layout: Layout,
    tones: Tones,
    settings: Settings | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
    may_be_deaf: bool = False,
    on_batch: Callable[[int, int], None] = lambda _done, _all: None,
) -> Trace:
    """Trace all receivers of a layout.

    Args:
        layout: The room and its radios.
        tones: Subcarriers, ascending.
        settings: How thoroughly; None stands for `Settings`' own values.
        timeout_s: When to give up [s].
        may_be_deaf: Whether receivers without paths are accepted, see `Trace.heard`.
        on_batch: Called with the number of batches that are done, and of all.

    Raises:
        NoPathsError: A receiver does not hear an access point at all.
        RayTracerError: The ray tracer does not work; says what to do.
        RoomError: These are no subcarriers.
    """
    check_tones(tones)
    answer = run_worker(
        layout,
        np.asarray(tones * SPACING_HZ, np.float64),
        settings or Settings(),
        timeout_s=timeout_s,
        on_batch=on_batch,
    )
    traced = Trace(answer.response, answer.n_paths, answer.versions, answer.seconds)
    if not may_be_deaf:
        _check_paths(layout, traced.heard)
    return traced


def _check_paths(layout: Layout, heard: npt.NDArray[np.bool]) -> None:
    if heard.all():
        return
    receiver, access_point = np.argwhere(~heard)[0].tolist()
    raise NoPathsError(
        f"{layout.name}: no path leads from access point {access_point} at "
        f"{layout.access_points[access_point]} m to receiver {receiver} at "
        f"{layout.receivers[receiver]} m ({np.count_nonzero(~heard)} of {heard.size} "
        "links have none); is it closed in by metal? Otherwise trace with a larger "
        "depth or more rays"
    )
