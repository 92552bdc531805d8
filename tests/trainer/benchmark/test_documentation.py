"""docs/benchmark.md: what it says is so."""

import json
import re
from dataclasses import fields

import pytest

from tests.conftest import ROOT
from tests.trainer.benchmark.test_rows import rows, unit
from trainer.benchmark.protocol import Protocol, read_protocol
from trainer.benchmark.regimes import REGIMES

TEXT = (ROOT / "docs" / "benchmark.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)


def first_column(heading, *, ends="## "):
    section = TEXT.split(heading)[1].split(ends)[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line[:1] == "|"]
    return re.findall(r"`([\w]+)`", " ".join(cells))


def test_every_key_of_a_protocol_is_described():
    assert first_column("## Protocol files", ends="**Environments**") == [
        "survey", "history", "validation", "test", "exclude", "rolling", "last",
        "ties", "other_places", "calibrate", "query", "calibration_visits",
        "query_visits", "images_per_point",
    ]  # fmt: skip
    assert set(first_column("## Protocol files", ends="**Environments**")) == {
        f.name for f in fields(Protocol)
    }


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_is_a_protocol(text):
    read_protocol(text, "example")


def test_there_is_an_example_of_each_kind():
    assert len(EXAMPLES) == 7


def test_every_regime_is_described():
    assert set(REGIMES) <= set(first_column("## What a method is given"))


def test_every_field_of_a_row_is_described():
    (row,) = json.loads(json.dumps([r.as_json() for r in rows(unit("1nn", [1, 2]))]))
    described = set(first_column("## Rows of"))

    assert set(row) - {"zone_detection_interval", "floor_detection_interval"} == (
        described
    )
