"""Digests: equal for equal things in any process, different for any change."""

import subprocess
import sys
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.trainer.benchmark.synthetic import Slow, make_methods, survey
from trainer.benchmark.digest import (
    CodeDigests,
    describe,
    digest_of_survey,
    digest_of_text,
)
from trainer.methods.neighbours import NearestNeighbours


class Colour(Enum):
    RED = 1


@dataclass(frozen=True)
class Settings:
    values: object


class Plain:
    def __init__(self, value):
        self.value = value


def double(x):
    return 2 * x


def digest_of_code(settings, *modules):
    return CodeDigests().of(settings, *modules)


def described(value):
    return describe(value, set())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        ("1", 1),
        (None, "None"),
        ([1, 2], [12]),
        (np.array([1.0, 2]), np.array([1.0, 3])),
        (np.zeros((2, 1)), np.zeros((1, 2))),
        ({"a": 1}, {"a": 2}),
        (Settings(1), Settings(2)),
        (Settings(Settings(1)), Settings(Settings(2))),
        (Plain(1), Plain(2)),
        (Plain(1), Settings(1)),
        (double, described),
        (partial(double, 1), partial(double, 2)),
        ({1, 2}, {1, 3}),
    ],
)
def test_different_settings_are_described_differently(one, other):
    assert described(one) != described(other)


@pytest.mark.parametrize(
    "value",
    [Settings([1, "a", None, b"b"]), Plain({1, 2}), Colour.RED, partial(double, x=1)],
)
def test_no_description_holds_an_address(value):
    assert "0x" not in described(value)
    assert described(value) == described(value)


def test_the_modules_that_define_the_settings_are_noted():
    modules = set()
    describe(Settings([NearestNeighbours("1nn", "1-NN", 1), double]), modules)

    assert modules == {__name__, "trainer.methods.neighbours"}


def test_texts_are_told_from_each_other():
    assert digest_of_text("ab", "c") != digest_of_text("a", "bc")


def test_a_digest_does_not_depend_on_those_before():
    digests, everything = CodeDigests(), [*make_methods().values()]

    assert [digests.of(m) for m in everything] == [*map(digest_of_code, everything)]


def test_digests_are_the_same_in_another_process():
    script = (
        "from tests.trainer.benchmark.test_digest import *\n"
        "print(digest_of_survey(survey(2)))\n"
        "print(*map(digest_of_code, make_methods().values()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True
    )

    here = [digest_of_code(method) for method in make_methods().values()]
    assert done.stdout.split() == [digest_of_survey(survey(2)), *here], done.stderr


@pytest.mark.parametrize(
    "change",
    [
        lambda day: replace(day, name="x"),
        lambda day: replace(day, order=9),
        lambda day: replace(day, point_of=day.point_of[::-1]),
        lambda day: replace(day, visit_of=day.visit_of + 1),
        lambda day: replace(day, is_test=~day.is_test),
        lambda day: replace(
            day, signals=replace(day.signals, rss=day.signals.rss + np.float32(1))
        ),
        lambda day: replace(
            day, signals=replace(day.signals, images=day.signals.images * 2)
        ),
        lambda day: replace(day, signals=replace(day.signals, images=None)),
        lambda day: replace(
            day, place=replace(day.place, locations=day.place.locations + 1)
        ),
        lambda day: replace(day, place=replace(day.place, name="other")),
        lambda day: day.select(np.arange(len(day) - 1)),
    ],
)
def test_any_change_of_a_survey_changes_its_digest(change):
    (day,) = survey(1, is_csi=True)

    assert digest_of_survey([change(day)]) != digest_of_survey([day])


def test_settings_and_source_count():
    assert digest_of_code(Slow(0.1)) != digest_of_code(Slow(0.2))
    assert digest_of_code(Slow()) != digest_of_code(Slow(), "trainer.benchmark.regimes")


def test_a_module_counts_with_all_that_it_imports(tmp_path, monkeypatch):
    """A chain of modules: the last one's comment changes the first one's digest."""
    package = tmp_path / "tests_of_digest"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "first.py").write_text("from tests_of_digest import second\n")
    (package / "second.py").write_text("import tests_of_digest.third\nimport numpy\n")
    (package / "third.py").write_text("X = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("trainer.benchmark.digest._OURS", ("tests_of_digest",))

    before = digest_of_code(None, "tests_of_digest.first")
    (package / "third.py").write_text("X = 1  # unchanged\n")

    assert digest_of_code(None, "tests_of_digest.first") != before
    assert digest_of_code(None, "tests_of_digest.gone") == digest_of_code(None)
