"""The reconstructed tables: what the journal paper states of them is true of them."""

import numpy as np
import pytest

from trainer.simulate.pathloss.errors import PathLossError
from trainer.simulate.pathloss.models import (
    MALL_DUAL_SLOPE,
    MALL_MIXED,
    OFFICE_FREQUENCY,
    OFFICE_MIXED,
)
from trainer.simulate.pathloss.tasks import TABLE_1, TABLE_2

TASKS = [*TABLE_1.training, *TABLE_1.test, *TABLE_2.training, *TABLE_2.test]


def test_table_1_has_four_tasks_to_learn_from_and_one_that_is_new():
    assert [task.name for task in TABLE_1.training] == ["tau1", "tau2", "tau3", "tau4"]
    assert len(TABLE_1.test) == 1
    for task in (*TABLE_1.training, *TABLE_1.test):
        assert task.model.name == "a"
        assert 3 <= task.model.nlos.sigma_db <= 20


@pytest.mark.parametrize(
    "number_of",
    [
        lambda task: task.power_dbm,
        lambda task: task.model.nlos.law.exponent,
        lambda task: task.model.nlos.sigma_db,
    ],
    ids=["P_t", "n", "sigma"],
)
def test_tasks_of_table_1_differ(number_of):
    numbers = [number_of(task) for task in (*TABLE_1.training, *TABLE_1.test)]

    assert len(set(numbers)) == 5


def test_antenna_gains_of_table_1_differ():
    assert len({task.gain_db for task in TABLE_1.training}) > 1


@pytest.mark.parametrize(
    ("environment", "model"),
    [("One", MALL_DUAL_SLOPE), ("Two", OFFICE_MIXED), ("Three", OFFICE_FREQUENCY)],
)
def test_environments_of_table_2_are_of_one_model_each(environment, model):
    tasks = TABLE_2.of_environment(environment)

    assert TABLE_2.environments == ("One", "Two", "Three")
    assert {task.model.nlos.law for task in tasks} == {model.nlos.law}
    assert len({task.power_dbm for task in tasks}) > 1
    assert len({task.side_m for task in tasks}) > 1
    assert len({task.model.nlos.sigma_db for task in tasks}) > 1


def test_test_tasks_of_table_2_are_the_papers():
    first, second, third = TABLE_2.test

    for task in TABLE_2.test:
        assert (task.side_m, task.power_dbm) == (10, 10)
    assert first.model == MALL_MIXED.with_sigma(los_db=3, nlos_db=6.26)
    assert second.model == MALL_DUAL_SLOPE.with_sigma(nlos_db=5)
    assert third.model == MALL_DUAL_SLOPE.with_sigma(nlos_db=15)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_every_task_has_24_access_points_at_2440_mhz(task):
    site = task.draw_site(np.random.default_rng(0))

    assert (site.n_aps, site.carrier_hz) == (24, 2.44e9)
    assert site.size_m == (task.side_m, task.side_m)
    assert (site.power_dbm == task.power_dbm).all()
    assert site.gain_db == task.gain_db
    assert (site.shadows, site.clamp, site.sensitivity_dbm) == (None, "none", None)
    assert (site.noise_db, site.height_m) == (0, 0)


def test_the_channel_need_not_be_the_papers():
    site = TABLE_2.task("T1").draw_site(
        np.random.default_rng(0),
        shadowing="correlated",
        noise_db=1.0,
        clamp="los",
        sensitivity_dbm=-95,
    )

    assert site.shadows is not None
    assert (site.noise_db, site.clamp, site.sensitivity_dbm) == (1, "los", -95)


def test_tasks_are_found_by_name():
    for table in (TABLE_1, TABLE_2):
        for task in (*table.training, *table.test):
            assert table.task(task.name) is task


def test_what_is_not_in_the_table_is_refused():
    with pytest.raises(PathLossError, match=r"no task 'T4'; there are one1, .*, T3"):
        TABLE_2.task("T4")
    with pytest.raises(PathLossError, match="no environment 'Four'; there are One, T"):
        TABLE_2.of_environment("Four")
