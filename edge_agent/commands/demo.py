"""``edge_agent demo``: the whole path, with nothing but this package."""

import argparse
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime

from edge_agent.bundles.bundle import Bundle
from edge_agent.bundles.files import Kind
from edge_agent.calibration import Calibration
from edge_agent.commands.options import configuration
from edge_agent.config import SHIPPED_BUNDLE, AgentConfig, ModelConfig, SiteConfig
from edge_agent.console import Console
from edge_agent.demo.broker import EmbeddedBroker
from edge_agent.demo.route import Comparison, first_packet_ns, read_route, route_table
from edge_agent.environment import Environment
from edge_agent.errors import UsageError
from edge_agent.learning.backends import Backend
from edge_agent.session import open_session
from edge_agent.site_state import SiteState
from edge_agent.sources import FileSource

_DATA = SHIPPED_BUNDLE.parent
_WALK = _DATA / "walk.pcapng"
DEFAULT_PORT = 18830

_EPILOG = f"""\
A laboratory with three access points that exists only in a simulator: the shipped model
adapts to three shots at each of sixteen points, then a walk of two minutes is replayed,
again and again until Ctrl-C, through the code that captures live. Every location says
source: simulated.

The route is printed first, with the times that the recording carries; they and the
locations stay the same in every lap and at every --speed. Where all packets of a
location were captured at one rest, the distance from there stands behind it; after each
lap is said how these were on the whole.

Watch it from another terminal:
  mosquitto_sub -h 127.0.0.1 -p {DEFAULT_PORT} -t 'metaloc/#' -v
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument(
        "--port",
        type=int,
        default=DEFAULT_PORT,
        help=f"loopback port of the embedded broker (default {DEFAULT_PORT})",
    )
    parser.add_argument(
        "--speed", type=float, default=1.0, help="pace of the walk (default 1)"
    )
    parser.add_argument("--once", action="store_true", help="stop after one walk")
    parser.add_argument(
        "--json", action="store_true", help="print each location as the JSON published"
    )
    parser.set_defaults(config=None)
    parser.epilog = _EPILOG


def run(args: argparse.Namespace, console: Console) -> int:
    """Adapt, replay and publish until somebody presses Ctrl-C.

    Raises:
        AgentError: The shipped data is damaged, or the broker cannot start.
    """
    if not args.speed > 0:
        raise UsageError(f"--speed is {args.speed:g}; it must be above 0")
    if not 1 <= args.port <= 65535:
        raise UsageError(f"--port is {args.port}, not 1 to 65535")
    with ExitStack() as stack:
        state = stack.enter_context(tempfile.TemporaryDirectory(prefix="metaloc-demo-"))
        config = _demo_config(configuration(args), state, args.port)
        stack.enter_context(EmbeddedBroker(args.port))
        _calibrate(console, config)
        session = stack.enter_context(
            open_session(
                config, console, hop=config.capture.hop, publish=True, as_json=args.json
            )
        )
        console.say(
            f"watch: mosquitto_sub -h 127.0.0.1 -p {args.port} -t 'metaloc/#' -v"
        )
        console.say("a simulated walk; Ctrl-C ends it")
        rests = read_route(_DATA / "walk.csv", began_ns=first_packet_ns(_WALK))
        console.say("it rests at:")
        for line in route_table(rests):
            console.say(f"  {line}")
        while True:
            lap = Comparison(rests)
            session.run(FileSource(_WALK, speed=args.speed), remark=lap.remark)
            console.say(lap.summary())
            if args.once:
                return 0


def _demo_config(config: AgentConfig, state: str, port: int) -> AgentConfig:
    return replace(
        config,
        site=SiteConfig(name="demo", device="demo"),
        broker=replace(
            config.broker, host="127.0.0.1", port=port, username="", protocol="3.1.1"
        ),
        model=ModelConfig(state=state, backend=config.model.backend),
    )


def _calibrate(console: Console, config: AgentConfig) -> None:
    """Adapt the shipped model to the laboratory's shots, as at any other site."""
    bundle = Bundle.load(SHIPPED_BUNDLE)
    shots = Environment.load(_DATA / "shots.npz")
    calibration = Calibration.from_shots(
        bundle,
        shots,
        now=datetime.now(UTC),
        backend=Backend(config.model.backend),
        on_step=lambda step, loss: console.progress(f"step {step}: loss {loss:.3f}"),
    )
    losses = calibration.losses
    console.say(
        f"adapted the shipped model to {len(shots.images)} shots of "
        f"{len(shots.points)} points: loss {losses[0]:.2f} -> {losses[-1]:.2f} in "
        f"{len(losses) - 1} steps"
    )
    site = SiteState(config.model.site_path(config.site.name), Kind.CSI)
    calibration.save(site.calibration(bundle.digest))
