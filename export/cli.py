"""The command ``python -m export``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from edge_agent.bundles.signatures import SigningKey
from edge_agent.console import Console
from edge_agent.errors import AgentError
from edge_agent.threads import use_one_blas_thread
from trainer.errors import TrainerError

_EPILOG = """\
examples:
  python -m export checkpoint.npz bundle --name rooms-1
  python -m export checkpoint.npz bundle --sign KEY.pem
  python -m export models bundle

A key is made by: openssl genpkey -algorithm ed25519 -out KEY.pem
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Export and return the exit code."""
    use_one_blas_thread()
    parser = argparse.ArgumentParser(
        prog="python -m export",
        description="Write a trained checkpoint as the bundle that edge_agent loads.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "checkpoint",
        type=Path,
        metavar="CHECKPOINT",
        help="of trainer train; of --method maml-ts the folder, with a parameter set "
        "per environment",
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="new directory")
    parser.add_argument("--name", help="name of the model (default: the directory's)")
    parser.add_argument(
        "--sign",
        type=Path,
        metavar="KEY.pem",
        help="sign it with this private key (Ed25519); see docs/bundles.md",
    )
    parser.add_argument(
        "--debug", action="store_true", help="show where an error comes from"
    )
    args = parser.parse_args(arguments)
    console = Console()
    try:
        from export.write_any_bundle import write_any_bundle
    except ImportError as error:
        console.say(f"export: {error}; in the clone: pip install '.[export]'")
        return 1
    try:
        key = SigningKey.read(args.sign) if args.sign else None
        files = write_any_bundle(
            args.checkpoint, args.bundle, name=args.name or args.bundle.name, key=key
        )
        size = sum(map(len, files.contents.values()))
        signed = f", signed by {key.key_id}" if key else ""
        console.result(f"{args.bundle}: {files.name}, {size / 1000:.0f} kB{signed}")
    except KeyboardInterrupt:
        console.say("export: interrupted")
        return 1
    except (AgentError, TrainerError) as error:
        if args.debug:
            raise
        console.say(f"export: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
