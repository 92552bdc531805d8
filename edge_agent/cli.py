"""The command ``edge_agent``: parses, runs one command, turns errors into exit codes.

Exit codes: 0 done, 1 failure, 2 usage.
"""

import argparse
import logging
import signal
import sys
from collections.abc import Sequence

from edge_agent.command_line import command_parser
from edge_agent.console import Console, close_quietly
from edge_agent.errors import AgentError
from edge_agent.threads import use_one_blas_thread

_COMMANDS = {
    "capture": "locate from an interface, a file or a pipe, and publish over MQTT",
    "record": "store raw frames with labels, as ground truth",
    "locate": "locate in recorded captures: JSON lines, the same on every replay",
    "evaluate": "replay a recording against its labels: errors, coverage, a map",
    "calibrate": "guide one person through a site, and learn it from a few shots",
    "explain": "take one location of a capture apart: why here, and not there",
    "label": "add one shot where you stand to a site, and learn it again",
    "adapt": "adapt the model to a site from a few recorded shots per point",
    "bundle": "show, verify, install the model, or return to the one before",
    "frames": "show what a capture file holds",
    "demo": "replay a simulated walk through the whole path, with its own broker",
    "config": "show the configuration in effect",
    "selftest": "check and time the back ends of this machine with a bundle",
}

_EPILOG = """\
examples:
  edge_agent demo
  edge_agent frames walk.pcap
  sudo edge_agent calibrate
  edge_agent adapt survey.csv
  sudo edge_agent capture --iface wlan0
  adb exec-out su -c "tcpdump -i wlan0 -s 0 -U -w - udp dst port 5500" \\
    | edge_agent capture --pcap -
"""


def build_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser; only the chosen command's module is imported."""
    return command_parser(
        "edge_agent",
        "Indoor location from Wi-Fi CSI: capture, adapt, locate, publish.",
        _EPILOG,
        _COMMANDS,
        arguments,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    use_one_blas_thread()
    arguments = sys.argv[1:] if arguments is None else arguments
    args = build_parser(arguments).parse_args(arguments)
    console = Console()
    logging.basicConfig(format="edge_agent: %(message)s", level=logging.WARNING)
    # A service manager stops the agent as Ctrl-C does: it says goodbye to the broker.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code: int = args.run(args, console)
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:  # the reader had enough, as in `| head`
        close_quietly(sys.stdout)
        return 0
    except AgentError as error:
        if args.debug:
            raise
        console.say(f"edge_agent: {error}")
        return error.exit_code
    except Exception as error:
        if args.debug:
            raise
        console.say(
            f"edge_agent: unexpected {type(error).__name__}: {error}. This is a fault "
            "of the program; run it again with --debug in front of the command and "
            "report what it prints."
        )
        return 1
    return code
