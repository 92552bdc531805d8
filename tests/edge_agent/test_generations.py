"""Calibrations of a site: always one that is whole, and a way back."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edge_agent.errors import CalibrationError
from edge_agent.generations import N_KEPT, ORIGINAL, Generations


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    return Generations(folder)


def make(site, name="first", content="x"):
    """A calibration that was put in use."""
    with site.draft(name) as (taken, folder):
        (folder / "shots.npz").write_text(content)
    site.activate(taken)
    return taken


def test_a_site_that_was_never_changed_has_its_files_in_its_folder(site):
    assert site.active == ORIGINAL
    assert site.home == site.site
    assert site.names() == []


def test_one_that_is_written_is_used_when_it_is_put_in_use(site):
    with site.draft("first") as (name, folder):
        (folder / "shots.npz").write_text("new")
        assert site.names() == []

    assert (name, site.names(), site.active) == ("first", ["first"], ORIGINAL)
    site.activate(name)
    assert site.active == "first"
    assert (site.home / "shots.npz").read_text() == "new"
    assert (site.site / "current" / "shots.npz").read_text() == "new"


def test_what_ends_before_its_end_leaves_nothing(site):
    draft = site.draft("first")
    _, folder = draft.__enter__()
    (folder / "shots.npz").write_text("half")
    draft.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)

    assert site.names() == []
    assert not list(site.path("x").parent.glob("*"))


def test_names_are_not_used_twice(site):
    assert [make(site), make(site), make(site)] == ["first", "first-2", "first-3"]


def test_the_way_back_leads_through_all_of_them(site):
    (site.site / "shots.npz").write_text("of an agent before this one")
    make(site, "a")
    make(site, "b")

    assert site.before("b") == "a"
    assert site.before("a") == ORIGINAL
    assert site.before(ORIGINAL) is None
    site.activate(ORIGINAL)
    assert site.home == site.site
    assert site.names() == ["a", "b"]


def test_the_first_calibration_of_all_has_none_before(site):
    make(site, "a")

    assert site.before("a") is None


def test_what_was_before_may_be_gone(site):
    make(site, "a")
    make(site, "b")
    (site.path("a") / "shots.npz").unlink()
    (site.path("a") / "before").unlink()
    site.path("a").rmdir()

    assert site.before("b") is None
    assert site.before("nowhere") is None


def test_kinds_do_not_meet(site):
    other = Generations(site.site, "rss-")
    make(site, "a")
    make(other, "b")

    assert (site.active, other.active) == ("a", "b")
    assert (site.names(), other.names()) == (["a"], ["b"])


@pytest.mark.parametrize(
    "target", ["/etc", "calibrations/../../elsewhere", "calibrations/gone", "..", "x/a"]
)
def test_a_link_to_elsewhere_is_not_followed(site, target):
    make(site, "a")
    (site.site / "current").unlink()
    (site.site / "current").symlink_to(target)

    assert site.active == ORIGINAL


def test_only_what_is_there_is_put_in_use(site):
    make(site, "a")

    with pytest.raises(
        CalibrationError, match="home has no calibration b; there are a"
    ):
        site.activate("b")

    assert site.active == "a"


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", ORIGINAL, "x" * 65])
def test_a_name_is_a_folder_of_its_own(site, name):
    with pytest.raises(ValueError, match="cannot be the name of a calibration"):
        site.draft(name).__enter__()


def test_where_nothing_can_be_written_the_folder_is_named(site, tmp_path):
    blocked = Generations(tmp_path / "file")
    (tmp_path / "file").write_text("no folder")

    with (
        pytest.raises(CalibrationError, match=r"cannot write to .*file: .*--state"),
        blocked.draft("a"),
    ):
        pass


def test_a_link_that_cannot_be_written_changes_nothing(site):
    make(site, "a")
    (site.site / "current").unlink()
    (site.site / "current").mkdir()  # a rename does not replace a folder by a link

    with pytest.raises(CalibrationError, match=r"cannot write to .*home: "):
        site.activate("a")

    assert site.active == ORIGINAL
    assert [p.name for p in site.site.glob(".*")] == []


def test_the_newest_are_kept_and_the_one_in_use(site):
    names = [make(site, f"g{number}") for number in range(N_KEPT + 3)]
    site.activate("g1")
    (site.path("g1").parent / ".half").mkdir()

    gone = site.prune()

    assert gone == ["g2"]
    assert site.names() == [n for n in names if n != "g2"]
    assert site.active == "g1"
    assert not (site.path("g1").parent / ".half").exists()


class Life(RuleBasedStateMachine):
    """Any order of writing, using, returning and pruning."""

    @rule(name=st.sampled_from("abc"))
    def calibrate(self, name):
        make(self.site, name, content=name)

    @rule()
    def go_back(self):
        before = self.site.before(self.site.active)
        if before is not None:
            self.site.activate(before)

    @rule()
    def prune(self):
        self.site.prune()

    @invariant()
    def one_is_whole(self):
        assert self.site.active == ORIGINAL or (self.site.home / "shots.npz").is_file()
        assert len(self.site.names()) < 60


def test_whatever_happens_one_is_whole(tmp_path_factory):
    class Here(Life):
        def __init__(self):
            super().__init__()
            self.site = Generations(tmp_path_factory.mktemp("site"))

    Here.TestCase.settings = settings(max_examples=15, stateful_step_count=15)
    Here.TestCase().runTest()
