"""The installed version."""

import re
from importlib import metadata

from edge_agent.version import version


def test_the_version_is_that_of_the_installed_distribution():
    assert re.fullmatch(r"\d+\.\d+\.\d+.*|unknown", version())


def test_where_nothing_is_installed_it_is_unknown(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)

    assert version() == "unknown"
