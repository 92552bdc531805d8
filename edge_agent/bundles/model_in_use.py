"""The bundle that the agent works with, and the terms on which it takes one.

The one that ``--bundle`` or ``model.bundle`` names; else the one that was installed
last; else the one that comes with the program. That one needs no signature: it lies
beside the code that would verify it, and whoever could change it could change both.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from edge_agent.bundles.files import BundleFiles
from edge_agent.bundles.signatures import TrustedKeys
from edge_agent.bundles.store import SHIPPED, BundleStore, InUse, bundle_name
from edge_agent.bundles.terms import Terms
from edge_agent.config import SHIPPED_BUNDLE, ModelConfig
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


def load_directory(directory: Path, terms: Terms) -> BundleFiles:
    """Read a bundle that somebody names; the shipped one is that also by its path.

    Raises:
        BundleError: As `BundleFiles.load`.
    """
    if is_shipped(directory):
        terms = replace(terms, trust=None)
    return BundleFiles.load(directory, terms)


def is_shipped(directory: Path) -> bool:
    """Tell whether a directory is that of the shipped bundle, not of a copy."""
    return directory.resolve() == SHIPPED_BUNDLE.resolve()


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """What the agent works with, and what it would rather have."""

    files: BundleFiles
    name: str | None
    """In the store, or `SHIPPED`; None where the configuration names the bundle."""

    troubles: tuple[str, ...] = ()
    """Why it is not what was installed last, one clause each; else nothing."""

    @property
    def caution(self) -> str | None:
        """The same for a person, with what was taken in its place."""
        if not self.troubles:
            return None
        which = "the shipped bundle" if self.name == SHIPPED else "the one before it"
        used = f"{which}, {self.files.name}, is used instead"
        return "; ".join([*self.troubles, used])


def choose(model: ModelConfig) -> Choice:
    """Read the bundle that the agent works with.

    Where the installed one cannot be used, the one before it is taken, and then the
    shipped one: an agent that locates is better than one that does not start. What is
    named in the configuration is taken, or nothing.

    Raises:
        BundleError: It cannot be used, nor can those before it.
        ConfigError: Trusted keys are named and cannot be read.
    """
    terms = terms_of(model)
    if model.bundle_path is not None:
        return Choice(load_directory(model.bundle_path, terms), None)
    store = BundleStore(model.state_path)
    troubles: list[str] = []
    try:
        in_use = store.in_use()
    except BundleError as error:
        troubles.append(str(error))
        in_use = InUse()
    for name in dict.fromkeys((in_use.current, in_use.previous or SHIPPED, SHIPPED)):
        try:
            return Choice(load_named(store, name, terms), name, tuple(troubles))
        except BundleError as error:
            troubles.append(_trouble(name, in_use, error))
    raise BundleError("; ".join(troubles))


def _trouble(name: str, in_use: InUse, error: BundleError) -> str:
    if name == SHIPPED:
        return f"the shipped bundle cannot be used: {error}"
    if name != in_use.current:
        return f"the one before it cannot be used: {error}"
    return (
        f"the installed bundle cannot be used: {error}; install one again: "
        "edge_agent bundle install DIR"
    )


def load_files(
    model: ModelConfig, *, on_caution: Callable[[str], None] = lambda _caution: None
) -> BundleFiles:
    """Return the files of what `choose` chooses.

    Args:
        model: Which one.
        on_caution: Called where it is not what was installed last.

    Raises:
        BundleError, ConfigError: As of `choose`.
    """
    choice = choose(model)
    if choice.caution is not None:
        on_caution(choice.caution)
    return choice.files
