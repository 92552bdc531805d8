"""``trainer simulate rss``: flags, the files, and that the benchmark reads them."""

import argparse
import json

import numpy as np
import pytest

from edge_agent.console import Console
from trainer.benchmark.protocol import load_protocol
from trainer.cli import main
from trainer.commands.simulate_rss import add_arguments, run
from trainer.errors import TrainerError
from trainer.surveys.compact import read_compact
from trainer.surveys.registry import load_survey

FEW = [
    *("--aps", "4", "--points", "9", "--test-points", "0"),
    *("--samples", "3", "--side", "6"),
]


def simulate(*arguments):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args([str(a) for a in arguments]), Console())


def refusal(*arguments):
    with pytest.raises(TrainerError) as caught:
        simulate(*arguments)
    return caught.value


def test_a_folder_gets_a_survey_and_its_protocol(tmp_path, capsys):
    code = simulate(tmp_path / "new", *FEW)

    assert code == 0
    assert capsys.readouterr().out.splitlines() == [
        str(tmp_path / "new" / "pathloss_rss.npz"),
        str(tmp_path / "new" / "pathloss.toml"),
    ]
    days = load_survey("pathloss", tmp_path / "new")
    assert [day.name for day in days] == ["d1", "d2", "d3", "d4", "d5"]
    assert {len(day) for day in days} == {9 * 2 * 3}
    assert days[0].place.n_points == 9
    assert len(days[0].place.channels) == 4
    protocol = load_protocol(tmp_path / "new" / "pathloss.toml")
    assert protocol.history == ("d1", "d2", "d3")
    assert (protocol.validation, protocol.test) == (("d4",), ("d5",))
    assert protocol.query == "reference"


def test_trainer_surveys_and_the_benchmark_read_it(tmp_path, capsys):
    simulate(tmp_path, "--side", 12, "--test-points", 20, "--correlated")
    capsys.readouterr()

    assert main(["surveys", "pathloss", "--data", str(tmp_path)]) == 0
    assert "5 environments" in capsys.readouterr().out
    code = main(
        [
            *("benchmark", "--data", str(tmp_path), "--out", str(tmp_path / "out")),
            *("--protocol", str(tmp_path / "pathloss.toml")),
            *("--methods", "centre,wknn", "--regimes", "3shot", "--seeds", "1"),
        ]
    )
    assert code == 0
    (centre, wknn) = json.loads((tmp_path / "out" / "results.json").read_text())["rows"]
    assert wknn["mean_m"] < centre["mean_m"]


def test_a_file_is_written_alone(tmp_path, capsys):
    simulate(tmp_path / "one.npz", *FEW, "--days", "1")

    assert capsys.readouterr().out == f"{tmp_path / 'one.npz'}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["one.npz"]
    arrays = read_compact(tmp_path / "one.npz")
    about = json.loads(str(arrays["about"]))
    assert about["simulated"] is True
    assert (about["model"], about["seed"], about["side"]) == ("c", 0, 6.0)


def test_one_day_has_a_protocol_without_history_that_the_benchmark_can_run(tmp_path):
    simulate(tmp_path, *FEW, "--days", "1")

    protocol = load_protocol(tmp_path / "pathloss.toml")
    assert (protocol.history, protocol.validation) == ((), ())
    assert protocol.test == ("d1",)
    code = main(
        [
            *("benchmark", "--data", str(tmp_path), "--out", str(tmp_path / "out")),
            *("--protocol", str(tmp_path / "pathloss.toml"), "--seeds", "1"),
            *("--methods", "centre,1nn", "--regimes", "zero,3shot"),
        ]
    )
    assert code == 0
    of = json.loads((tmp_path / "out" / "results.json").read_text())["rows"]
    with_figures = {row["regime"] for row in of if "mean_m" in row}
    assert with_figures == {"3shot"}


def test_without_further_flags_nobody_is_located_at_a_surveyed_point(tmp_path):
    """Where all queries are at its points, 1-NN answers with no error at all."""
    simulate(tmp_path, "--model", "e", "--correlated")
    assert load_protocol(tmp_path / "pathloss.toml").query == "test"
    main(
        [
            *("benchmark", "--data", str(tmp_path), "--out", str(tmp_path / "out")),
            *("--protocol", str(tmp_path / "pathloss.toml"), "--seeds", "1"),
            *("--methods", "1nn,wknn", "--regimes", "3shot"),
        ]
    )

    for row in json.loads((tmp_path / "out" / "results.json").read_text())["rows"]:
        assert (row["n_queries"], row["accuracy"]) == (50 * 5, None)
        # Points are 2.7 m apart, if 54 of them share 400 m²; 1-NN cannot be much better
        # than half of that.
        assert 1.0 < row["mean_m"] < 2.7


def test_two_days_leave_none_to_tune_on(tmp_path):
    simulate(tmp_path, *FEW, "--days", "2", "--test-points", "1")

    protocol = load_protocol(tmp_path / "pathloss.toml")
    assert (protocol.history, protocol.validation) == (("d1",), ())
    assert (protocol.test, protocol.query) == (("d2",), "test")


def test_the_seed_decides(tmp_path):
    for name, seed in (("first", 4), ("again", 4), ("other", 5)):
        simulate(tmp_path / name, *FEW, "--seed", seed)

    first, again, other = (
        (tmp_path / name / "pathloss_rss.npz").read_bytes()
        for name in ("first", "again", "other")
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize("model", ["a", "b", "c", "d", "e", "inh"])
def test_every_model_can_be_written(tmp_path, model):
    simulate(tmp_path / "x.npz", *FEW, "--model", model, "--correlated")

    assert np.isfinite(read_compact(tmp_path / "x.npz")["rss"]).all()


def spread_in_a_visit(path):
    arrays = read_compact(path)
    rss = arrays["rss"].reshape(-1, 30, arrays["rss"].shape[1])
    return rss.std(axis=1, ddof=1).mean()


def test_as_in_the_paper_shadowing_is_noise_and_days_are_alike(tmp_path):
    many = ["--model", "b", "--side", 6, "--points", 20, "--samples", 30, "--days", 2]
    simulate(tmp_path / "paper.npz", *many, "--paper")
    simulate(tmp_path / "ours.npz", *many)

    assert spread_in_a_visit(tmp_path / "paper.npz") == pytest.approx(6.36, rel=0.02)
    assert spread_in_a_visit(tmp_path / "ours.npz") == pytest.approx(1.3, rel=0.02)
    rss = read_compact(tmp_path / "paper.npz")["rss"].reshape(2, -1, 24)
    # 1200 samples of either day.
    np.testing.assert_allclose(*rss.mean(axis=1), atol=6.36 * np.sqrt(2 / 1200) * 4.5)


def test_without_paper_the_mall_is_held_below_what_is_in_sight(tmp_path):
    """From 2 m on in sight: 17 - 40.2 - 5.2 = -28.4 dBm; as it is fitted, -22.6."""
    near = ["--model", "b", "--sigma", 0, "--side", 2, "--points", 9, "--days", 20]
    simulate(tmp_path / "x.npz", *near)

    assert -33 < read_compact(tmp_path / "x.npz")["rss"].mean() < -28.4


def test_numbers_of_the_model_can_be_others(tmp_path):
    simulate(
        tmp_path / "x.npz",
        *("--model", "a", "--exponent", 2, "--sigma", 0, "--power", 0, "--mhz", 5180),
        *("--aps", 1, "--points", 20, "--side", 6, "--paper", "--days", 1),
    )

    rss = read_compact(tmp_path / "x.npz")["rss"]
    # Free space from 1 m to the diagonal.
    assert rss.max() <= -46.73 + 0.01
    assert rss.min() >= -46.73 - 20 * np.log10(6 * np.sqrt(2)) - 0.01


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--paper", "--correlated"], "the paper's shadowing is noise"),
        (["--exponent", "3"], "--exponent is for model a, not for c"),
        (["--model", "a", "--exponent", "-3"], "--exponent is -3; expected"),
        (["--test-points", "-1"], "--test-points is -1, not 0 or more"),
        (["--side", "-6"], "--side is -6.0; expected"),
        (["--spacing", "-0.6"], "--spacing is -0.6; expected"),
        (["--aps", "0"], "--aps is 0; expected"),
        (["--points", "0"], "--points is 0; expected"),
        (["--points", "122"], "has 121"),
        (["--samples", "0"], "--samples is 0; expected"),
        (["--visits", "0"], "--visits is 0; expected"),
        (["--days", "0"], "--days is 0; expected"),
        (["--power", "nan"], "--power is nan; expected"),
        (["--mhz", "0"], "--mhz is 0; expected 100 to 1e+06"),
        (["--sigma", "-1"], "--sigma is -1; expected"),
        (["--sigma", "1e30"], "--sigma is 1e+30; expected"),
        (["--samples", "1000000000"], "are 360,000,000,000 received powers, more than"),
        (["--test-points", "1000000000"], "received powers, more than 100,000,000"),
    ],
)
def test_nonsense_is_refused_before_anything_is_written(tmp_path, flags, message):
    error = refusal(tmp_path / "out", *FEW, *flags)

    assert message in str(error)
    assert error.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_a_file_that_cannot_be_written_is_refused(tmp_path):
    error = refusal(tmp_path / ("long" * 100 + ".npz"), *FEW)

    assert str(error).startswith(f"cannot write {tmp_path}")
    assert error.exit_code == 1


# -- what is there already -------------------------------------------------------------


def test_the_same_settings_again_keep_what_is_there(tmp_path, capsys):
    simulate(tmp_path, *FEW)
    mine = b"# mine"
    (tmp_path / "pathloss.toml").write_bytes(mine)
    before = (tmp_path / "pathloss_rss.npz").stat()
    capsys.readouterr()

    assert simulate(tmp_path, *FEW) == 0

    said = capsys.readouterr()
    assert said.out == ""
    assert "pathloss_rss.npz is kept: these settings made it" in said.err
    assert (tmp_path / "pathloss_rss.npz").stat() == before
    assert (tmp_path / "pathloss.toml").read_bytes() == mine


def test_a_protocol_that_is_missing_is_written_again(tmp_path, capsys):
    simulate(tmp_path, *FEW)
    protocol = tmp_path / "pathloss.toml"
    text = protocol.read_bytes()
    protocol.unlink()
    capsys.readouterr()

    simulate(tmp_path, *FEW)

    assert protocol.read_bytes() == text
    assert capsys.readouterr().out == f"{protocol}\n"


@pytest.mark.parametrize("name", ["x.npz", ""])
def test_a_survey_of_other_settings_is_not_replaced(tmp_path, name):
    simulate(tmp_path / name, *FEW)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    error = refusal(tmp_path / name, *FEW, "--model", "b", "--seed", 2)

    assert "model is c there, b here, seed is 0 there, 2 here; delete it" in str(error)
    assert error.exit_code == 2
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_that_no_simulation_made_is_not_replaced(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"mine")

    error = refusal(tmp_path / "x.npz", *FEW)

    assert "is damaged or no array file" in str(error)
    assert (tmp_path / "x.npz").read_bytes() == b"mine"


def test_the_protocol_of_another_survey_is_not_replaced(tmp_path):
    (tmp_path / "pathloss.toml").write_bytes(b"# other")

    error = refusal(tmp_path, *FEW)

    assert "pathloss.toml is of another survey: delete it" in str(error)
    assert error.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["pathloss.toml"]


def test_a_protocol_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "pathloss.toml").mkdir()

    assert str(refusal(tmp_path, *FEW)).startswith("cannot read ")


@pytest.mark.parametrize("out", ["file/x.npz", "file/new/x.npz", "file/new", "file"])
def test_what_is_no_folder_is_called_so(tmp_path, out):
    (tmp_path / "file").touch()

    error = refusal(tmp_path / out, *FEW)

    assert str(error).startswith("cannot write ")
    assert str(error).endswith(f": {tmp_path / 'file'} is not a folder")
    assert error.exit_code == 1
