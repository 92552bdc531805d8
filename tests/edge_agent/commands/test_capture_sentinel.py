"""``capture --sentinel``: a receiver that rests at a known point."""

import io

import pytest

from edge_agent.commands.capture import _remark_of
from edge_agent.console import Console
from edge_agent.drift.sentinel import Sentinel
from edge_agent.payload import Source
from edge_agent.pipeline import Fix
from tests.edge_agent.drift.test_sentinel import POINTS, located
from tests.edge_agent.sites import packets_at, pcapng_bytes


@pytest.fixture
def capture(run_agent, capsys, write, state, bundle_directory):
    """Locate in a capture of p1 with the tiny model."""

    def capture(*arguments):
        code = run_agent(
            *("capture", "--pcap", write(pcapng_bytes(packets_at(0)))),
            *("--broker", "none", "--site", "home", "--state", state),
            *("--bundle", bundle_directory, *arguments),
        )
        said = capsys.readouterr()
        return code, said.out, said.err

    return capture


def test_every_location_says_whether_it_is_right(capture):
    code, out, _ = capture("--sentinel", "p1")

    assert code == 0
    assert all("  sentinel: " in line for line in out.splitlines())
    assert "sentinel" not in capture()[1]


def test_a_point_that_the_site_has_not_is_refused(capture):
    code, out, err = capture("--sentinel", "attic")

    assert (code, out) == (2, "")
    assert "the site has no such point; among its points are p1, p2, p3" in err


def test_an_alarm_is_told_once():
    talk = io.StringIO()
    remark = _remark_of(Sentinel(POINTS[0]), Console(io.StringIO(), talk))

    for minute in range(120):
        remark(Fix(located(1, minute=minute), Source.LIVE))

    assert talk.getvalue() == (
        "caution: the sentinel at shelf is no longer located where it rests: "
        "edge_agent label shelf\n"
    )
