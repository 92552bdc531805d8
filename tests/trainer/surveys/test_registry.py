"""Which data is found for a name; and that all loaders keep their promises."""

import importlib

import numpy as np
import pytest

from tests.trainer.survey_files import write_compact, write_lines
from trainer.surveys.catalogue import CARDS
from trainer.surveys.registry import (
    find_survey,
    load_survey,
    load_survey_with_report,
    survey_card,
    survey_names,
)
from trainer.surveys.report import SurveyDataError
from trainer.surveys.simulated import Plan


def write_sod(root):
    for role in ("Training", "Testing"):
        write_lines(
            root / "SYL" / f"{role}_SYL.csv",
            ["MAC1,ECoord,NCoord,FloorID", "-50,1,2,4"],
        )


def write_sod_copy(data):
    return write_compact(
        data,
        "sod_rss.npz",
        SYL_rss=np.array([[-60]], np.int8),
        SYL_xyf=np.array([[1.0, 2, 4]]),
        SYL_role=np.zeros(1, np.uint8),
    )


def power(name, data):
    return load_survey(name, data)[0].signals.rss[0, 0]


def test_the_compact_copy_is_taken_where_both_are_there(tmp_path):
    write_sod(tmp_path / "raw" / "SODIndoorLoc")
    write_sod_copy(tmp_path)

    assert power("sod", tmp_path) == -60
    assert power("sod:compact", tmp_path) == -60
    assert power("sod:raw", tmp_path) == -50


@pytest.mark.parametrize("folder", ["raw/sod", "sod", "raw/SODIndoorLoc"])
def test_originals_may_be_in_a_clone_below_data_or_raw(tmp_path, folder):
    write_sod(tmp_path / folder)

    environments, report = load_survey_with_report("sod", tmp_path)

    assert environments[0].signals.rss[0, 0] == -50
    assert report.source == tmp_path / folder
    assert not report.is_compact
    assert report.n_environments == 1


def test_a_copy_may_lie_beside_the_folders(tmp_path):
    write_sod_copy(tmp_path).rename(tmp_path / "sod_rss.npz")

    assert find_survey("sod", tmp_path).path == tmp_path / "sod_rss.npz"


@pytest.mark.parametrize("name", ["sud", "sod:", "sod:zip", ""])
def test_a_name_that_is_no_survey_is_refused(tmp_path, name):
    if name == "sod:":
        write_sod(tmp_path / "sod")
        assert power(name, tmp_path) == -50  # nothing asked for
        return
    with pytest.raises(SurveyDataError, match="is no survey; there are polyu, crisloc"):
        load_survey(name, tmp_path)


def test_where_nothing_is_found_it_says_where_it_looked_and_what_to_do(tmp_path):
    with pytest.raises(SurveyDataError) as caught:
        load_survey("sod:raw", tmp_path)

    message = str(caught.value)
    assert str(tmp_path / "raw" / "sod") in message
    assert "npz" not in message
    assert message.endswith("How to get it: trainer surveys sod")


def test_originals_that_no_loader_reads_are_not_looked_for(tmp_path):
    (tmp_path / "csuhet").mkdir()

    with pytest.raises(SurveyDataError, match="looked for nothing"):
        find_survey("csuhet:raw", tmp_path)


def test_every_survey_has_a_module_that_reads_what_its_card_says():
    assert len(set(survey_names())) == len(CARDS)
    for card in CARDS:
        module = importlib.import_module(f"trainer.surveys.{card.module}")
        assert (card.compact_file is None) or callable(module.from_compact)
        assert not card.reads_originals or callable(module.from_original)
        assert not card.is_made_here or callable(module.simulate)
        assert survey_card(card.name) is card


def test_what_is_simulated_needs_no_data(tmp_path, monkeypatch):
    small = Plan(n_days=2, n_visits=1, images_per_visit=1, n_packets=2)
    monkeypatch.setattr("trainer.surveys.simulated.PAPER_PLAN", small)

    environments, report = load_survey_with_report("simhall", tmp_path / "nowhere")

    assert [e.name for e in environments] == ["d1", "d2"]
    assert all(e.is_simulated for e in environments)
    assert (report.source, report.is_compact, report.skipped) == (None, False, {})
    assert report.n_environments == 2


def test_environments_of_equal_names_are_refused(tmp_path):
    """A copy that says the same of two days; no loader knows of all such cases."""
    copy = write_compact(
        tmp_path,
        "umdsi_rss.npz",
        rss=np.full((2, 1), -50, np.int8),
        xy=np.zeros((2, 2)),
        dom=np.arange(2),
        dom_name=np.array(["2019-01-01", "2019-01-01"]),
        ap=np.array(["1"]),
    )

    with pytest.raises(SurveyDataError, match="are called 2019-01-01; a day") as caught:
        load_survey("umdsi", tmp_path)

    assert str(copy) in str(caught.value)


@pytest.mark.parametrize("name", ["simhall:raw", "simlab:compact", "simlab:"])
def test_what_is_simulated_has_no_files(tmp_path, name):
    with pytest.raises(SurveyDataError, match="load it as sim"):
        load_survey(name, tmp_path)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_promises_of_real_surveys(shared_data, card):
    """What the records do not check themselves."""
    if card.compact_file is None:
        pytest.skip("has no compact copy")
    data = shared_data(f"surveys/{card.compact_file}").parent.parent

    environments = load_survey(f"{card.name}:compact", data)

    names = [e.name for e in environments]
    assert len(set(names)) == len(names)
    assert card.environments == () or set(names) <= set(card.environments)
    keys = [(e.place.name, e.order, e.name) for e in environments]
    assert keys == sorted(keys)
    places = {}
    for environment in environments:
        assert places.setdefault(environment.place.name, environment.place) is (
            environment.place
        )
        assert (np.diff(environment.visit_of) >= 0).all()
        rss = environment.signals.rss
        assert rss.dtype == np.float32
        known = rss[np.isfinite(rss)]
        assert known.size == 0 or (known.min() >= -127 and known.max() <= 0)
        if environment.is_test.any():
            assert not environment.is_test.all()
    for place in places.values():
        rounded = np.column_stack([place.locations * 1000, place.floors])
        assert len(np.unique(rounded.round(), axis=0)) == place.n_points
