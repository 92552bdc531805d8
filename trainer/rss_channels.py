"""Which transmitters of a survey a device would keep: `RssSpec.max_transmitters`.

Distances in signal space are means over all transmitters of a place. Where most of
hundreds are not heard they are small; a network that has learnt from such places is
wrong where a device, which keeps those heard most, measures larger ones. So what it
learns from keeps as many.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from edge_agent.rss.window import RssSpec
from trainer.surveys.environment import Environment, Signals


def most_heard(rss: npt.NDArray[np.floating], spec: RssSpec) -> npt.NDArray[np.intp]:
    """Return the columns of the transmitters that most samples heard, ascending.

    Args:
        rss: [dBm], shape (n, n_transmitters); NaN where not heard.
        spec: With how many there may be.
    """
    n_heard = np.isfinite(rss).sum(axis=0)
    return np.sort(np.argsort(-n_heard, kind="stable")[: spec.max_transmitters])


def as_device_hears(environment: Environment, spec: RssSpec) -> Environment:
    """Return what a device would have kept of an environment.

    Args:
        environment: Of a survey of received power.
        spec: How many transmitters a device keeps.

    Returns:
        The samples that hear any of them, in a place of the environment's own name, as
        other environments of the place may keep others.
    """
    kept = most_heard(environment.signals.rss, spec)
    rss = environment.signals.rss[:, kept]
    place = replace(
        environment.place,
        name=environment.name,
        channels=tuple(environment.place.channels[column] for column in kept.tolist()),
    )
    heard = np.flatnonzero(np.isfinite(rss).any(axis=1))
    return replace(environment, place=place, signals=Signals(rss)).select(heard)
