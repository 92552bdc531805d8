"""Which visits are for shots, which for queries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.benchmark.visits import VisitRoles, visit_roles

NONE = VisitRoles((), ())


@pytest.mark.parametrize(
    ("n", "laps", "calibration", "query", "expected"),
    [
        (4, 1, "first", "later", ((1,), (2, 3, 4))),
        (4, 1, "first", "last", ((1,), (4,))),
        (4, 1, "first", (3, 4), ((1,), (3, 4))),
        (4, 3, "first", "later", ((1, 2, 3), (4,))),
        (3, 3, "first", "later", ((), ())),
        (1, 1, "first", "later", ((), ())),
        (4, 1, "last", "last", ((3,), (4,))),
        (4, 3, "last", "later", ((1, 2, 3), (4,))),
        (5, 3, "last", "last", ((2, 3, 4), (5,))),
        (2, 3, "last", "last", ((), ())),
        (4, 1, "all-but-last", "later", ((1, 2, 3), (4,))),
        (4, 1, (1, 3), "later", ((1, 3), (4,))),
        (2, 1, (1, 3), "later", ((1,), (2,))),
        (4, 3, (1, 2), "later", ((), ())),
        (4, 3, "first", (2, 3), ((), ())),
        (4, 1, "first", (1, 2), ((1,), (2,))),
    ],
)
def test_roles_of_a_point_that_is_calibrated_and_located(
    n, laps, calibration, query, expected
):
    roles = visit_roles(n, laps, calibration, query, is_queried=True)

    assert (roles.calibration, roles.query) == expected


@pytest.mark.parametrize(
    ("n", "laps", "calibration", "expected"),
    [
        (3, 1, "first", (1,)),
        (3, 3, "first", (1, 2, 3)),
        (2, 3, "first", ()),
        (3, 1, "last", (3,)),
        (4, 3, "last", (2, 3, 4)),
        (3, 1, "all-but-last", (1, 2)),
        (3, 1, "all", (1, 2, 3)),
        (3, 1, (2, 9), (2,)),
    ],
)
def test_no_visit_is_left_at_a_point_that_is_not_located(
    n, laps, calibration, expected
):
    roles = visit_roles(n, laps, calibration, "later", is_queried=False)

    assert roles == VisitRoles(expected, ())


rules = st.one_of(
    st.sampled_from(["first", "last", "all-but-last"]),
    st.lists(st.integers(1, 6), min_size=1, unique=True).map(tuple),
)
query_rules = st.one_of(
    st.sampled_from(["later", "last"]),
    st.lists(st.integers(1, 6), min_size=1, unique=True).map(tuple),
)


@given(
    n=st.integers(1, 6),
    laps=st.sampled_from([1, 3]),
    calibration=rules,
    query=query_rules,
)
def test_queries_are_always_later_than_shots(n, laps, calibration, query):
    roles = visit_roles(n, laps, calibration, query, is_queried=True)

    if roles == NONE:
        return
    assert len(roles.calibration) >= laps
    assert roles.query
    assert min(roles.calibration) >= 1
    assert max(roles.calibration) < min(roles.query)
    assert max(roles.query) <= n
