"""The broker of the demonstration."""

import asyncio
import socket
import sys
import threading
import warnings

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge_agent.demo.broker import EmbeddedBroker
from edge_agent.errors import BrokerError
from tests.brokers import Subscriber, free_port, is_listening, wait_until

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its dependencies warn about each other
    from amqtt import broker as amqtt_broker

pytestmark = pytest.mark.usefixtures("amqtt")


def test_what_one_client_publishes_another_receives():
    with EmbeddedBroker(free_port()) as broker:
        received = Subscriber(
            broker.port, username=None, version=MQTTProtocolVersion.MQTTv311
        )
        client = mqtt.Client(CallbackAPIVersion.VERSION2)
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        client.publish("a/b", "hello", qos=1).wait_for_publish(5)
        topic, text, qos, _ = received.next()
        client.disconnect()
        client.loop_stop()
        received.close()

    assert (topic, text, qos) == ("a/b", "hello", 1)


def test_it_listens_on_loopback_and_nowhere_else():
    with EmbeddedBroker(free_port()) as broker, socket.socket() as probe:
        assert is_listening(broker.port)
        # Another address of the loopback network: only a wildcard would answer.
        assert probe.connect_ex(("127.0.0.2", broker.port)) != 0


def test_at_the_end_the_port_is_free_and_no_thread_is_left():
    with EmbeddedBroker(free_port()) as broker:
        pass

    assert not is_listening(broker.port)
    assert "broker" not in [thread.name for thread in threading.enumerate()]


def test_a_port_that_is_taken_is_named():
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(
            BrokerError, match=rf"cannot use port {taken.getsockname()[1]}: "
        ),
        EmbeddedBroker(taken.getsockname()[1]),
    ):
        pass


def test_a_broker_that_does_not_start_in_time_is_given_up(monkeypatch):
    start = amqtt_broker.Broker.start

    async def start_slowly(broker):
        await asyncio.sleep(0.2)
        await start(broker)
        await asyncio.sleep(0.1)  # it listens, and has not quite started

    monkeypatch.setattr(amqtt_broker.Broker, "start", start_slowly)
    monkeypatch.setattr("edge_agent.demo.broker._START_TIMEOUT_S", 0.05)
    broker = EmbeddedBroker(free_port())

    with pytest.raises(BrokerError, match="did not start within"):
        broker.__enter__()

    wait_until(lambda: is_listening(broker.port), "it has started after all")
    broker.__exit__(None, None, None)
    assert not is_listening(broker.port)


def test_without_amqtt_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "amqtt.broker", None)

    with (
        pytest.raises(BrokerError, match=r"needs amqtt, which is not .*make demo"),
        EmbeddedBroker(free_port()),
    ):
        pass
