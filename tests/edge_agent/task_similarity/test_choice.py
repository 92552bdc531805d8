"""Choosing an environment: clouds of vectors around centres that are known."""

import numpy as np
import pytest

from edge_agent.errors import SimilarityError
from edge_agent.task_similarity.choice import Aggregate, Choice, choose_environment
from edge_agent.task_similarity.mmd import median_bandwidth, squared_mmd, standardize

CENTRES = {"hall": 0.0, "lab": 4.0, "attic": -4.0}


def cloud(rng, centre, n=20):
    return rng.normal(centre, 1, size=(n, 3))


def history(rng, n_tasks=3):
    return {
        name: [cloud(rng, centre) for _ in range(n_tasks)]
        for name, centre in CENTRES.items()
    }


@pytest.mark.parametrize("name", CENTRES)
@pytest.mark.parametrize("aggregate", Aggregate)
def test_the_environment_of_the_task_is_chosen(rng, name, aggregate):
    choice = choose_environment(
        cloud(rng, CENTRES[name]), history(rng), rng, aggregate=aggregate
    )

    assert choice.environment == choice.nearest == name
    assert min(choice.squared_mmd, key=choice.squared_mmd.get) == name
    assert str(choice).startswith(f"{name} (MMD² ")


def test_far_from_all_none_is_chosen(rng):
    choice = choose_environment(cloud(rng, 12.0), history(rng), rng)

    assert choice.environment is None
    assert choice.nearest == "lab"
    assert choice.p_value <= 0.05
    assert choice.squared_mmd["lab"] > 4 * choice.within
    assert str(choice).startswith("no similar environment; nearest is lab (MMD² ")


def test_environments_that_vary_much_within_are_forgiving(rng):
    """Tasks of one environment are as far from each other as the new one from them."""
    varied = {
        "hall": [cloud(rng, centre) for centre in (-4.0, -2.0, 0.0, 2.0, 4.0)],
        "lab": [cloud(rng, 30 + centre) for centre in (-4.0, -2.0, 0.0, 2.0, 4.0)],
    }

    choice = choose_environment(cloud(rng, 3.0), varied, rng)

    assert choice.p_value <= 0.05
    assert choice.environment == "hall"


def test_distances_are_those_of_one_kernel_over_all(rng):
    task, past = cloud(rng, 1.0, n=7), history(rng, n_tasks=2)

    found = choose_environment(task, past, rng).squared_mmd

    parts = [part for tasks in past.values() for part in tasks]
    new, *scaled = standardize([task, *parts])
    s = median_bandwidth([new, *scaled])
    for i, name in enumerate(past):
        pooled = np.concatenate(scaled[2 * i : 2 * i + 2])
        assert found[name] == pytest.approx(squared_mmd(new, pooled, s), abs=1e-12)


def test_the_level_within_is_that_of_each_task_against_the_others(rng):
    task, past = cloud(rng, 1.0), history(rng)

    found = choose_environment(task, past, rng)
    new, *scaled = standardize([task, *(p for tasks in past.values() for p in tasks)])
    s = median_bandwidth([new, *scaled])
    levels = []
    for i in (0, 3, 6):
        a, b, c = scaled[i : i + 3]
        for one, *others in ((a, b, c), (b, a, c), (c, a, b)):
            levels.append(squared_mmd(one, np.concatenate(others), s))
    assert found.within == pytest.approx(np.percentile(levels, 95), abs=1e-12)


@pytest.mark.parametrize(("aggregate", "of"), [("min", min), ("mean", np.mean)])
def test_tasks_are_aggregated_as_asked(rng, aggregate, of):
    task, past = cloud(rng, 1.0), history(rng)

    found = choose_environment(task, past, rng, aggregate=Aggregate(aggregate))

    parts = [part for tasks in past.values() for part in tasks]
    new, *scaled = standardize([task, *parts])
    s = median_bandwidth([new, *scaled])
    expected = of([squared_mmd(new, part, s) for part in scaled[:3]])
    assert found.squared_mmd["hall"] == pytest.approx(expected, abs=1e-12)


def test_the_mean_over_tasks_and_the_nearest_task_may_disagree(rng):
    """One environment contains a task like the new one, the other is half-way."""
    past = {
        "mixed": [cloud(rng, centre) for centre in (0.0, 40.0, 80.0)],
        "middle": [cloud(rng, 20.0) for _ in range(3)],
    }
    task = cloud(rng, 0.0)

    nearest = {
        aggregate: choose_environment(task, past, rng, aggregate=aggregate).nearest
        for aggregate in Aggregate
    }

    assert nearest[Aggregate.MIN] == "mixed"
    assert nearest[Aggregate.MEAN] == "middle"


def test_a_single_task_is_halved(rng):
    past = {name: [cloud(rng, centre)] for name, centre in CENTRES.items()}

    choice = choose_environment(cloud(rng, 4.0), past, rng)

    assert choice.environment == "lab"
    assert choice.within < 0.2


def test_of_very_many_vectors_some_are_compared(rng):
    past = {name: [cloud(rng, c, n=1500)] * 2 for name, c in CENTRES.items()}

    choice = choose_environment(cloud(rng, -4.0, n=3000), past, rng)

    assert choice.environment == "attic"


def test_the_choice_depends_on_the_generator_alone(rng):
    task, past = cloud(rng, 1.0), history(rng)

    first, again = (
        choose_environment(task, past, np.random.default_rng(1)) for _ in range(2)
    )

    assert isinstance(first, Choice)
    assert first == again


@pytest.mark.parametrize("sizes", [[], [3], [1, 1, 1], [3, 1]])
def test_environments_with_too_few_samples_are_passed_over(rng, sizes):
    task, past = cloud(rng, 1.0), history(rng)
    short = {"cellar": [cloud(rng, 1.0, n) for n in sizes]}

    found = choose_environment(task, short | past, np.random.default_rng(1))

    assert found == choose_environment(task, past, np.random.default_rng(1))


def test_tasks_of_one_sample_do_not_count(rng):
    task, past = cloud(rng, 1.0), history(rng)
    longer = past | {"hall": [cloud(rng, 50.0, 1), *past["hall"]]}

    found = choose_environment(task, longer, np.random.default_rng(1))

    assert found == choose_environment(task, past, np.random.default_rng(1))


@pytest.mark.parametrize(
    ("n_task", "sizes", "reason"),
    [
        (5, None, "no environment to choose from"),
        (1, [5, 5], "a task of fewer than two samples"),
        (5, [3], "none of 1 environments can be compared with: it takes two tasks of"),
        (5, [3, 1], "none of 1 environments"),
        (5, [], "none of 1 environments"),
    ],
)
def test_too_few_samples_are_refused(rng, n_task, sizes, reason):
    past = {} if sizes is None else {"hall": [cloud(rng, 0, n) for n in sizes]}

    with pytest.raises(SimilarityError, match=reason):
        choose_environment(cloud(rng, 0, n_task), past, rng)
