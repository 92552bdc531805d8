"""``edge_agent adapt``: recorded shots to a calibrated site."""

import contextlib
import json
import math
import re
import threading
from dataclasses import fields, replace

import numpy as np
import pytest

from edge_agent.bundles.bundle import Bundle
from edge_agent.bundles.files import Kind
from edge_agent.bundles.store import BundleStore
from edge_agent.calibration import Calibration
from edge_agent.csi_model import CsiModel
from edge_agent.environment import Environment
from edge_agent.errors import BundleError
from edge_agent.site_state import SiteFiles, SiteState, load_calibration
from edge_agent.survey import read_survey
from tests.edge_agent.bundle_copies import renamed
from tests.edge_agent.known_places import SLOPES, STRANGE, shots_at
from tests.edge_agent.sites import (
    POINTS,
    REAL,
    SIMULATED,
    SPEC,
    START_US,
    channel,
    packets_at,
    pcapng_bytes,
    write_site,
)


@pytest.fixture
def survey(tmp_path):
    return write_site(tmp_path / "survey")


@pytest.fixture
def adapt(run_agent, capsys, bundle_directory, tmp_path):
    """Run the command with the small model; returns exit code, results and talk."""

    def adapt(*arguments):
        model = ("--bundle", bundle_directory, "--state", tmp_path / "state")
        code = run_agent("adapt", *arguments, *model)
        out, err = capsys.readouterr()
        return code, out, err

    return adapt


@pytest.fixture
def calibration_path(tmp_path, bundle):
    return calibration_of(tmp_path, "home", bundle)


def calibration_of(tmp_path, site, bundle):
    name = f"calibration-{bundle.digest[:16]}.npz"
    return tmp_path / "state" / site / "current" / name


def test_a_survey_becomes_a_calibrated_site(adapt, survey, bundle, calibration_path):
    code, out, err = adapt(survey)

    assert code == 0
    assert re.fullmatch(
        r"site home is calibrated: 3 points, 9 shots, loss (\d\.\d\d) -> (\d\.\d\d) in "
        rf"3 steps \(guessing: {math.log(3):.2f}\)\n",
        out,
    )
    said = err.splitlines()
    assert len(said) == 2
    assert said[0] == "adapting to 9 shots of 3 points, 2 access points"
    assert said[1].startswith("next: sudo edge_agent capture --iface wlan0 --bundle ")
    calibration = Calibration.load(calibration_path, bundle)
    assert calibration.points == POINTS
    assert calibration.channels == tuple(channel(mac) for mac in REAL)
    assert calibration.losses[-1] < calibration.losses[0]
    assert not calibration.is_simulated


def test_the_next_step_repeats_the_flags_it_needs(adapt, survey, tmp_path):
    config = tmp_path / "my settings.toml"
    config.touch()

    _, _, err = adapt(survey, "--site", "office", "--config", config)

    assert f"wlan0 --config '{config}' --site office --bundle " in err


def test_cautions_are_said_and_are_part_of_the_result(adapt, survey):
    code, out, err = adapt(survey, "--shots", "50", "--json")

    assert code == 0
    (caution,) = json.loads(out)["cautions"]
    assert caution.startswith("fewer than 50 shots: all points")
    assert f"caution: {caution}\n" in err


def test_the_shots_are_kept_with_it(adapt, survey, tmp_path):
    adapt(survey)

    shots = Environment.load(tmp_path / "state" / "home" / "current" / "shots.npz")
    assert shots.spec == SPEC
    assert shots.point_of.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert sorted(shots.visit_of[:3]) == ["1", "2", "3"]


def test_from_the_stored_shots_comes_the_same_calibration(
    adapt, survey, bundle, calibration_path
):
    adapt(survey)
    first = Calibration.load(calibration_path, bundle)
    calibration_path.unlink()

    code, _, _ = adapt()

    second = Calibration.load(calibration_path, bundle)
    assert code == 0
    for field in fields(Calibration):
        if field.name not in ("calibrated_at", "parameters", "statistics"):
            assert getattr(second, field.name) == getattr(first, field.name)
    for name, array in first.parameters.items():
        np.testing.assert_array_equal(second.parameters[name], array)


def test_the_result_can_be_json(adapt, survey, bundle, calibration_path):
    code, out, _ = adapt(survey, "--json")

    calibration = Calibration.load(calibration_path, bundle)
    assert code == 0
    assert json.loads(out) == {
        "site": "home",
        "calibration": calibration.identifier,
        "points": 3,
        "shots": 9,
        "access_points": 2,
        "losses": [round(loss, 4) for loss in calibration.losses],
        "simulated": False,
        "parameter_set": {"set": "total", "reason": "only"},
        "cautions": [],
    }


def test_at_a_simulated_site_the_next_thing_is_a_recording(adapt, tmp_path):
    survey = write_site(tmp_path / "survey", macs=SIMULATED)

    code, _, err = adapt(survey, "--site", "lab")

    assert code == 0
    (said,) = (line for line in err.splitlines() if line.startswith("next: "))
    assert said.startswith("next: edge_agent capture --pcap FILE --broker none --site ")


def test_simulated_captures_make_a_simulated_calibration(adapt, tmp_path):
    survey = write_site(tmp_path / "survey", macs=SIMULATED)

    _, out, _ = adapt(survey, "--json")

    assert json.loads(out)["simulated"] is True


@pytest.mark.parametrize("n_shots", [1, 2, 5])
def test_the_number_of_shots_can_be_given(adapt, survey, n_shots):
    _, out, _ = adapt(survey, "--json", "--shots", n_shots)

    assert json.loads(out)["shots"] == 3 * n_shots


def test_another_site_does_not_touch_the_first(
    adapt, survey, bundle, calibration_path, tmp_path
):
    adapt(survey)
    before = calibration_path.read_bytes()

    code, out, _ = adapt(survey, "--site", "office")

    assert code == 0
    assert out.startswith("site office is calibrated")
    assert calibration_of(tmp_path, "office", bundle).is_file()
    assert calibration_path.read_bytes() == before


def test_of_several_environments_one_must_be_chosen(adapt, tmp_path):
    survey = write_site(tmp_path / "survey", environment="left")
    with survey.open("a") as file:
        for place, point in enumerate(POINTS[:2]):
            file.write(f"{point.name}-1.pcapng,{place},1,{point.name},,1,right\n")

    code, _, err = adapt(survey)
    assert code == 1
    assert re.search(r"environments left, right \(.*\); choose one with --env", err)

    code, out, _ = adapt(survey, "--environment", "right", "--json")
    assert code == 0
    assert json.loads(out)["points"] == 2

    code, _, err = adapt(survey, "--environment", "middle")
    assert code == 1
    assert "has the environments left, right (" in err


def test_the_order_of_i_and_q_is_taken_from_the_configuration(adapt, survey, tmp_path):
    config = tmp_path / "agent.toml"
    config.write_text('[capture]\niq_order = "iq"\n[site]\nname = "office"\n')

    code, out, _ = adapt(survey, "--config", config)

    assert code == 0
    assert out.startswith("site office is calibrated")


def test_without_stored_shots_it_says_how_to_get_some(adapt):
    code, out, err = adapt()

    assert (code, out) == (1, "")
    assert "site home has no stored shots yet; list recorded captures in a CSV" in err


def test_a_survey_that_is_not_there_is_an_error(adapt, tmp_path):
    code, _, err = adapt(tmp_path / "none.csv")

    assert code == 1
    assert "none.csv: No such file" in err


def test_a_capture_without_an_image_is_named_and_nothing_is_stored(
    adapt, survey, tmp_path
):
    short = pcapng_bytes(packets_at(1, n=7, start_us=START_US))
    (survey.parent / "p2-3.pcapng").write_bytes(short)

    code, out, err = adapt(survey)

    assert (code, out) == (1, "")
    assert "p2-3.pcapng: no image; the site's best transmitter here" in err
    assert not (tmp_path / "state").exists()


def test_what_was_in_use_is_kept(adapt, survey, state, bundle):
    adapt(survey)
    site = SiteState(state / "home", Kind.CSI)
    first = site.generations.active

    adapt(survey)

    assert site.generations.before(site.generations.active) == first
    kept = SiteFiles(site.generations.path(first), Kind.CSI)
    assert Calibration.load(kept.calibration(bundle.digest), bundle).points == POINTS


def test_a_failure_leaves_the_previous_calibration(adapt, survey, calibration_path):
    adapt(survey)
    before = calibration_path.read_bytes()
    (survey.parent / "p1-1.pcapng").write_bytes(b"")

    code, _, err = adapt(survey)

    assert code == 1
    assert "p1-1.pcapng is empty" in err
    assert calibration_path.read_bytes() == before


@pytest.mark.parametrize("n_shots", [0, -1])
def test_no_shots_at_all_make_no_sense(adapt, survey, n_shots):
    code, _, err = adapt(survey, "--shots", n_shots)

    assert code != 0
    assert f"--shots is {n_shots}, not 1 or more" in err


def test_a_bundle_that_is_not_there_is_an_error(run_agent, capsys, survey, tmp_path):
    code = run_agent("adapt", survey, "--bundle", tmp_path / "none")

    assert code == 1
    assert "none/manifest.json: No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "named"), [("state", "state/bundles"), ("state/home", "state/home")]
)
def test_a_state_directory_that_is_a_file_is_named(
    adapt, survey, tmp_path, file, named
):
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.touch()

    code, _, err = adapt(survey)

    assert code == 1
    assert re.search(
        rf"cannot write to .*{named}: .*; choose another place with --state or mo", err
    )


def test_it_waits_for_who_installs_a_bundle(adapt, survey, state, calibration_path):
    lock = contextlib.ExitStack()
    lock.enter_context(BundleStore(state).locked())
    threading.Timer(0.5, lock.close).start()

    code, _, err = adapt(survey)

    assert code == 0
    assert err.startswith("waiting for another edge_agent bundle or adapt command to")
    assert calibration_path.exists()


def test_nobody_installs_a_bundle_while_it_adapts(adapt, survey, state, monkeypatch):
    refused = []

    def adapt_shots(*arguments, real=CsiModel.adapt, **options):
        with pytest.raises(BundleError) as caught, BundleStore(state).locked():
            pass
        refused.append(str(caught.value))
        return real(*arguments, **options)

    monkeypatch.setattr(CsiModel, "adapt", adapt_shots)

    assert adapt(survey)[0] == 0
    assert refused[0].startswith("another edge_agent bundle or adapt command is at w")


def test_what_was_installed_while_it_read_is_what_it_adapts(
    run_agent, survey, bundle_directory, state, tmp_path, monkeypatch
):
    first, second = (
        renamed(bundle_directory, tmp_path / name, name) for name in ("one", "two")
    )

    def read(path, real=read_survey):
        run_agent("bundle", "install", second, "--state", state)
        return real(path)

    run_agent("bundle", "install", first, "--state", state)
    monkeypatch.setattr("edge_agent.commands.adapt.read_survey", read)

    assert run_agent("adapt", survey, "--state", state) == 0
    calibration = load_calibration(state / "home", Bundle.load(second))
    shots = Environment.load(SiteState(state / "home", Kind.CSI).shots)
    assert calibration.shots_digest == shots.digest


def test_shots_of_another_model_must_be_recorded_again(adapt, state):
    path = state / "home" / "shots.npz"
    shots = Environment.load(path)
    replace(shots, spec=replace(SPEC, floor_dbm=-100.0)).save(path)

    code, _, err = adapt()

    assert code == 1
    assert "adapt to the captures again: edge_agent adapt survey.csv" in err


# -- parameter sets --------------------------------------------------------------------


@pytest.fixture
def adapt_at(run_agent, capsys, places_directory, tmp_path):
    """Run the command with the model of three places, at a site whose shots are kept.

    Returns exit code, results and talk.
    """

    def adapt_at(slope, *arguments):
        site = SiteState(tmp_path / "state" / "home", Kind.CSI)
        shots_at(1, slope).save(site.shots)
        model = ("--bundle", places_directory, "--state", tmp_path / "state")
        code = run_agent("adapt", *arguments, *model)
        out, err = capsys.readouterr()
        return code, out, err

    return adapt_at


def test_the_result_says_which_parameters_it_starts_from(adapt_at, places_bundle):
    code, out, _ = adapt_at(SLOPES["lab"])

    assert code == 0
    assert re.search(
        r"\(guessing: 1\.10\), from the parameters of lab \(MMD² -?0\.\d{4}, within "
        r"-?0\.\d{4}, p [01]\.\d{3}\)\n$",
        out,
    )
    _, out, _ = adapt_at(STRANGE)
    assert "from the parameters of all: no similar environment; nearest is lab (" in out


def test_the_choice_is_part_of_the_json(adapt_at, places_bundle):
    _, out, _ = adapt_at(SLOPES["attic"], "--json")

    found = json.loads(out)["parameter_set"]
    choice = places_bundle.choose_set(shots_at(1, SLOPES["attic"]))
    assert found == choice.to_json()
    assert found["set"] == found["nearest"] == "attic"
    assert found["squared_mmd"].keys() == SLOPES.keys()


@pytest.mark.parametrize("name", ["hall", "total"])
def test_a_set_can_be_asked_for(adapt_at, name):
    code, out, _ = adapt_at(SLOPES["attic"], "--set", name, "--json")

    assert code == 0
    assert json.loads(out)["parameter_set"] == {"set": name, "reason": "asked for"}


def test_a_set_that_is_not_there_is_refused_before_a_capture_is_read(adapt_at):
    code, out, err = adapt_at(0, "nowhere.csv", "--set", "cellar")

    assert (code, out) == (1, "")
    assert "no parameter set 'cellar'; it has total, hall, lab, attic\n" in err


@pytest.mark.parametrize("name", ["hall", "total"])
def test_a_model_with_one_set_leaves_no_choice(adapt, survey, name):
    code, _, err = adapt(survey, "--set", name)

    assert code == 2
    assert f"has one parameter set; do without --set {name}\n" in err
