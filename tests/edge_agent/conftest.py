"""One small model for all tests, private brokers, and a home directory of their own."""

import gc
import signal
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest

from edge_agent.bundles.bundle import Bundle
from edge_agent.calibration import CALIBRATION_FILE, SHOTS_FILE
from edge_agent.config import CONFIG_VARIABLE, PASSWORD_VARIABLE
from tests.brokers import Mosquitto, Relay, Subscriber
from tests.edge_agent.known_places import write_bundle_of_places
from tests.edge_agent.sites import checkpoint, environment, random_calibration
from tests.edge_agent.station import in_a_namespace
from tests.edge_agent.whitened import random_neighbours


@pytest.fixture(scope="session")
def bundle_directory(tmp_path_factory):
    """A written bundle; for reading only."""
    pytest.importorskip("onnx", reason="needs onnx to write a bundle")
    from export.write_bundle import write_bundle

    directory = tmp_path_factory.mktemp("model") / "bundle"
    write_bundle(checkpoint(np.random.default_rng(1)), directory, name="tiny-1")
    return directory


@pytest.fixture(scope="session")
def bundle(bundle_directory):
    return Bundle.load(bundle_directory)


@pytest.fixture(scope="session")
def neighbours_directory(tmp_path_factory):
    """A bundle with neighbours, which its trainer recommends; for reading only."""
    pytest.importorskip("onnx", reason="needs onnx to write a bundle")
    from export.write_bundle import write_bundle
    from trainer.neighbours.attachments import to_attachments

    rng = np.random.default_rng(1)
    arrays = to_attachments(random_neighbours(rng), is_recommended=True)
    trained = replace(checkpoint(rng), attachments=arrays)
    directory = tmp_path_factory.mktemp("neighbours") / "bundle"
    write_bundle(trained, directory, name="tiny-1")
    return directory


@pytest.fixture(scope="session")
def places_directory(bundle_directory, tmp_path_factory):
    """That bundle with a parameter set for each of three places; for reading only."""
    directory = tmp_path_factory.mktemp("places") / "bundle"
    return write_bundle_of_places(bundle_directory, directory)


@pytest.fixture(scope="session")
def places_bundle(places_directory):
    return Bundle.load(places_directory)


@pytest.fixture
def calibration(rng, bundle):
    return random_calibration(rng, bundle)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home directory, and no setting in the environment."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for variable in (CONFIG_VARIABLE, PASSWORD_VARIABLE, "SUDO_USER"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("edge_agent.config._SYSTEM_CONFIG", tmp_path / "no.toml")
    return home


@pytest.fixture
def write(tmp_path):
    """Write a capture and return its path."""

    def write(data):
        path = tmp_path / "walk.pcapng"
        path.write_bytes(data)
        return path

    return write


@pytest.fixture
def state(tmp_path, rng, bundle):
    """A state directory in which the site ``home`` is calibrated."""
    state = tmp_path / "state"
    random_calibration(rng, bundle).save(state / "home" / CALIBRATION_FILE)
    environment(rng).save(state / "home" / SHOTS_FILE)
    return state


@pytest.fixture
def utc(monkeypatch):
    """The machine is in Greenwich."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def run_agent(home):
    """Run the command in this process; puts back what it changes in it."""
    from edge_agent.cli import main

    handler = signal.getsignal(signal.SIGTERM)
    yield lambda *arguments: main([str(argument) for argument in arguments])
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def mosquitto(tmp_path):
    """A private mosquitto that lets one user in, or a skip where there is none."""
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    broker = Mosquitto(folder)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def amqtt():
    """For what uses amqtt, which leaves its connections to the garbage collector."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def received(mosquitto):
    """What anybody publishes to that mosquitto."""
    subscriber = Subscriber(mosquitto.port)
    yield subscriber
    subscriber.close()


@pytest.fixture
def relay(mosquitto):
    """A cable to that mosquitto, to be cut."""
    relay = Relay(mosquitto.port)
    yield relay
    relay.close()


@pytest.fixture(scope="session")
def station():
    """A process in a network namespace in which ``throw0`` is wired to ``catch0``."""
    with in_a_namespace() as station:
        yield station
