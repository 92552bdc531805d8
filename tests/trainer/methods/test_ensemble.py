"""Votes of members whose posteriors are written down."""

from dataclasses import dataclass

import numpy as np
import pytest

from tests.trainer.days import NAN, hall, located, nothing
from trainer.methods.contract import Fixes, Needs
from trainer.methods.ensemble import _DOUBT, Ensemble

PLACE = hall([(0, 0), (10, 0), (0, 10)], 2)
HEARD = [[-40, -50]]


@dataclass
class Sure:
    """Says always the same; its three phases are one object."""

    posterior: tuple | None
    needs: Needs = Needs.NOTHING
    is_stochastic: bool = False
    name: str = "sure"
    title: str = "Sure"

    def learn(self, history, rng):
        return self

    def calibrate(self, place, shots):
        return self

    def locate(self, signals):
        row = self.posterior and np.tile(np.array(self.posterior), (len(signals), 1))
        return Fixes(np.zeros((len(signals), 2)), row)


@dataclass
class Gambler(Sure):
    """Draws when it learns, from what it is given."""

    n_draws: int = 1
    drawn: float = NAN

    def learn(self, history, rng):
        self.drawn = rng.random(self.n_draws)[-1]
        return self


def ensemble(*members):
    return Ensemble("both", "Both", members)


def vote(*posteriors):
    method = ensemble(*map(Sure, posteriors))
    return located(method, [], nothing(PLACE), HEARD)


def test_members_vote_by_the_geometric_mean():
    found = vote((0.5, 0.3, 0.2), (0.1, 0.1, 0.8))

    weights = np.sqrt(
        [
            (0.5 + _DOUBT) * (0.1 + _DOUBT),
            (0.3 + _DOUBT) * (0.1 + _DOUBT),
            (0.2 + _DOUBT) * (0.8 + _DOUBT),
        ]
    )
    expected = weights / weights.sum()
    np.testing.assert_allclose(found.posterior, [expected])
    np.testing.assert_allclose(found.locations, [expected @ PLACE.locations])


def test_members_who_agree_are_one():
    one = vote((0.5, 0.3, 0.2)).posterior

    np.testing.assert_allclose(vote(*[(0.5, 0.3, 0.2)] * 5).posterior, one)


def test_one_who_is_sure_and_wrong_does_not_silence_the_others():
    found = vote((1.0, 0, 0), (0, 0.5, 0.5), (0, 0.8, 0.2)).posterior[0]

    assert found.argmax() == 1
    assert (found > 0).all()


def test_a_sample_that_hears_nothing_is_at_the_centre():
    method = ensemble(Sure((1.0, 0, 0)))

    found = located(method, [], nothing(PLACE), [[NAN, NAN]])

    np.testing.assert_allclose(found.posterior, [[1 / 3] * 3])


def test_a_member_without_a_posterior_cannot_vote():
    method = ensemble(Sure((0.5, 0.3, 0.2)), Sure(None))

    with pytest.raises(ValueError, match=r"^Sure gives no posterior to vote with"):
        located(method, [], nothing(PLACE), HEARD)


def test_it_needs_what_any_member_needs():
    either = ensemble(
        Sure((), needs=Needs.HISTORY), Sure((), needs=Needs.IMAGES | Needs.SHOTS)
    )

    assert either.needs == Needs.HISTORY | Needs.IMAGES | Needs.SHOTS
    assert ensemble(Sure(()), Sure(())).needs == Needs.NOTHING


@pytest.mark.parametrize("chances", [(False, False), (False, True), (True, True)])
def test_it_is_stochastic_if_any_member_is(chances):
    method = ensemble(*[Sure((), is_stochastic=chance) for chance in chances])

    assert method.is_stochastic == any(chances)


def test_members_have_chances_of_their_own_that_the_seed_decides():
    def drawn(seed):
        first, second = Gambler(()), Gambler(())
        ensemble(first, second).learn([], np.random.default_rng(seed))
        return first.drawn, second.drawn

    assert len({*drawn(1), *drawn(2)}) == 4
    assert drawn(1) == drawn(1)


def test_what_a_member_draws_does_not_change_the_chances_of_the_others():
    def second(*, n_draws):
        first, second = Gambler((), n_draws=n_draws), Gambler(())
        ensemble(first, second).learn([], np.random.default_rng(1))
        return second.drawn

    assert second(n_draws=1) == second(n_draws=100)
