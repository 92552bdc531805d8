"""From the preflight to the last shot: a walk that is taken now, or a recorded one."""

import contextlib
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from edge_agent.config import AgentConfig
from edge_agent.csi.iq_order import IqOrder
from edge_agent.csi.raw import RawFrames
from edge_agent.errors import CaptureError, ConfigError, WalkError
from edge_agent.guide.interrupts import Interrupts
from edge_agent.guide.line_reader import LineReader
from edge_agent.guide.noted_points import note_points
from edge_agent.guide.recorded_site import FirstLook, RecordedSite
from edge_agent.guide.setting import (
    csi_bundle,
    mark_simulated,
    packet_source,
)
from edge_agent.guide.skin import Skin
from edge_agent.guide.walk_loop import LiveWalk, RecordedWalk
from edge_agent.guide.walk_plan import Wishes, known_channels, plan_walk
from edge_agent.preflight.air import Expectation
from edge_agent.preflight.disk import planned_bytes
from edge_agent.preflight.hearing import chanspecs_in
from edge_agent.preflight.run import LISTEN_S, run_preflight
from edge_agent.site_state import SiteState
from edge_agent.sources import FileSource, PacketSource
from edge_agent.walking.engine import Walk
from edge_agent.walking.stored_walk import StoredWalk
from edge_agent.walking.walk_store import WalkStore, walk_name

Packets = Generator[RawFrames | None, None, None]

_TYPED_SHOTS = 30
"""Shots for which there must be room where nobody knows how many there will be."""


_FEW_SHOTS = 3
"""Shots of the walk before that tell which channel it was made on."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks of a walk."""

    wishes: Wishes

    site_file: Path
    """Points of the site, if it is there; points that are typed are added to it."""

    iface: str | None = None
    """With the packets; None: as configured."""

    pcap: str | None = None
    """Named pipe with the packets instead."""

    listen_s: float = LISTEN_S
    """How long to listen before walking [s]."""

    is_resumed: bool = False
    """Whether there must be a walk to go on with."""

    is_fresh: bool = False
    """Whether an unfinished walk is left as it is."""


def take_walk(
    asked: Asked,
    config: AgentConfig,
    store: WalkStore,
    site: SiteState,
    recorded: RecordedSite | None,
    skin: Skin,
) -> str | None:
    """Walk, and return the walk's name; None where it was left before its end.

    Args:
        asked: What somebody asked for.
        config: With the model and the interface.
        store: The site's walks.
        site: Its files.
        recorded: What is walked through; None: packets that come now.
        skin: What shows it.

    Raises:
        AgentError: It cannot begin or go on; what was stored stays stored.
    """
    bundle = csi_bundle(config, skin)
    spec = bundle.manifest.spec
    channels = known_channels(bundle, site)
    look = None if recorded is None else recorded.first_look()
    name = _name_to_open(asked, store, look)
    with contextlib.ExitStack() as stack:
        stored = None if name is None else stack.enter_context(store.open(name))
        if stored is None or recorded is not None:
            plan = plan_walk(
                asked.wishes,
                bundle=bundle,
                site=site,
                site_file=asked.site_file,
                recorded=recorded,
                skin=skin,
            )
        if stored is not None and recorded is not None and stored.plan != plan:
            raise WalkError(
                f"this recording was walked before, as {stored.name}, at other points "
                "or on other laps; walk it at another --site"
            )
        plan = plan if stored is None else stored.plan
        source = (
            packet_source(config, asked.iface, asked.pcap)
            if recorded is None
            else FileSource(next(iter(recorded.captures.values()))[0])
        )
        packets = _packets(source)
        stack.callback(packets.close)
        n_shots = len(plan.stops) or _TYPED_SHOTS
        report = run_preflight(
            source,
            Expectation(spec, channels, _past_chanspecs(store)),
            folder=site.folder,
            plan_bytes=planned_bytes(n_shots, spec),
            listen_s=asked.listen_s,
            newest_walk_ns=0 if recorded else _newest_walk_ns(store),
            iq_order=IqOrder(config.capture.iq_order),
            packets=None if recorded else packets,
        )
        skin.preflight(report)
        report.require_passed()
        if stored is None:
            begun_ns = time.time_ns() if look is None else look.begun_ns
            stored = stack.enter_context(store.begin(plan, walk_name(begun_ns)))
        if look is not None and look.is_simulated:
            mark_simulated(stored.folder)
        walk = Walk(
            stored,
            spec,
            expected=tuple(dict.fromkeys(channel.mac for channel in channels)),
            least_places=0 if recorded or site.shots.is_file() else 2,
        )
        if recorded is not None:
            RecordedWalk(walk, skin, recorded).run()
        else:
            _walk_live(walk, stored, skin, packets, asked.site_file)
        return stored.name if stored.is_finished else None


def _walk_live(
    walk: Walk,
    stored: StoredWalk,
    skin: Skin,
    packets: Packets,
    site_file: Path,
) -> None:
    """Let somebody walk."""
    with Interrupts() as interrupts:
        try:
            LiveWalk(
                walk,
                stored,
                skin,
                lines=LineReader(sys.stdin.fileno()),
                interrupts=interrupts,
                clock=time.monotonic,
            ).run(packets)
        except CaptureError as error:
            raise CaptureError(
                f"{error}. {len(stored.shots)} shots are stored; the same command goes "
                "on with the walk"
            ) from error
        finally:
            try:
                note_points(site_file, stored.shots)
            except ConfigError as error:
                skin.caution(f"new points are part of this walk alone: {error}")


def _packets(source: PacketSource) -> Packets:
    """Yield a source's packets; opened with the first one."""
    yield from source.packets(lambda: 1)


def _name_to_open(asked: Asked, store: WalkStore, look: FirstLook | None) -> str | None:
    """Return the walk to go on with; None where a new one begins.

    Raises:
        WalkError: There should be one to go on with, and there is none.
    """
    if look is not None:
        name = walk_name(look.begun_ns)
        return name if name in store.walks() else None
    unfinished = None if asked.is_fresh else store.unfinished()
    if unfinished is None and asked.is_resumed:
        raise WalkError("no walk is unfinished; without --resume a new one begins")
    return unfinished


def _newest_walk_ns(store: WalkStore) -> int:
    """Return when the newest walk began [ns since the UNIX epoch]; 0: none has."""
    names = store.walks()
    if not names:
        return 0
    begun = datetime.strptime(names[-1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return round(begun.timestamp()) * 1_000_000_000


def _past_chanspecs(store: WalkStore) -> frozenset[int]:
    """Return the radio channels that the newest walk's shots were made on.

    Empty where they cannot be read: no reason not to take new ones.
    """
    with contextlib.suppress(WalkError, CaptureError):
        for name in store.walks()[-1:]:
            shots = store.as_survey(name, name)[:_FEW_SHOTS]
            return chanspecs_in(shot.capture for shot in shots)
    return frozenset()


def last_shot(store: WalkStore, name: str) -> datetime:
    """Return when the last shot of a walk was taken.

    Args:
        store: The site's walks.
        name: Of one that has shots.
    """
    newest_ns = max(shot.started_ns for shot in store.read(name))
    return datetime.fromtimestamp(newest_ns // 1_000_000_000, UTC)
