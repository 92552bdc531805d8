"""``edge_agent bundle``: what people and programs see of it."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from edge_agent.bundles.files import SIGNATURE, BundleFiles
from edge_agent.bundles.signatures import SigningKey
from edge_agent.config import SHIPPED_BUNDLE
from edge_agent.site_state import load_calibration
from tests.edge_agent.bundle_copies import change_manifest, damage, renamed
from tests.edge_agent.known_places import SLOPES, shots_at
from tests.edge_agent.sites import (
    SPEC,
    environment,
    packets_at,
    pcapng_bytes,
    write_site,
)
from tests.keys import make_key


@pytest.fixture
def state(tmp_path, rng):
    """A state directory with the shots of one site."""
    environment(rng).save(tmp_path / "state" / "home" / "shots.npz")
    return tmp_path / "state"


@pytest.fixture
def bundle_command(run_agent, capsys, state):
    """Run the command; returns exit code, results and talk."""

    def run(*arguments):
        code = run_agent("bundle", *arguments, "--state", state)
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def make(tmp_path, bundle_directory):
    """Make a bundle of the small model under a name."""
    return lambda name: renamed(bundle_directory, tmp_path / name, name)


@pytest.fixture
def key(tmp_path):
    private, public = make_key(tmp_path)
    return SigningKey.read(private), public


def sign(directory, key):
    manifest = (directory / "manifest.json").read_bytes()
    (directory / SIGNATURE).write_bytes(key.sign(manifest))


# -- show, verify, list ----------------------------------------------------------------


def test_without_a_directory_it_shows_the_one_in_use(bundle_command, make):
    _, shipped, _ = bundle_command("show")
    bundle_command("install", make("first"))
    _, installed, _ = bundle_command("show")

    assert re.search(r"^name: +simulated-rooms-\d+$", shipped, re.MULTILINE)
    assert re.search(r"^name: +first$", installed, re.MULTILINE)


def test_a_person_reads_what_is_in_it(bundle_command, make, bundle):
    code, out, err = bundle_command("show", make("first"))

    said = dict(re.findall(r"^(\w+): +(.*)$", out, re.MULTILINE))
    assert code == 0
    assert err == ""
    assert said["kind"] == "csi"
    assert said["signature"] == "not signed"
    assert "n_packets 8" in said["image"]
    assert "filters [3, 4]" in said["architecture"]
    assert said["adaptation"] == "alpha 0.02, n_steps 3"
    assert said["training"] == "data none: random parameters"
    sizes = {name: len(data) for name, data in bundle.files.contents.items()}
    assert said["files"] == f"{sum(sizes.values())} bytes in {len(sizes)}"
    for name, size in sizes.items():
        assert re.search(rf"^  {name} +{size}$", out, re.MULTILINE)


def test_a_program_reads_the_same(bundle_command, make, bundle):
    directory = make("first")

    _, out, _ = bundle_command("show", directory, "--json")

    said = json.loads(out)
    files = BundleFiles.load(directory)
    assert said["name"] == "first"
    assert said["digest"] == files.digest
    assert said["directory"] == str(directory)
    assert said["files"] == {n: len(d) for n, d in files.contents.items()}
    assert said["signature"] is None
    assert said["image"]["n_tones"] == SPEC.n_tones
    assert said["training"] == bundle.manifest.training


def test_parameter_sets_are_shown_with_their_files(bundle_command, places_directory):
    _, out, _ = bundle_command("show", places_directory)

    assert re.search(
        r"^sets: +name hall, file theta.0.npz; name lab, file theta.1.npz; name attic",
        out,
        re.MULTILINE,
    )


def test_what_a_stranger_wrote_does_nothing_to_the_terminal(bundle_command, make):
    directory = make("first")
    change_manifest(
        directory,
        training={"data\x1b[2J": "\x1b]0;owned\x07"},
        sets=[{"name": "\x1b[1m"}],
    )

    _, out, _ = bundle_command("show", directory)

    assert "\x1b" not in out
    assert "\x07" not in out
    assert r"\u001b]0;owned\u0007" in out


def test_a_bundle_is_verified_by_what_this_machine_computes(bundle_command, make):
    directory = make("first")

    code, out, err = bundle_command("verify", directory)

    assert code == 0
    assert err == ""
    assert out == (
        f"{directory}: first is whole, not signed; this machine computes what its "
        "author computed\n"
    )


def test_one_flipped_bit_is_code_1_and_one_line(bundle_command, make):
    directory = make("first")
    damage(directory / "theta.npz")

    code, out, err = bundle_command("verify", directory)

    assert code == 1
    assert out == ""
    assert re.fullmatch(
        r"edge_agent: .*theta.npz does not have the checksum of the manifest: .*\n", err
    )


def test_who_signed_is_said_and_what_that_is_worth(bundle_command, make, key):
    directory = make("first")
    sign(directory, key[0])
    name = key[0].key_id

    _, unverified, _ = bundle_command("verify", directory)
    _, verified, _ = bundle_command("verify", directory, "--trusted-keys", key[1])
    _, as_json, _ = bundle_command(
        "verify", directory, "--trusted-keys", key[1], "--json"
    )

    assert f"signed by {name}, not verified: no model.trusted_keys;" in unverified
    assert f"signed by {name}, who is trusted;" in verified
    said = json.loads(as_json)
    assert said["signature"] == {"key": name, "trusted": True}
    assert said["golden"] is True


def test_a_signature_that_makes_no_sense_is_said_to(bundle_command, make):
    directory = make("first")
    (directory / SIGNATURE).write_bytes(b"mine")

    _, out, _ = bundle_command("show", directory)
    _, as_json, _ = bundle_command("show", directory, "--json")

    assert "a signature file that makes no sense" in out
    assert json.loads(as_json)["signature"] == {"key": None, "trusted": None}


def test_when_a_bundle_is_installed_every_site_chooses_its_parameters(
    bundle_command, places_directory, places_bundle, state
):
    for site, slope in SLOPES.items():
        shots_at(1, slope).save(state / site / "shots.npz")

    code, _, _ = bundle_command("install", places_directory)

    assert code == 0
    for site in SLOPES:
        calibration = load_calibration(state / site, places_bundle)
        assert calibration.start.name == site


def test_all_that_are_there_are_listed(bundle_command, make, state):
    for name in ("first", "second"):
        bundle_command("install", make(name))
    damage(state / "bundles" / first_of(state) / "theta.npz")

    _, out, _ = bundle_command("list")
    _, as_json, _ = bundle_command("list", "--json")

    rows = {row["bundle"]: row for row in json.loads(as_json)}
    assert rows["shipped"]["role"] == ""
    assert [row["role"] for row in rows.values() if row["role"]].count("in use") == 1
    assert rows[first_of(state)]["role"] == "before"
    assert "does not have the checksum" in rows[first_of(state)]["refused"]
    header, *lines = out.splitlines()
    assert header.split() == ["bundle", "role", "name", "kind", "signature"]
    assert len(lines) == 3
    assert any(re.search(r"in use +second +csi +not signed$", line) for line in lines)
    assert any("before" in line and "refused: " in line for line in lines)


def test_what_the_agent_refuses_is_not_listed_as_in_use(bundle_command, make, key):
    """Keys were configured after it was installed."""
    signed = make("signed")
    sign(signed, key[0])
    bundle_command("install", signed)
    bundle_command("install", make("unsigned"))

    _, out, err = bundle_command("list", "--json", "--trusted-keys", key[1])

    rows = {row["name"]: row for row in json.loads(out)}
    assert rows["signed"]["role"] == "in use"
    assert rows["unsigned"]["role"] == "installed last"
    assert rows["unsigned"]["kind"] == "csi"  # it says so itself
    assert "it is not signed" in rows["unsigned"]["refused"]
    assert err.endswith("; the one before it, signed, is used instead\n")


def test_a_bundle_that_is_configured_is_listed_as_in_use(
    bundle_command, make, tmp_path
):
    mine, config = make("mine"), tmp_path / "agent.toml"
    config.write_text(f'model.bundle = "{mine}"')
    bundle_command("install", make("first"))

    _, out, err = bundle_command("list", "--json", "--config", config)
    damage(mine / "theta.npz")
    _, refused, _ = bundle_command("list", "--json", "--config", config)

    roles = {row["bundle"]: row["role"] for row in json.loads(out)}
    first = next(row for row in json.loads(out) if row["name"] == "first")
    assert roles == {
        str(mine): "in use",
        "shipped": "before",
        first["bundle"]: "installed last",
    }
    assert f"caution: model.bundle is {mine}, which the agent takes" in err
    assert "does not have the checksum" in json.loads(refused)[0]["refused"]


def test_where_nothing_can_be_taken_the_list_says_so(
    bundle_command, tmp_path, monkeypatch
):
    monkeypatch.setattr("edge_agent.bundles.store.SHIPPED_BUNDLE", tmp_path / "none")

    code, out, err = bundle_command("list", "--json")

    (row,) = json.loads(out)
    assert code == 0
    assert row["role"] == ""
    assert "name" not in row
    assert err.startswith("caution: there is nothing that the agent could take: the sh")


def test_a_damaged_record_is_listed_with_what_the_agent_takes(
    bundle_command, make, state
):
    bundle_command("install", make("first"))
    (state / "bundles" / "in-use.json").write_text("{")

    _, out, err = bundle_command("list", "--json")

    assert {row["role"] for row in json.loads(out)} == {"in use", ""}
    assert json.loads(out)[0]["role"] == "in use"
    assert "in-use.json is damaged" in err


def first_of(state):
    """Name of the bundle before the one in use."""
    return json.loads((state / "bundles" / "in-use.json").read_text())["previous"]


# -- install, rollback -----------------------------------------------------------------


def test_installing_says_what_came_of_it(bundle_command, make, state):
    code, out, err = bundle_command("install", make("first"))

    assert code == 0
    first, fit = out.splitlines()
    assert first == "first is in use; adapted to home"
    assert re.fullmatch(
        r"  home: loss 1\.\d\d -> 0\.\d\d in 3 steps \(guessing: 1.10\)", fit
    )
    assert err.splitlines() == [
        "an agent that is running changes over when it is started again",
        f"to return to the one before: edge_agent bundle rollback --state {state}",
    ]


def test_the_way_back_that_it_names_works(bundle_command, run_agent, make):
    for name in ("first", "second"):
        _, _, err = bundle_command("install", make(name))
    command = err.splitlines()[-1].partition(": edge_agent ")[2]

    assert run_agent(*shlex.split(command)) == 0
    assert "name:" in (shown := bundle_command("show")[1])
    assert re.search(r"^name: +first$", shown, re.MULTILINE)


def test_a_way_back_that_would_be_refused_is_not_named(
    bundle_command, make, state, tmp_path
):
    for name in ("first", "second"):
        bundle_command("install", make(name))
    damage(state / "bundles" / first_of(state) / "theta.npz")

    _, _, err = bundle_command("install", tmp_path / "second")

    assert err.endswith(
        "to return to the shipped one: edge_agent bundle install --shipped --state "
        f"{state}\n"
    )


def test_the_one_before_is_what_the_agent_took_before(bundle_command, make, key, state):
    """Since then there are keys, and the one before is signed by none of them."""
    bundle_command("install", make("unsigned"))
    (state / "home" / "shots.npz").unlink()  # they do not fit the shipped one
    signed, trusting = make("signed"), ("--trusted-keys", key[1])
    sign(signed, key[0])

    _, _, err = bundle_command("install", signed, *trusting, "--skip-site", "home")
    code, _, _ = bundle_command("rollback", *trusting, "--skip-site", "home")

    assert "bundle rollback --state" in err
    assert code == 0  # to what the agent took: the shipped one, not the unsigned one
    assert re.search(
        r"^shipped +in use", bundle_command("list", *trusting)[1], re.MULTILINE
    )


def test_the_shipped_one_can_be_returned_to(bundle_command, make, key, state):
    """By name or by its directory, and with trusted keys as without."""
    (state / "home" / "shots.npz").unlink()
    for which in ("--shipped", SHIPPED_BUNDLE):
        bundle_command("install", make(f"before-{Path(which).name}"))

        code, out, err = bundle_command("install", which, "--trusted-keys", key[1])

        assert code == 0
        assert out.startswith("simulated-rooms-")
        assert "to return" not in err  # the one before is not signed
        assert re.search(r"^shipped +in use", bundle_command("list")[1], re.MULTILINE)


def test_where_the_shipped_one_is_in_use_there_is_no_way_back(bundle_command, state):
    (state / "home" / "shots.npz").unlink()

    code, _, err = bundle_command("install", "--shipped")

    assert code == 0
    assert "to return" not in err


def test_the_shipped_one_can_be_verified_with_trusted_keys(bundle_command, key):
    code, out, _ = bundle_command("verify", SHIPPED_BUNDLE, "--trusted-keys", key[1])

    assert code == 0
    assert "this machine computes what its author computed" in out


def test_a_rollback_that_fails_at_once_writes_nothing(run_agent, capsys, tmp_path):
    code = run_agent("bundle", "rollback", "--state", tmp_path / "fresh")

    assert code == 1
    assert "nothing was installed yet" in capsys.readouterr().err
    assert not (tmp_path / "fresh").exists()


def test_rolling_back_says_what_came_of_it(bundle_command, make):
    bundle_command("install", make("first"))
    bundle_command("install", make("second"))

    code, out, _ = bundle_command("rollback")

    assert code == 0
    assert out == "first is in use; calibrated before to home\n"


def test_a_program_reads_what_came_of_it(bundle_command, make, state):
    _, out, _ = bundle_command("install", make("first"), "--json")

    said = json.loads(out)
    digest = said.pop("digest")
    assert said.pop("fits")["home"].startswith("loss 1.")
    assert said == {
        "name": "first",
        "in_use": digest[:16],
        "before": "shipped",
        "adapted": ["home"],
        "kept": [],
        "skipped": [],
    }


def test_a_refused_bundle_changes_nothing(bundle_command, make, state):
    bundle_command("install", make("first"))
    before = {p: p.read_bytes() for p in state.rglob("*") if p.is_file()}
    damaged = make("second")
    damage(damaged / "theta.npz")

    code, _, _ = bundle_command("install", damaged)

    assert code == 1
    assert before == {p: p.read_bytes() for p in state.rglob("*") if p.is_file()}


def test_with_trusted_keys_only_theirs_are_installed(bundle_command, make, key):
    unsigned, signed = make("unsigned"), make("signed")
    sign(signed, key[0])

    refused, _, err = bundle_command("install", unsigned, "--trusted-keys", key[1])
    taken, _, _ = bundle_command("install", signed, "--trusted-keys", key[1])

    assert (refused, taken) == (1, 0)
    assert "it is not signed; trusted are" in err


def test_a_site_that_it_does_not_fit_can_be_skipped(bundle_command, make, state):
    other = environment(np.random.default_rng(1), points=())
    other.select(np.empty(0, np.intp)).save(state / "lab" / "shots.npz")
    directory = make("first")

    refused, _, err = bundle_command("install", directory)
    taken, out, _ = bundle_command("install", directory, "--skip-site", "lab")

    assert (refused, taken) == (1, 0)
    assert err.endswith("To do without: --skip-site lab\n")
    assert out.startswith(
        "first is in use; adapted to home; without a calibration: lab\n  home: loss"
    )


def test_a_bundle_that_is_configured_hides_those_installed(
    bundle_command, make, tmp_path
):
    config = tmp_path / "agent.toml"
    config.write_text(f'model.bundle = "{tmp_path}/mine"')

    for action in (("install", make("first")), ("rollback",)):
        code, _, err = bundle_command(*action, "--config", config)
        assert code == 2
        assert f"model.bundle is {tmp_path}/mine, which the agent takes whatever" in err


def test_without_an_action_it_is_a_usage_error(run_agent, capsys):
    with pytest.raises(SystemExit) as caught:
        run_agent("bundle")

    assert caught.value.code == 2
    assert "ACTION" in capsys.readouterr().err


# -- the other commands follow ---------------------------------------------------------


def test_adapting_and_capturing_use_what_is_installed(
    bundle_command, run_agent, capsys, make, state, tmp_path, bundle
):
    survey = write_site(tmp_path / "survey")
    bundle_command("install", make("first"))

    adapted = run_agent("adapt", survey, "--state", state)
    recording = tmp_path / "walk.pcapng"
    recording.write_bytes(pcapng_bytes(packets_at(0)))
    captured = run_agent(
        "capture", "--pcap", recording, "--broker", "none", "--state", state, "--json"
    )

    assert (adapted, captured) == (0, 0)
    locations = [
        json.loads(line)
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("{")
    ]
    assert locations
    assert all(location["model"].startswith("first+cal.") for location in locations)


def test_what_was_surveyed_once_locates_with_the_next_bundle(
    bundle_command, run_agent, capsys, make, state, tmp_path
):
    """No walk in between."""
    run_agent("adapt", write_site(tmp_path / "survey"), "--state", state)
    recording = tmp_path / "walk.pcapng"
    recording.write_bytes(pcapng_bytes(packets_at(0)))
    models = []
    for action in (("install", make("next")), ("install", make("last")), ("rollback",)):
        bundle_command(*action)
        capture = ("capture", "--pcap", recording, "--broker", "none", "--json")
        assert run_agent(*capture, "--state", state) == 0
        location = json.loads(capsys.readouterr().out.splitlines()[0])
        models.append(location["model"].split("+")[0])

    assert models == ["next", "last", "next"]


def test_where_it_is_damaged_capturing_goes_on_with_the_one_before(
    bundle_command, run_agent, capsys, make, state, tmp_path
):
    for name in ("first", "second"):
        bundle_command("install", make(name))
    current = json.loads((state / "bundles" / "in-use.json").read_text())["current"]
    damage(state / "bundles" / current / "predict.onnx")
    recording = tmp_path / "walk.pcapng"
    recording.write_bytes(pcapng_bytes(packets_at(0)))

    code = run_agent(
        "capture", "--pcap", recording, "--broker", "none", "--state", state, "--json"
    )

    out, err = capsys.readouterr()
    assert code == 0
    assert err.startswith("caution: the installed bundle cannot be used: ")
    assert json.loads(out.splitlines()[-1])["model"].startswith("first+cal.")
