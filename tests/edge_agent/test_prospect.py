"""What a replay lets one expect, and what it does not."""

from dataclasses import replace

import pytest

from edge_agent.estimators import Estimator
from edge_agent.prospect import Prospect
from edge_agent.trust.choice import Floors, Measure
from edge_agent.trust.record import Trust
from edge_agent.trust.stage import Stage

TODAY = Stage(1.0, 1.0, 2.0, 0.5, 12.0)
NOTHING = replace(TODAY, n_queries=0.0)
TRUST = Trust(
    Estimator.MAP,
    False,
    None,
    ((Estimator.MAP, 0.4), (Estimator.NETWORK, 0.7)),
    Measure.METRES,
    Floors(2.0, 2.5),
    15.0,
    TODAY,
    replace(TODAY, n_queries=3.0),
    is_everywhere=True,
)


def test_it_is_the_score_of_what_locates_at_re_visits_of_the_same_day():
    found = Prospect.of(TRUST)

    assert found == Prospect(0.4, None, 12, is_same_day=True)
    assert str(found) == "mean error 0.40 m, as at 12 re-visits of the site's past"
    assert found.to_json() == {
        **{"error_m": 0.4, "wrong_rooms": None, "revisits": 12, "same_day": True}
    }


def test_of_rooms_it_is_the_share_that_is_wrong():
    found = Prospect.of(replace(TRUST, measure=Measure.WRONG_ROOMS))

    assert str(found).startswith("40% of rooms wrong, as at 12 re-visits")
    assert (found.to_json()["error_m"], found.to_json()["wrong_rooms"]) == (None, 0.4)


def test_where_only_other_days_were_replayed_it_says_so():
    found = Prospect.of(replace(TRUST, same_day=NOTHING))

    assert str(found).endswith("as at 3 re-visits on another day of the site's past")


@pytest.mark.parametrize(
    "changes",
    [{"is_everywhere": False}, {"scores": ()}, {"estimator": Estimator.ENSEMBLE}],
)
def test_what_was_not_asked_everywhere_promises_nothing(changes):
    assert Prospect.of(replace(TRUST, **changes)) is None
    assert Prospect.of(None) is None
