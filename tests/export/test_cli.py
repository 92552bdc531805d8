"""The command ``python -m export``: help, exit codes, errors."""

import re
import subprocess
import sys
import tomllib

import pytest

from edge_agent.bundles.bundle import Bundle
from edge_agent.bundles.files import BundleFiles
from edge_agent.bundles.signatures import TrustedKeys
from edge_agent.bundles.terms import Terms
from export.cli import main
from tests.conftest import ROOT
from tests.keys import make_key
from tests.trainer.builders import checkpoint
from trainer.errors import CheckpointError


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "checkpoint.npz"
    checkpoint().save(path)
    return path


def test_a_checkpoint_becomes_a_bundle(saved, tmp_path, capsys):
    directory = tmp_path / "out" / "bundle"

    code = main([str(saved), str(directory)])

    bundle = Bundle.load(directory)
    said = capsys.readouterr()
    assert code == 0
    assert re.fullmatch(rf"{re.escape(str(directory))}: bundle, \d+ kB\n", said.out)
    assert said.err == ""
    assert bundle.manifest.name == "bundle"


def test_a_bundle_may_have_a_name(saved, tmp_path, capsys):
    code = main([str(saved), str(tmp_path / "bundle"), "--name", "rooms-2026.11"])

    assert code == 0
    assert Bundle.load(tmp_path / "bundle").manifest.name == "rooms-2026.11"
    assert ": rooms-2026.11, " in capsys.readouterr().out


def test_the_size_that_is_said_is_that_of_the_files(saved, tmp_path, capsys):
    main([str(saved), str(tmp_path / "bundle")])

    size = sum(
        path.stat().st_size
        for path in (tmp_path / "bundle").iterdir()
        if path.name != "manifest.json"
    )
    assert capsys.readouterr().out.endswith(f" {size / 1000:.0f} kB\n")


def test_the_extra_export_brings_what_signing_needs():
    """Which ``make trainer`` installs, and which the message without it names."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = tomllib.loads(text)["project"]["optional-dependencies"]

    assert "signed" in extras["export"][0]
    assert any(item.startswith("cryptography>") for item in extras["signed"])


def test_a_bundle_may_be_signed(saved, tmp_path, capsys):
    private, public = make_key(tmp_path)
    directory = tmp_path / "bundle"

    code = main([str(saved), str(directory), "--sign", str(private)])

    files = BundleFiles.load(directory, Terms(trust=TrustedKeys.read(public)))
    assert code == 0
    assert capsys.readouterr().out.endswith(f" kB, signed by {files.signer}\n")


def test_a_key_that_cannot_be_used_is_code_1_and_no_bundle(saved, tmp_path, capsys):
    _, public = make_key(tmp_path)

    code = main([str(saved), str(tmp_path / "bundle"), "--sign", str(public)])

    assert code == 1
    assert "is no private key in PEM" in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()


# -- exit codes ------------------------------------------------------------------------


def test_a_missing_checkpoint_is_code_1(tmp_path, capsys):
    code = main([str(tmp_path / "nowhere.npz"), str(tmp_path / "bundle")])

    said = capsys.readouterr()
    assert code == 1
    assert said.out == ""
    assert (
        said.err == f"export: {tmp_path / 'nowhere.npz'}: No such file or directory\n"
    )


def test_debug_shows_where_an_error_comes_from(tmp_path):
    with pytest.raises(CheckpointError, match="No such file"):
        main(["--debug", str(tmp_path / "nowhere.npz"), str(tmp_path / "bundle")])


def test_a_bundle_that_exists_is_code_1(saved, tmp_path, capsys):
    code = main([str(saved), str(tmp_path)])

    assert code == 1
    assert capsys.readouterr().err.startswith(f"export: {tmp_path} exists already")


@pytest.mark.parametrize("arguments", [[], ["checkpoint.npz"], ["a", "b", "--fast"]])
def test_a_command_line_that_means_nothing_is_a_usage_error(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    assert "usage: python -m export" in capsys.readouterr().err


def test_help_ends_with_examples(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])

    assert caught.value.code == 0
    _, examples = capsys.readouterr().out.split("\nexamples:\n")
    assert examples.startswith(
        "  python -m export checkpoint.npz bundle --name rooms-1"
    )
    assert "\n  python -m export checkpoint.npz bundle --sign KEY.pem\n" in examples


def test_the_package_runs_as_a_program(saved, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "export", saved, tmp_path / "bundle"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    Bundle.load(tmp_path / "bundle")
