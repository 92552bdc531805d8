"""The bundle that the agent works with, and the terms on which it takes one.

The one that ``--bundle`` or ``model.bundle`` names; else the one that was installed
last; else the one that comes with the program. That one needs no signature: it lies
beside the code that would verify it, and whoever could change it could change both.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from edge_agent.bundles.files import BundleFiles
from edge_agent.bundles.signatures import TrustedKeys
from edge_agent.bundles.store import SHIPPED, BundleStore, InUse, bundle_name
from edge_agent.bundles.terms import Terms
from edge_agent.config import ModelConfig
from edge_agent.errors import BundleError


def terms_of(model: ModelConfig) -> Terms:
    """Return on which terms bundles are taken.

    Raises:
        ConfigError: Trusted keys are named and cannot be read.
    """
    keys = Path(model.trusted_keys).expanduser() if model.trusted_keys else None
    return Terms(model.max_memory_mb, TrustedKeys.read(keys) if keys else None)


def load_named(store: BundleStore, name: str, terms: Terms) -> BundleFiles:
    """Read a bundle of the store, or the shipped one.

    Raises:
        BundleError: As `BundleFiles.load`, or another bundle lies in its place.
    """
    if name == SHIPPED:
        return BundleFiles.load(store.path(name), replace(terms, trust=None))
    files = BundleFiles.load(store.path(name), terms)
    if bundle_name(files.digest) != name:
        raise BundleError(f"{store.path(name)} holds the bundle {files.digest}")
    return files


def load_files(
    model: ModelConfig, *, on_caution: Callable[[str], None] = lambda _caution: None
) -> BundleFiles:
    """Read the bundle that the agent works with.

    Where the installed one cannot be used, the one before it is taken, and then the
    shipped one: an agent that locates is better than one that does not start. What is
    named in the configuration is taken, or nothing.

    Args:
        model: Which one.
        on_caution: Called with what is not as it should be.

    Raises:
        BundleError: It cannot be used, nor can those before it.
        ConfigError: Trusted keys are named and cannot be read.
    """
    terms = terms_of(model)
    if model.bundle_path is not None:
        return BundleFiles.load(model.bundle_path, terms)
    store = BundleStore(model.state_path)
    try:
        in_use = store.in_use()
    except BundleError as error:
        on_caution(str(error))
        in_use = InUse()
    names = dict.fromkeys((in_use.current, in_use.previous or SHIPPED))
    for name in names:
        try:
            return load_named(store, name, terms)
        except BundleError as error:
            if name == SHIPPED:
                raise
            on_caution(
                f"the installed bundle cannot be used: {error}. The one before it is "
                "tried; install one again: edge_agent bundle install DIR"
            )
    return load_named(store, SHIPPED, terms)
