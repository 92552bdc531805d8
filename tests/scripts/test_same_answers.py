import sys

import pytest

from scripts.same_answers import (
    APART_M,
    Agent,
    RunError,
    check_losses,
    farthest_apart,
    main,
)

LOSSES = (2.77, 2.0, 1.0, 0.01)


def location(time="2026-01-01T01:00:00Z", x=1.0, y=2.0, room="desks"):
    return {"time": time, "x": x, "y": y, "room": room}


@pytest.mark.parametrize(
    "losses",
    [
        LOSSES,
        (2.77, 2.0001, 1.05, 0.0115),  # the last bits of sums, ten steps later
        (2.77, 2.0, 1.0, 0.0101),
    ],
)
def test_losses_that_went_the_same_way_pass(losses):
    check_losses(LOSSES, losses)


@pytest.mark.parametrize(
    ("losses", "reason"),
    [
        ((2.77, 2.003, 1.0, 0.01), "not within 0.001 of each other after step 1"),
        ((2.77, 2.0, 1.0, 0.013), "not within 0.2 of each other after step 3"),
        ((2.77, 2.0, 1.0, float("nan")), "after step 3"),
        ((2.77, 2.0, 0.01), "2 steps, expected 3"),
    ],
)
def test_losses_that_did_not_are_refused(losses, reason):
    with pytest.raises(RunError, match=reason):
        check_losses(LOSSES, losses)


def test_the_largest_of_all_distances_counts():
    ours = [location("a", 0.0, 0.0), location("b", 5.0, 5.0)]
    theirs = [location("a", 0.003, 0.004), location("b", 5.001, 5.0)]

    assert farthest_apart(ours, theirs) == pytest.approx(0.005)


@pytest.mark.parametrize(
    ("theirs", "reason"),
    [
        ([location(x=1 + 2 * APART_M)], r"1\.02, 2\.0 in desks, expected 1\.0, 2\.0"),
        ([location(y=float("nan"))], "nan in desks"),
        ([location(room="entrance")], "in entrance, expected .* in desks"),
        ([location(time="2026-01-01T02:00:00Z")], "expected 1 at other times"),
        ([], "0 locations, expected 1"),
        ([location(), location()], "2 locations, expected 1"),
    ],
)
def test_locations_elsewhere_or_of_other_times_are_refused(theirs, reason):
    with pytest.raises(RunError, match=reason):
        farthest_apart([location()], theirs)


def test_two_silent_programs_do_not_agree():
    with pytest.raises(RunError, match="0 locations"):
        farthest_apart([], [])


def test_the_emulator_is_told_which_processor():
    code = "import os; print(os.environ['QEMU_CPU'])"

    assert Agent(sys.executable, "cortex-a53").run("-c", code) == "cortex-a53\n"


def test_a_program_that_fails_is_quoted():
    with pytest.raises(RunError, match=r"(?s)ended with 3:.*no wheel fits"):
        Agent(sys.executable).run(
            "-c", "import sys; print('no wheel fits', file=sys.stderr); sys.exit(3)"
        )


def test_a_python_that_is_not_there_fails_and_is_named(tmp_path, capsys):
    assert main([str(tmp_path / "none")]) == 1
    assert f"cannot start {tmp_path / 'none'}: No such" in capsys.readouterr().err


def test_a_python_without_the_agent_fails(tmp_path, capsys):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho no module named edge_agent >&2; exit 1\n")
    program.chmod(0o755)

    assert main([str(program)]) == 1
    assert "no module named edge_agent" in capsys.readouterr().err


@pytest.mark.slow
def test_this_python_agrees_with_itself(capsys):
    assert main([sys.executable]) == 0

    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    ways = {tuple(row[3:5]) for row in rows}  # after "as it is"
    assert {("network", "numpy"), ("neighbours", "auto")} <= ways
