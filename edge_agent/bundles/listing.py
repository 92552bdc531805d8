"""The bundles that a device has, and what each is to it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from edge_agent.bundles.files import BundleFiles, claimed
from edge_agent.bundles.model_in_use import (
    choose,
    load_directory,
    load_named,
    terms_of,
)
from edge_agent.bundles.report import signed_by
from edge_agent.bundles.store import SHIPPED, BundleStore, InUse
from edge_agent.config import ModelConfig
from edge_agent.errors import BundleError


def listing(
    model: ModelConfig, on_caution: Callable[[str], None]
) -> list[dict[str, str]]:
    """Return what there is, in JSON values.

    ``role`` is ``in use`` for what the agent really takes, by `choose`, and
    ``installed last`` or ``before`` for what the store's record names besides; a bundle
    that the agent refuses has ``refused``, why, and not ``signature``. Name and kind
    of such a one are what it says itself; it may say nothing.

    Args:
        model: Which bundle is configured, where the others are, and whose are taken.
        on_caution: Called where what is in use is not what was installed last.

    Raises:
        ConfigError: Trusted keys are named and cannot be read.
    """
    store, terms = BundleStore(model.state_path), terms_of(model)
    rows: list[dict[str, str]] = []
    taken = _taken(model, on_caution)
    if model.bundle_path is not None:
        directory = model.bundle_path
        facts = _facts(directory, partial(load_directory, directory, terms))
        rows.append({"bundle": str(directory), "role": "in use", **facts})
        on_caution(
            f"model.bundle is {directory}, which the agent takes, or nothing, whatever "
            "is installed"
        )
    try:
        in_use = store.in_use()
    except BundleError:  # of which the caution tells
        in_use = InUse()
    roles = {in_use.previous: "before"}
    if in_use.current != SHIPPED:
        roles[in_use.current] = "installed last"
    roles[taken] = "in use"
    for name in (SHIPPED, *store.names()):
        facts = _facts(store.path(name), partial(load_named, store, name, terms))
        rows.append({"bundle": name, "role": roles.get(name, ""), **facts})
    return rows


def _taken(model: ModelConfig, on_caution: Callable[[str], None]) -> str | None:
    """Return what the agent takes of the store, or None."""
    if model.bundle_path is not None:
        return None
    try:
        choice = choose(model)
    except BundleError as error:
        on_caution(f"there is nothing that the agent could take: {error}")
        return None
    if choice.caution is not None:
        on_caution(choice.caution)
    return choice.name


def _facts(directory: Path, load: Callable[[], BundleFiles]) -> dict[str, str]:
    try:
        files = load()
    except BundleError as error:
        said = claimed(directory)
        facts = {"name": said[0], "kind": str(said[1])} if said else {}
        return {**facts, "refused": str(error)}
    return {
        "name": files.name,
        "kind": str(files.kind),
        "signature": signed_by(files),
    }
