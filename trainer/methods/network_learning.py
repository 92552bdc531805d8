"""What the methods of `trainer.methods.networks` learn: a site per place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from trainer.methods.contract import Learnt, Locator
from trainer.methods.network_csi import CsiSite
from trainer.methods.network_rss import RssSite
from trainer.methods.networks import NetworkMethod
from trainer.methods.references import by_place
from trainer.surveys.environment import Environment, Place


class Site(Protocol):
    """A trained network of one place."""

    def calibrate(
        self, place: Place, shots: Environment, rng: np.random.Generator
    ) -> Locator:
        """Return the network, fine-tuned where there are shots."""


def learn(
    method: NetworkMethod, history: Sequence[Environment], rng: np.random.Generator
) -> Learnt:
    """Train a network for every place of history.

    Args:
        method: Which training, and how long.
        history: Earlier environments, oldest first.
        rng: The only source of chance.
    """
    seed = int(rng.integers(2**63))
    sites = {
        name: _site(method, days[0].place, days, rng)
        for name, days in by_place(history).items()
    }
    return _Learnt(method, sites, seed)


def _site(
    method: NetworkMethod,
    place: Place,
    days: Sequence[Environment],
    rng: np.random.Generator,
) -> Site:
    is_csi = any(day.signals.is_csi for day in days)
    make = CsiSite.learn if is_csi else RssSite.learn
    return make(method, place, [day for day in days if len(day)], rng)


@dataclass(frozen=True, slots=True)
class _Learnt:
    method: NetworkMethod
    sites: Mapping[str, Site]
    seed: int

    def calibrate(self, place: Place, shots: Environment) -> Locator:
        """Fine-tune; a place without history gets a network for the shots."""
        rng = np.random.default_rng(self.seed)
        site = self.sites.get(place.name)
        if site is None:
            site = _site(self.method, place, [shots], rng)
        return site.calibrate(place, shots, rng)
