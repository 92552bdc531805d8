"""Flags that several commands share, and how they override the configuration."""

import argparse
import re
import shlex
from dataclasses import replace
from pathlib import Path

from edge_agent.config import AgentConfig, BrokerConfig, load_config
from edge_agent.errors import UsageError
from edge_agent.estimators import Estimator
from edge_agent.learning.backends import Backend

NO_BROKER = "none"

_ADDRESS = re.compile(
    r"(?:\[(?P<bracketed>[0-9A-Fa-f.:]+(?:%[^\]\s]+)?)\]|(?P<host>[^\s:\[\]]+))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
"""HOST or HOST:PORT, an IPv6 address in brackets as in a URL (RFC 3986)."""


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add the flags that choose configuration and site."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="configuration file (TOML)"
    )
    parser.add_argument("--site", metavar="NAME", help="site to work at")


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the flags that choose the model and where its calibrations are."""
    parser.add_argument(
        "--bundle",
        metavar="DIR",
        help="model bundle (default: the one installed last, else the shipped one)",
    )
    parser.add_argument(
        "--state", metavar="DIR", help="where calibrations are kept, one folder a site"
    )
    parser.add_argument(
        "--backend",
        choices=[str(backend) for backend in Backend],
        help="what computes the network (default: the fastest that is there); "
        "neighbours are computed by numpy",
    )


def add_estimator(parser: argparse.ArgumentParser) -> None:
    """Add the flag that chooses what locates."""
    parser.add_argument(
        "--estimator",
        choices=[str(estimator) for estimator in Estimator],
        help="what locates (default: what won the replay of the site's past)",
    )


def add_trusted_keys(parser: argparse.ArgumentParser) -> None:
    """Add the flag that chooses whose bundles are taken."""
    parser.add_argument(
        "--trusted-keys",
        metavar="PATH",
        help="public keys (a PEM file, or a folder) of those whose bundles are taken",
    )


def add_broker(parser: argparse.ArgumentParser) -> None:
    """Add the flags that choose the broker."""
    parser.add_argument(
        "--broker",
        metavar="HOST[:PORT]",
        help=f"MQTT broker, or '{NO_BROKER}' to publish nothing",
    )
    parser.add_argument("--device", metavar="NAME", help="this agent's name in topics")
    parser.add_argument(
        "--allow-simulated",
        action="store_true",
        help="publish simulated locations to a broker on another machine too",
    )


def configuration(args: argparse.Namespace) -> AgentConfig:
    """Return the configuration file's content with the flags on top.

    Raises:
        ConfigError: The file or a flag's value makes no sense.
        UsageError: A broker address is not HOST or HOST:PORT.
    """
    config = load_config(args.config)
    site, broker, model = config.site, config.broker, config.model
    if getattr(args, "site", None):
        site = replace(site, name=args.site)
    if getattr(args, "device", None):
        site = replace(site, device=args.device)
    address = getattr(args, "broker", None)
    if address and address != NO_BROKER:
        broker = _with_address(broker, address)
    if getattr(args, "allow_simulated", False):
        broker = replace(broker, allow_simulated=True)
    if getattr(args, "bundle", None):
        model = replace(model, bundle=args.bundle)
    if getattr(args, "trusted_keys", None):
        model = replace(model, trusted_keys=args.trusted_keys)
    if getattr(args, "state", None):
        model = replace(model, state=args.state)
    if getattr(args, "backend", None):
        model = replace(model, backend=args.backend)
    if getattr(args, "estimator", None):
        model = replace(model, estimator=args.estimator)
    return replace(config, site=site, broker=broker, model=model)


def repeated(args: argparse.Namespace) -> str:
    """Return, with a space in front, the flags that the next command needs as well."""
    flags = {
        name: getattr(args, name, None)
        for name in ("config", "site", "bundle", "state", "trusted_keys")
    }
    return "".join(
        f" --{name.replace('_', '-')} {shlex.quote(str(value))}"
        for name, value in flags.items()
        if value
    )


def _with_address(broker: BrokerConfig, address: str) -> BrokerConfig:
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise UsageError(
            f"--broker is {address!r}, not HOST or HOST:PORT (IPv6: [::1]:1883)"
        )
    host = match["bracketed"] or match["host"]
    return replace(broker, host=host, port=int(match["port"] or broker.port))
