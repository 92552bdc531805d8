"""What every walk of a site needs: its folder, a model for images, packets."""

from pathlib import Path

from edge_agent.arrays import write_atomically
from edge_agent.bundles.bundle import Bundle
from edge_agent.bundles.files import Kind
from edge_agent.bundles.model_in_use import load_files
from edge_agent.config import AgentConfig
from edge_agent.errors import UsageError, WalkError
from edge_agent.guide.skin import Skin
from edge_agent.sources import FileSource, LiveSource, PacketSource
from edge_agent.walking.walk_store import WalkStore

WALKS = "walks"
"""Folder of a site's walks."""

_SIMULATED = "simulated"
"""Mark in a walk's folder: pcap files, as which shots are kept, have no comments."""


def mark_simulated(walk: Path) -> None:
    """Note that frames of a walk come from a simulation.

    Args:
        walk: Its folder.

    Raises:
        WalkError: It cannot be written.
    """
    try:
        write_atomically(walk / _SIMULATED, b"")
    except OSError as error:
        raise WalkError(f"cannot write to {walk}: {error.strerror}") from error


def is_marked_simulated(walk: Path) -> bool:
    """Tell whether `mark_simulated` was called.

    Args:
        walk: Its folder.
    """
    return (walk / _SIMULATED).exists()


def walk_store(folder: Path) -> WalkStore:
    """Return the walks of a site.

    Args:
        folder: Of the site.
    """
    return WalkStore(folder / WALKS)


def csi_bundle(config: AgentConfig, skin: Skin) -> Bundle:
    """Return the model in use, which must be one for images.

    Raises:
        BundleError: It cannot be used.
        UsageError: It locates from received power.
    """
    files = load_files(config.model, on_caution=skin.caution)
    if files.kind is not Kind.CSI:
        raise UsageError(
            f"{files.name} locates from received power, for which nobody is guided; "
            "record shots and list them: edge_agent adapt --help"
        )
    return Bundle.from_files(files)


def packet_source(
    config: AgentConfig, iface: str | None, pcap: str | None
) -> PacketSource:
    """Return where packets come from now.

    Args:
        config: With the interface, if none is named.
        iface: One that is named.
        pcap: A file or a named pipe instead.
    """
    if pcap is not None:
        return FileSource(pcap)
    interface = iface or config.capture.interface
    return LiveSource(interface, config.capture.buffer_frames)
