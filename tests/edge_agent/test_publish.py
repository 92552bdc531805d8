"""MqttPublisher against a real mosquitto, and against brokers that know less."""

import json
import socket
from dataclasses import replace

import jsonschema
import pytest
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from edge_agent.config import BrokerConfig
from edge_agent.demo.broker import EmbeddedBroker
from edge_agent.errors import BrokerError, ConfigError, SimulatedError
from edge_agent.payload import Topics
from edge_agent.publish import MqttPublisher, _because
from tests.brokers import (
    PASSWORD,
    USERNAME,
    OldBroker,
    Subscriber,
    free_port,
    wait_until,
)
from tests.conftest import ROOT

TOPICS = Topics("metaloc", "home", "pi")
STATUS, LOCATION = "metaloc/home/pi/status", "metaloc/home/pi/location"
EVENT = "metaloc/home/pi/event"

# CONNACK: type, length, no session, return code (MQTT 3.1.1, section 3.2).
ACCEPTED, BAD_VERSION, BAD_PASSWORD, NOT_AUTHORIZED = (
    bytes([0x20, 2, 0, code]) for code in (0, 1, 4, 5)
)


@pytest.fixture(autouse=True)
def password(monkeypatch):
    monkeypatch.setenv("METALOC_BROKER_PASSWORD", PASSWORD)


@pytest.fixture
def old_broker():
    """Start brokers that give these answers."""
    brokers = []

    def old_broker(answers):
        brokers.append(OldBroker(answers))
        return brokers[-1]

    yield old_broker
    for broker in brokers:
        broker.close()


def publisher(port, **settings):
    defaults = {"username": USERNAME, "connect_timeout_s": 5.0}
    config = BrokerConfig(port=port, **(defaults | settings))
    return MqttPublisher(config, TOPICS, device="pi", version="1.2.3")


def state(message):
    """The state that a received status message tells."""
    topic, text, _qos, _retained = message
    assert topic == STATUS
    return json.loads(text)["state"]


def next_location(received):
    """The next fix, whatever is said about the state before it."""
    while (message := received.next())[0] != LOCATION:
        assert state(message) == "online"
    return message[1]


# -- what is simulated -----------------------------------------------------------------

SIMULATED_FIX = {"source": "simulated"}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_simulated_fixes_go_to_a_broker_on_this_machine(mosquitto, received, host):
    with publisher(mosquitto.port, host=host) as agent:
        agent.check_simulated()
        assert agent.publish(SIMULATED_FIX)
        assert next_location(received) == '{"source":"simulated"}'


def test_before_there_is_a_connection_the_address_of_the_broker_decides():
    agent = publisher(1883, host="192.0.2.1")

    with pytest.raises(SimulatedError, match=r"broker 192.0.2.1:1883 is not on this m"):
        agent.check_simulated()
    publisher(1883).check_simulated()


def test_a_name_that_does_not_resolve_is_not_taken_for_a_machine_elsewhere():
    """Most likely it is mistyped, and allowing simulated fixes would not help."""
    with pytest.raises(SimulatedError) as raised:
        publisher(1883, host="no-such-host.invalid").check_simulated()

    said = str(raised.value)
    assert "the name no-such-host.invalid does not resolve" in said
    assert "--allow-simulated" not in said


def test_a_simulated_fix_is_refused_where_it_would_be_sent(mosquitto, received):
    """The connection counts, whatever the name said when it was looked up."""
    with publisher(mosquitto.port) as agent:
        agent._is_local = False  # as if the name had meant another machine by then
        with pytest.raises(SimulatedError, match="--allow-simulated"):
            agent.publish(SIMULATED_FIX)
        assert agent.publish({"source": "replay"})
        assert next_location(received) == '{"source":"replay"}'
    assert (agent.published, agent.dropped) == (1, 0)


def test_simulated_fixes_go_anywhere_if_the_configuration_says_so(mosquitto, received):
    with publisher(mosquitto.port, allow_simulated=True) as agent:
        agent._is_local = False
        assert agent.publish(SIMULATED_FIX)
        assert next_location(received) == '{"source":"simulated"}'


def test_what_a_proxy_forwards_is_on_no_machine_that_is_known(mosquitto):
    """As PySocks connects where the variable mqtt_proxy says so: its own class."""

    class ProxiedSocket(socket.socket):
        """Says that it is where the proxy was asked to connect to."""

        def getpeername(self):
            return "broker.example", 1883

    agent = publisher(mosquitto.port)
    with ProxiedSocket() as sock:
        agent._on_socket_open(None, None, sock)

    with pytest.raises(SimulatedError):
        agent.check_simulated()


def test_what_was_simulated_does_not_follow_a_name_to_another_machine(
    mosquitto, received, monkeypatch, caplog
):
    """QoS 1 repeats what was not acknowledged to whoever answers next."""
    with publisher(mosquitto.port) as agent:
        assert agent.publish(SIMULATED_FIX)
        assert next_location(received) == '{"source":"simulated"}'
        monkeypatch.setattr("edge_agent.publish.is_loopback_address", lambda _: False)
        mosquitto.stop()
        wait_until(lambda: "lost broker" in caplog.text, "the loss is noticed")
        mosquitto.start()
        wait_until(lambda: "on another machine now" in caplog.text, "it is noticed")

        assert not agent.publish({"source": "replay"})
        with pytest.raises(SimulatedError):
            agent.publish(SIMULATED_FIX)
        assert "is back" not in caplog.text


# -- the life of a connection ----------------------------------------------------------


def test_it_says_online_publishes_and_says_stopped(mosquitto, received):
    with publisher(mosquitto.port) as agent:
        assert state(received.next()) == "online"
        assert agent.publish({"x": 1.5})
        assert received.next() == (LOCATION, '{"x":1.5}', 1, True)
        assert agent.published == 1
        assert agent.dropped == 0
    assert state(received.next()) == "stopped"


def test_an_event_is_not_retained(mosquitto, received):
    with publisher(mosquitto.port) as agent:
        assert state(received.next()) == "online"
        assert agent.publish_event({"event": "enter"})
        assert received.next() == (EVENT, '{"event":"enter"}', 1, False)
        assert (agent.published, agent.dropped_events) == (1, 0)

    late = Subscriber(mosquitto.port)
    assert late.next()[0] == STATUS
    agent = publisher(mosquitto.port, base_topic="other")
    with agent:
        assert state(late.next()) == "online"  # and nothing in between
    late.close()


def test_events_are_dropped_and_counted_where_there_is_no_broker():
    agent = publisher(free_port())

    assert not agent.publish_event({"event": "enter"})
    assert (agent.dropped, agent.dropped_events) == (0, 1)


def test_a_simulated_event_is_refused_as_a_fix_is():
    agent = publisher(1883, host="192.0.2.1")  # nobody's address (RFC 5737)

    with pytest.raises(SimulatedError, match="is not on this machine"):
        agent.publish_event({"event": "enter", **SIMULATED_FIX})
    assert agent.dropped_events == 0


def test_the_status_is_retained_at_qos_1_and_as_documented(mosquitto, received):
    schema = json.loads((ROOT / "docs" / "mqtt" / "status.schema.json").read_text())

    with publisher(mosquitto.port):
        _, online, *online_flags = received.next()
    _, stopped, *stopped_flags = received.next()

    assert online_flags == stopped_flags == [1, True]
    for text in (online, stopped):
        document = json.loads(text)
        jsonschema.validate(document, schema)
        assert (document["device"], document["version"]) == ("pi", "1.2.3")


def test_who_subscribes_later_gets_the_newest_fix_and_the_status(mosquitto):
    with publisher(mosquitto.port) as agent:
        for number in range(3):
            agent.publish({"seq": number})

    late = Subscriber(mosquitto.port)
    messages = sorted(late.next() for _ in range(2))
    late.close()

    assert messages[0][:2] == (LOCATION, '{"seq":2}')
    assert state(messages[1]) == "stopped"


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_when_it_vanishes_without_a_word_the_broker_says_offline(
    received, relay, protocol, caplog
):
    with publisher(relay.port, protocol=protocol):
        assert state(received.next()) == "online"
        relay.cut()
        topic, text, *flags = received.next()
        wait_until(lambda: "lost broker" in caplog.text, "the loss is noticed")

    assert topic == STATUS
    assert json.loads(text)["state"] == "offline"
    assert flags == [1, True]


def test_everything_that_was_published_arrives_before_the_end(mosquitto, received):
    with publisher(mosquitto.port, connect_timeout_s=60.0) as agent:
        for number in range(300):
            assert agent.publish({"seq": number})

    messages = [received.next()]
    while messages[-1][0] == LOCATION or state(messages[-1]) != "stopped":
        messages.append(received.next())

    # How often it says "online" is another matter: where the broker takes seconds to
    # answer in MQTT 5, as on a busy machine, 3.1.1 is tried too, and "offline" is said.
    texts = [text for topic, text, *_ in messages if topic == LOCATION]
    assert texts == [f'{{"seq":{number}}}' for number in range(300)]


def test_who_is_faster_than_the_broker_waits_for_it(mosquitto, received, monkeypatch):
    monkeypatch.setattr("edge_agent.publish._MAX_UNACKNOWLEDGED", 1)

    with publisher(mosquitto.port) as agent:
        for number in range(20):
            assert agent.publish({"seq": number})
            # At most this fix and its predecessor are on their way.
            wait_until(
                lambda at_least=number - 1: received.messages.qsize() > at_least,
                "the predecessor has arrived",
            )

    assert agent.published == 20
    assert agent.dropped == 0


def test_it_writes_below_its_own_topic_and_nowhere_else(mosquitto, received):
    with publisher(mosquitto.port) as agent:
        agent.publish({})
    topics = {received.next()[0] for _ in range(3)}

    assert topics == {STATUS, LOCATION}
    assert received.messages.empty()


@pytest.mark.parametrize(("protocol", "level"), [("auto", 5), ("5", 5), ("3.1.1", 2)])
def test_mosquitto_is_spoken_to_in_mqtt_5_unless_told_otherwise(
    mosquitto, protocol, level
):
    with publisher(mosquitto.port, protocol=protocol, keepalive_s=17):
        pass

    # mosquitto numbers the versions 2 (3.1.1) and 5.
    assert f"as metaloc-home-pi (p{level}, c1, k17, u'agent')" in mosquitto.log


# -- refusals --------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["auto", "3.1.1"])
def test_a_wrong_password_is_refused_with_advice(mosquitto, monkeypatch, protocol):
    monkeypatch.setenv("METALOC_BROKER_PASSWORD", "guess")
    advice = "Not authorized; set broker.username and broker.password_file, or the var"

    with (
        pytest.raises(BrokerError, match=rf"127.0.0.1:{mosquitto.port}: {advice}"),
        publisher(mosquitto.port, protocol=protocol),
    ):
        pass


def test_nobody_in_particular_is_refused_too(mosquitto):
    with (
        pytest.raises(
            BrokerError, match=r"set broker.username and broker.password_file"
        ),
        publisher(mosquitto.port, username=""),
    ):
        pass


@pytest.mark.parametrize("answer", [BAD_PASSWORD, NOT_AUTHORIZED])
def test_brokers_that_answer_otherwise_give_the_same_advice(old_broker, answer):
    broker = old_broker({4: answer})

    with (
        pytest.raises(
            BrokerError, match=r"set broker.username and broker.password_file"
        ),
        publisher(broker.port, protocol="3.1.1"),
    ):
        pass


def test_a_refused_password_is_not_tried_again_in_another_version(old_broker):
    broker = old_broker({5: bytes([0x20, 3, 0, 0x86, 0]), 4: ACCEPTED})

    with pytest.raises(BrokerError, match="Bad user name"), publisher(broker.port):
        pass

    assert broker.levels == [5]


def test_the_password_may_come_from_a_file(mosquitto, received, tmp_path, monkeypatch):
    monkeypatch.delenv("METALOC_BROKER_PASSWORD")
    (tmp_path / "secret").write_text(PASSWORD + "\n")

    with publisher(mosquitto.port, password_file=str(tmp_path / "secret")):
        assert state(received.next()) == "online"


def test_a_missing_password_file_is_said_before_anything_is_sent(
    old_broker, tmp_path, monkeypatch
):
    monkeypatch.delenv("METALOC_BROKER_PASSWORD")
    broker = old_broker({})

    with (
        pytest.raises(ConfigError, match="cannot be read"),
        publisher(broker.port, password_file=str(tmp_path / "none")),
    ):
        pass

    assert broker.levels == []


def test_nobody_listening_is_said_with_advice():
    reason = r"cannot be reached \(Connection refused\); is it running, and are broker"

    with pytest.raises(BrokerError, match=reason), publisher(free_port()):
        pass


def test_a_host_that_no_name_can_be_is_said_with_advice():
    with (
        pytest.raises(BrokerError, match=r"cannot be reached .*--broker HOST:PORT"),
        publisher(1883, host="a" * 80),
    ):
        pass


def test_a_host_that_does_not_exist_is_said_with_advice():
    with (
        pytest.raises(BrokerError, match=r"broker no\.invalid:1: cannot be reached \("),
        publisher(1, host="no.invalid"),
    ):
        pass


def test_who_never_answers_is_given_up(old_broker):
    broker = old_broker({})

    with (
        pytest.raises(BrokerError, match=r"no answer within 0\.2 s; is this an MQTT"),
        publisher(broker.port, connect_timeout_s=0.2),
    ):
        pass


@pytest.mark.parametrize("protocol", ["auto", "5", "3.1.1"])
def test_a_port_that_hangs_up_on_everybody_is_not_called_an_old_broker(
    old_broker, protocol
):
    broker = old_broker({5: None, 4: None})
    reason = "closed the connection without an MQTT answer; is this an MQTT port"

    with (
        pytest.raises(BrokerError, match=reason),
        publisher(broker.port, protocol=protocol),
    ):
        pass


# -- brokers that know MQTT 3.1.1 alone ------------------------------------------------


@pytest.mark.parametrize("answer", [None, BAD_VERSION], ids=["hangs up", "refuses"])
def test_where_mqtt_5_is_refused_it_falls_back_at_once(old_broker, answer):
    broker = old_broker({5: answer, 4: ACCEPTED})

    with publisher(broker.port) as agent:
        assert agent.publish({})

    assert broker.levels == [5, 4]


def test_where_mqtt_5_gets_no_answer_it_falls_back_after_a_while(
    old_broker, monkeypatch
):
    monkeypatch.setattr("edge_agent.publish._PATIENCE_WITH_V5_S", 0.2)
    broker = old_broker({4: ACCEPTED})

    with publisher(broker.port):
        pass

    assert broker.levels == [5, 4]


def test_who_insists_on_mqtt_5_gets_no_other(old_broker):
    broker = old_broker({5: BAD_VERSION, 4: ACCEPTED})

    with (
        pytest.raises(BrokerError, match="Unsupported protocol version"),
        publisher(broker.port, protocol="5"),
    ):
        pass

    assert broker.levels == [5]


@pytest.mark.parametrize("protocol", ["auto", "3.1.1"])
@pytest.mark.usefixtures("amqtt")
def test_the_embedded_broker_is_spoken_to_in_mqtt_3(protocol):
    with EmbeddedBroker(free_port()) as broker:
        received = Subscriber(
            broker.port, username=None, version=MQTTProtocolVersion.MQTTv311
        )
        with publisher(
            broker.port, protocol=protocol, username="", connect_timeout_s=0.5
        ) as agent:
            assert state(received.next()) == "online"
            agent.publish({"x": 1})
            assert received.next()[:2] == (LOCATION, '{"x":1}')
        assert state(received.next()) == "stopped"
        received.close()


# -- a broker that goes away -----------------------------------------------------------


def test_after_a_restart_it_is_online_again_and_nothing_waits(mosquitto, caplog):
    with publisher(mosquitto.port) as agent:
        mosquitto.stop()
        wait_until(lambda: "lost broker" in caplog.text, "the loss is noticed")

        assert not agent.publish({"seq": 1})
        assert not agent.publish({"seq": 2})
        assert (agent.published, agent.dropped) == (0, 2)

        mosquitto.start()
        received = Subscriber(mosquitto.port)
        assert state(received.next()) == "online"
        assert "is back" in caplog.text
        assert agent.publish({"seq": 3})
        assert next_location(received) == '{"seq":3}'
        assert (agent.published, agent.dropped) == (1, 2)
    assert state(received.next()) == "stopped"
    received.close()


def test_a_broker_that_no_longer_lets_it_in_is_said(mosquitto, caplog):
    with publisher(mosquitto.port) as agent:
        mosquitto.stop()
        mosquitto.set_password("changed")
        mosquitto.start()
        wait_until(lambda: "refuses: Not authorized" in caplog.text, "it is refused")

        assert not agent.publish({})


def test_the_end_does_not_wait_for_a_broker_that_is_away(mosquitto, caplog):
    with publisher(mosquitto.port, connect_timeout_s=300.0) as agent:
        agent.publish({})
        mosquitto.stop()
        wait_until(lambda: "lost broker" in caplog.text, "the loss is noticed")

    assert not agent.publish({})


def test_before_and_after_it_is_entered_fixes_are_dropped(mosquitto):
    agent = publisher(mosquitto.port)
    assert not agent.publish({})
    with agent:
        assert agent.publish({})
    assert not agent.publish({})

    assert (agent.published, agent.dropped) == (1, 2)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("Server shutting down", " (Server shutting down), trying again"),
        ("Unspecified error", ", trying again"),
    ],
)
def test_why_a_connection_ended_is_said_if_the_broker_did(reason, said):
    assert _because(ReasonCode(PacketTypes.DISCONNECT, reason)) == said


def test_it_says_where_it_publishes():
    assert publisher(1883, host="broker.example").where == "broker.example:1883"
    assert publisher(1883, host="::1").where == "[::1]:1883"


def test_a_replay_does_not_take_over_the_connection_of_who_captures(mosquitto, caplog):
    config = BrokerConfig(port=mosquitto.port, username=USERNAME)
    agents = [
        MqttPublisher(config, TOPICS, device="pi", version="1", role=role)
        for role in ("", "replay")
    ]

    with agents[0] as live, agents[1] as replay:
        assert live.publish({})
        assert replay.publish({})
        assert live.publish({})

    assert "as metaloc-home-pi-replay " in mosquitto.log
    assert "already connected" not in mosquitto.log
    assert caplog.messages == []


def test_another_site_has_another_client_id(mosquitto):
    config = BrokerConfig(port=mosquitto.port, username=USERNAME)
    agents = [
        MqttPublisher(config, replace(TOPICS, site=site), device="pi", version="1")
        for site in ("home", "office")
    ]

    with agents[0] as first, agents[1] as second:
        assert first.publish({})
        assert second.publish({})

    assert "as metaloc-home-pi " in mosquitto.log
    assert "as metaloc-office-pi " in mosquitto.log
