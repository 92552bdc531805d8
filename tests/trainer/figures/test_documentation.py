"""docs/figures.md: what it lists is what there is."""

import json
import re

from tests.conftest import ROOT
from tests.trainer.figures.counted import Drawn
from trainer.cli import build_parser
from trainer.figures.registry import NAMES
from trainer.figures.run import run_figures

TEXT = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")


def first_column(heading):
    section = TEXT.split(heading)[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line[:1] == "|"]
    return re.findall(r"`([\w-]+)`", " ".join(cells))


def test_every_figure_is_described():
    assert first_column("# The paper's simulated experiments") == list(NAMES)


def test_every_field_of_the_json_is_described(tmp_path):
    run_figures(tmp_path, [Drawn()])
    document = json.loads((tmp_path / "drawn.json").read_text(encoding="utf-8"))

    assert set(first_column("## The JSON")) == set(document)


def test_the_commands_can_be_pasted():
    commands = re.findall(r"^ {4}trainer (figures .*)$", TEXT, re.MULTILINE)

    assert len(commands) >= 2
    for command in commands:
        assert callable(build_parser(command.split()).parse_args(command.split()).run)
