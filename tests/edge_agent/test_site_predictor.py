"""Network or neighbours: chosen, calibrated, stored and used, from one bundle."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from edge_agent.arrays import pack_arrays, unpack_arrays
from edge_agent.bundles.bundle import Bundle
from edge_agent.bundles.files import manifest_text
from edge_agent.calibration import Calibration
from edge_agent.errors import BundleError, CalibrationError
from edge_agent.estimators import Estimator
from edge_agent.learning.backends import Backend
from edge_agent.learning.predictor import LayerPredictor
from edge_agent.neighbours.bent_map import BentMap
from edge_agent.neighbours.bent_map_predictor import BentMapPredictor
from edge_agent.neighbours.estimator import NeighboursPredictor
from edge_agent.neighbours.file import NEIGHBOURS
from edge_agent.site_predictor import make_site_predictor
from edge_agent.trust.choice import Floors, Measure
from edge_agent.trust.learners import geometric_mean
from edge_agent.trust.record import Trust
from edge_agent.trust.stage import Stage
from tests.edge_agent.known_places import write_bundle_of_places
from tests.edge_agent.sites import (
    POINTS,
    SPEC,
    checkpoint,
    environment,
    packets_at,
    pcapng_bytes,
    random_calibration,
    write_site,
)
from tests.edge_agent.whitened import random_neighbours
from trainer.neighbours.attachments import to_attachments

NOW = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)


@pytest.fixture(scope="module")
def both(neighbours_directory):
    return Bundle.load(neighbours_directory)


@pytest.fixture
def shots(rng):
    return environment(rng)


@pytest.fixture
def calibration(both, shots):
    return Calibration.from_shots(both, shots, now=NOW)


def reread(bundle, *, document=(), contents=(), without=()):
    """The bundle with another manifest or other files."""
    files = bundle.files
    kept = {k: v for k, v in files.contents.items() if k not in without}
    described = {k: v for k, v in files.document.items() if k not in without}
    return Bundle.from_files(
        replace(
            files, document=described | dict(document), contents=kept | dict(contents)
        )
    )


# -- the bundle ------------------------------------------------------------------------


def test_a_bundle_has_the_neighbours_that_were_learnt(both):
    expected = random_neighbours(np.random.default_rng(1))

    assert both.manifest.estimator is Estimator.NEIGHBOURS
    assert both.neighbours.kernel == expected.kernel
    np.testing.assert_array_equal(
        both.neighbours.whitening.root, expected.whitening.root.astype(np.float32)
    )


def test_a_bundle_without_them_has_the_network_alone(bundle):
    assert bundle.neighbours is None
    assert NEIGHBOURS not in bundle.files.contents
    assert bundle.manifest.estimator is Estimator.NETWORK


def test_neighbours_that_are_not_better_are_there_and_not_recommended(tmp_path, rng):
    pytest.importorskip("onnx", reason="needs onnx to write a bundle")
    from export.write_bundle import write_bundle

    arrays = to_attachments(random_neighbours(rng), is_recommended=False)
    trained = replace(checkpoint(rng), attachments=arrays)

    written = write_bundle(trained, tmp_path / "bundle", name="tiny-1")

    assert written.neighbours is not None
    assert written.manifest.estimator is Estimator.NETWORK


def test_a_manifest_from_before_neighbours_recommends_the_network(both):
    assert reread(both, without=["estimator"]).manifest.estimator is Estimator.NETWORK


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"estimator": "oracle"}, r"manifest.json: 'oracle' is not a valid Estimator"),
        ({"estimator": "auto"}, r"manifest.json: estimator is 'auto', not what the t"),
        ({"estimator": None}, r"manifest.json: None is not a valid Estimator"),
    ],
)
def test_a_recommendation_that_is_none_is_refused(both, document, reason):
    with pytest.raises(BundleError, match=reason):
        reread(both, document=document)


def test_neighbours_that_are_recommended_and_missing_are_refused(both):
    with pytest.raises(BundleError, match=r"recommends neighbours and does not list "):
        reread(both, without=[NEIGHBOURS])


def test_neighbours_that_cannot_be_read_are_refused(both):
    with pytest.raises(BundleError, match=r"neighbours.npz: is damaged"):
        reread(both, contents={NEIGHBOURS: b"PK"})


# -- the choice ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Estimator.AUTO, Estimator.NEIGHBOURS),
        (Estimator.NEIGHBOURS, Estimator.NEIGHBOURS),
        (Estimator.NETWORK, Estimator.NETWORK),
    ],
)
def test_what_is_wanted_or_else_recommended_locates(
    both, calibration, wanted, expected
):
    chosen, predictor = make_site_predictor(both, calibration, wanted, Backend.NUMPY)

    kind = NeighboursPredictor if expected is Estimator.NEIGHBOURS else LayerPredictor
    assert chosen is expected
    assert isinstance(predictor, kind)
    assert predictor.backend is Backend.NUMPY


@pytest.mark.parametrize(
    ("wanted", "backend", "n_cautions"),
    [
        (Estimator.AUTO, Backend.ONNXRUNTIME, 1),
        (Estimator.AUTO, Backend.NUMPY, 0),
        (Estimator.AUTO, Backend.AUTO, 0),
        (Estimator.NETWORK, Backend.NUMPY, 0),
    ],
)
def test_a_back_end_that_has_nothing_to_do_is_said_to(
    both, calibration, wanted, backend, n_cautions
):
    said = []
    make_site_predictor(both, calibration, wanted, backend, on_caution=said.append)

    assert said == n_cautions * [
        "tiny-1 locates with neighbours, which are computed by numpy; onnxruntime is "
        "for the network alone (--estimator network)"
    ]


def test_a_bundle_with_the_network_alone_locates_with_it(rng, bundle):
    chosen, _ = make_site_predictor(
        bundle, random_calibration(rng, bundle), backend=Backend.NUMPY
    )

    assert chosen is Estimator.NETWORK


def test_neighbours_that_the_bundle_does_not_have_are_refused(rng, bundle):
    site = random_calibration(rng, bundle)

    with pytest.raises(
        BundleError, match=r"tiny-1 has no neighbours .*--estimator net"
    ):
        make_site_predictor(bundle, site, Estimator.NEIGHBOURS)


def test_a_calibration_from_before_neighbours_is_made_again_or_left(rng, both):
    site = random_calibration(rng, both)

    assert make_site_predictor(both, site, Estimator.NETWORK)[0] is Estimator.NETWORK
    with pytest.raises(CalibrationError, match=r"no fingerprints .*edge_agent adapt"):
        make_site_predictor(both, site)


def trust_in(estimator):
    stage = Stage(1.0, 1.0, 2.0, 0.5, 9.0)
    return Trust(
        estimator,
        False,
        None,
        (),
        Measure.METRES,
        Floors(2, 2.5),
        9.0,
        stage,
        stage,
        is_everywhere=False,
    )


def test_what_won_the_replay_of_the_sites_past_locates(both, calibration):
    """Whatever the bundle recommends; but a person is asked first."""
    trusts = (trust_in(Estimator.NETWORK), trust_in(Estimator.NEIGHBOURS))
    site = replace(calibration, trusts=trusts)

    assert make_site_predictor(both, site)[0] is Estimator.NETWORK
    forced, _ = make_site_predictor(both, site, Estimator.NEIGHBOURS)
    assert forced is Estimator.NEIGHBOURS
    assert both.manifest.estimator is Estimator.NEIGHBOURS


def test_an_ensemble_is_made_of_both(rng, both, calibration):
    chosen, predictor = make_site_predictor(
        both, calibration, Estimator.ENSEMBLE, Backend.NUMPY
    )

    queries = environment(rng)
    first, second, together = (
        each.predict(queries.images, queries.heard)
        for each in (
            make_site_predictor(both, calibration, Estimator.NETWORK, Backend.NUMPY)[1],
            make_site_predictor(both, calibration, Estimator.NEIGHBOURS)[1],
            predictor,
        )
    )
    assert chosen is Estimator.ENSEMBLE
    np.testing.assert_allclose(together, geometric_mean(first, second))


def test_a_map_is_that_of_the_calibration(rng, both, calibration, shots):
    bent = BentMap.bend(both.neighbours, SPEC, environment(rng), shots)
    site = replace(calibration, bent_map=bent)
    said = []

    chosen, predictor = make_site_predictor(
        both, site, Estimator.MAP, Backend.ONNXRUNTIME, on_caution=said.append
    )

    expected = BentMapPredictor(both.neighbours, SPEC, bent)
    assert chosen is Estimator.MAP
    np.testing.assert_array_equal(
        predictor.predict(shots.images, shots.heard),
        expected.predict(shots.images, shots.heard),
    )
    assert said == [
        "tiny-1 locates with a map, computed by numpy; onnxruntime is for the network "
        "alone (--estimator network)"
    ]


def test_a_map_that_was_never_drawn_is_refused(both, calibration):
    with pytest.raises(CalibrationError, match=r"has no map: .*--estimator neighbours"):
        make_site_predictor(both, calibration, Estimator.MAP)


@pytest.mark.parametrize("wanted", [Estimator.ENSEMBLE, Estimator.MAP])
def test_what_is_made_of_neighbours_needs_them(rng, bundle, wanted):
    site = random_calibration(rng, bundle)

    with pytest.raises(BundleError, match="tiny-1 has no neighbours"):
        make_site_predictor(bundle, site, wanted)


@pytest.mark.parametrize("recommended", ["ensemble", "map"])
def test_no_trainer_recommends_what_a_sites_past_must_show(both, recommended):
    with pytest.raises(BundleError, match=f"estimator is '{recommended}', not what"):
        reread(both, document={"estimator": recommended})


# -- the calibration -------------------------------------------------------------------


def test_fingerprints_come_back_from_the_file(both, shots, calibration, tmp_path):
    calibration.save(tmp_path / "c.npz")

    found = Calibration.load(tmp_path / "c.npz", both).fingerprints

    expected = both.neighbours.fingerprints(
        SPEC, shots.images, shots.heard, shots.point_of, len(POINTS)
    )
    for name in ("z", "heard", "point_of"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
        assert getattr(found, name).dtype == getattr(expected, name).dtype
    assert found.n_points == 3


def test_the_stored_calibration_locates_as_the_one_in_memory(
    rng, both, calibration, tmp_path
):
    calibration.save(tmp_path / "c.npz")
    queries = environment(rng)

    answers = [
        make_site_predictor(both, site)[1].predict(queries.images, queries.heard)
        for site in (calibration, Calibration.load(tmp_path / "c.npz", both))
    ]

    np.testing.assert_array_equal(*answers)


def test_without_neighbours_a_calibration_has_no_fingerprints(rng, bundle, tmp_path):
    calibration = Calibration.from_shots(bundle, environment(rng), now=NOW)
    calibration.save(tmp_path / "c.npz")

    assert calibration.fingerprints is None
    assert Calibration.load(tmp_path / "c.npz", bundle).fingerprints is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"z": None}, "fingerprints.z"),
        ({"point_of": None}, "fingerprints.point_of"),
        ({"z": np.zeros((9, 2, 17))}, "fingerprints are float64, bool and"),
        ({"heard": np.zeros((9, 2))}, "fingerprints are float32, float64 and"),
        ({"point_of": np.zeros((9, 1), np.int32)}, r"and \(9, 1\), not float32"),
        ({"point_of": np.zeros(9)}, "points of fingerprints are float64, not whole"),
        ({"point_of": np.full(9, 3, np.int32)}, "a shot's point is none of the 3"),
        ({"z": np.full((9, 2, 17), np.inf, np.float32)}, "fingerprint is not finite"),
        ({"z": np.zeros((9, 2, 5), np.float32)}, r"fingerprints of shape \(9, 2, 5\)"),
        (
            {
                "z": np.zeros((9, 1, 17), np.float32),
                "heard": np.ones((9, 1), np.bool_),
            },
            r"fingerprints of shape \(9, 1, 17\), not \(n_shots, 2, 17\)",
        ),
    ],
)
def test_fingerprints_that_do_not_fit_are_refused(
    both, calibration, tmp_path, changes, reason
):
    path = tmp_path / "c.npz"
    calibration.save(path)
    header, arrays = unpack_arrays(
        path.read_bytes(), schema="metaloc.calibration/1", max_bytes=1 << 20
    )
    arrays |= {f"fingerprints.{name}": array for name, array in changes.items()}
    kept = {name: array for name, array in arrays.items() if array is not None}
    path.write_bytes(pack_arrays(header, kept))

    with pytest.raises(CalibrationError, match=rf"c.npz: .*{reason}"):
        Calibration.load(path, both)


# -- the commands ----------------------------------------------------------------------


@pytest.fixture
def site(run_agent, capsys, neighbours_directory, tmp_path):
    """Flags of a site that was adapted to captures."""
    flags = ["--bundle", neighbours_directory, "--state", tmp_path / "state"]
    survey = write_site(tmp_path / "site")
    assert run_agent("adapt", survey, *flags) == 0, capsys.readouterr().err
    capsys.readouterr()
    return flags


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ([], "2 access points, neighbours on numpy; "),
        (["--estimator", "auto"], "2 access points, neighbours on numpy; "),
        (["--estimator", "network"], "2 access points, network on "),
    ],
)
def test_the_command_says_what_locates(
    run_agent, capsys, site, write, chosen, expected
):
    walk = write(pcapng_bytes(packets_at(1, n=24, seed=9)))

    code = run_agent("capture", "--pcap", walk, "--broker", "none", *site, *chosen)

    assert code == 0
    assert expected in capsys.readouterr().err


def test_a_walk_is_located_where_it_was_recorded(run_agent, capsys, site, write):
    """Of the network here the parameters are random; shots of the place are not."""
    walk = write(pcapng_bytes(packets_at(2, n=24, seed=9)))

    run_agent("capture", "--pcap", walk, "--broker", "none", "--json", *site)

    fixes = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(fixes) > 0
    for fix in fixes:
        assert np.hypot(fix["x"] - POINTS[2].x, fix["y"] - POINTS[2].y) < 0.5


def test_the_configuration_chooses_too(run_agent, capsys, site, write, tmp_path):
    config = tmp_path / "agent.toml"
    config.write_text('model.estimator = "network"\n')
    walk = write(pcapng_bytes(packets_at(0, n=24)))

    run_agent("capture", "--pcap", walk, "--broker", "none", "--config", config, *site)

    assert "2 access points, network on " in capsys.readouterr().err


@pytest.fixture
def place(run_agent, capsys, neighbours_directory, tmp_path):
    """Flags of a site adapted with a set for each of three places, and what it said."""
    bundle = write_bundle_of_places(neighbours_directory, tmp_path / "places")
    flags = ["--bundle", bundle, "--state", tmp_path / "state"]
    survey = write_site(tmp_path / "site")
    assert run_agent("adapt", survey, "--set", "lab", *flags) == 0
    return flags, capsys.readouterr().err


def test_adapting_says_where_the_set_makes_no_difference(place):
    _, said = place

    assert (
        "caution: tiny-1 locates with neighbours, which have no parameters to start "
        "from: lab is for the network alone (edge_agent capture --estimator network)\n"
    ) in said


@pytest.mark.parametrize("chosen", ["network", "auto"])
def test_adapting_says_nothing_of_it_where_there_is_nothing_to_say(
    place, site, run_agent, capsys, tmp_path, chosen
):
    """The network locates, or the bundle has one set."""
    config = tmp_path / "agent.toml"
    config.write_text(f'model.estimator = "{chosen}"\n')
    flags = place[0] if chosen == "network" else site

    assert run_agent("adapt", "--config", config, *flags) == 0

    assert "parameters to start from" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        ("network", r"network on \w+, adapted from lab;"),
        ("neighbours", r"neighbours on numpy;"),
    ],
)
def test_the_session_names_the_set_where_it_matters(
    run_agent, capsys, place, write, estimator, expected
):
    walk = write(pcapng_bytes(packets_at(1, n=24, seed=9)))
    flags = ["--broker", "none", "--estimator", estimator, *place[0]]

    assert run_agent("capture", "--pcap", walk, *flags) == 0

    assert re.search(rf"2 access points, {expected}", capsys.readouterr().err)


def test_manifests_say_what_is_recommended(both):
    text = manifest_text(both.manifest.to_document(), both.files.contents)

    assert json.loads(text)["estimator"] == "neighbours"
