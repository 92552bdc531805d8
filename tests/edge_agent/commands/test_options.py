"""Flags on top of the configuration file."""

import argparse

import pytest

from edge_agent.commands.options import (
    add_broker,
    add_config,
    add_model,
    configuration,
)
from edge_agent.config import AgentConfig, load_config
from edge_agent.errors import ConfigError, UsageError

pytestmark = pytest.mark.usefixtures("home")


def configured(*arguments):
    """The configuration with these flags."""
    parser = argparse.ArgumentParser()
    for add in (add_config, add_broker, add_model):
        add(parser)
    return configuration(parser.parse_args(arguments))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "agent.toml"
    path.write_text(
        'site.name = "office"\nbroker.host = "broker.example"\nbroker.port = 8883\n'
        'model.state = "/var/lib/metaloc"\ncapture.hop = 7\n'
    )
    return path


def test_without_flags_the_configuration_is_that_of_the_file(file):
    assert configured("--config", str(file)) == load_config(file)
    assert configured() == AgentConfig()


def test_flags_go_before_the_file(file):
    config = configured(
        *("--config", str(file)),
        *("--site", "home"),
        *("--device", "pi-3"),
        *("--broker", "10.0.0.1:1884"),
        *("--bundle", "my-bundle"),
        *("--state", "my-state"),
        *("--backend", "numpy"),
    )

    assert (config.site.name, config.site.device) == ("home", "pi-3")
    assert (config.broker.host, config.broker.port) == ("10.0.0.1", 1884)
    assert (config.model.bundle, config.model.state) == ("my-bundle", "my-state")
    assert config.model.backend == "numpy"
    assert config.capture.hop == 7  # what no flag names stays


def test_a_broker_without_a_port_keeps_the_configured_one(file):
    broker = configured("--config", str(file), "--broker", "10.0.0.1").broker

    assert (broker.host, broker.port) == ("10.0.0.1", 8883)


def test_no_broker_at_all_leaves_the_address_alone(file):
    broker = configured("--config", str(file), "--broker", "none").broker

    assert (broker.host, broker.port) == ("broker.example", 8883)


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("[::1]:1884", "::1", 1884),
        ("[::1]", "::1", 8883),
        ("[fe80::1%eth0]:1", "fe80::1%eth0", 1),
    ],
)
def test_an_address_of_ipv6_stands_in_brackets(file, address, host, port):
    broker = configured("--config", str(file), "--broker", address).broker

    assert (broker.host, broker.port) == (host, port)


@pytest.mark.parametrize(
    "address",
    [
        *(":1883", "host:", "host:mqtt", "host:-1", "host:\u00b2", "mqtt://host:1"),
        *("::1", "::1:1883", "[::1", "[]:1", "a b"),
    ],
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(UsageError, match=r"--broker is '.*', not HOST or HOST:PORT"):
        configured(f"--broker={address}")


@pytest.mark.parametrize("port", ["0", "65536"])
def test_a_port_that_does_not_exist_is_refused(port):
    with pytest.raises(ConfigError, match=f"broker.port is {port}, not 1 to 65535"):
        configured("--broker", f"host:{port}")


@pytest.mark.parametrize("flag", ["--site", "--device"])
def test_a_name_that_cannot_stand_in_a_topic_is_refused(flag):
    with pytest.raises(ConfigError, match="becomes part of an MQTT topic"):
        configured(flag, "my home")


def test_a_command_without_these_flags_has_the_file_s_configuration(file):
    args = argparse.Namespace(config=file)

    assert configuration(args) == load_config(file)
