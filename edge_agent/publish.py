"""Publish to an MQTT broker: MQTT 5 where it is offered, 3.1.1 otherwise.

The status topic says "online" after every connection, "stopped" after a clean end, and
"offline" when the agent vanishes: the last one is said by the broker (last will).

Fixes go out at QoS 1, retained, and events at QoS 1, not retained: who comes later is
not told again that somebody entered. While the broker is away both are dropped and
counted. Simulated ones go to a broker on this machine; to another one only where the
configuration says so, because a dashboard, or a lock, need not know what `source`
means.
"""

import logging
import socket
import threading
from collections import deque
from types import TracebackType
from typing import Any, Self

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_agent.broker_advice import (
    HUNG_UP,
    NO_ANSWER,
    advice,
    may_be_about_version,
)
from edge_agent.config import BrokerConfig
from edge_agent.errors import BrokerError, SimulatedError
from edge_agent.loopback import is_loopback, is_loopback_address
from edge_agent.payload import Source, State, Topics, status_document, to_json

_log = logging.getLogger(__name__)

_MAX_UNACKNOWLEDGED = 500
"""Fixes on their way; a replay that is faster than its broker waits here."""

_PATIENCE_WITH_V5_S = 3.0
"""Brokers that know 3.1.1 alone refuse MQTT 5, hang up, or wait for bytes that will not
come."""

_VERSIONS = {
    "auto": (MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311),
    "5": (MQTTProtocolVersion.MQTTv5,),
    "3.1.1": (MQTTProtocolVersion.MQTTv311,),
}


class MqttPublisher:
    """Publishes while entered; reconnects by itself."""

    def __init__(
        self,
        config: BrokerConfig,
        topics: Topics,
        *,
        device: str,
        version: str,
        role: str = "",
    ) -> None:
        """Name the broker; it is connected to on entry.

        Args:
            config: The broker, and who we are to it.
            topics: Where to publish.
            device: Name of this agent.
            version: Of this program.
            role: Tells connections of one agent apart, of which a broker keeps only the
                newest; what captures live has none.
        """
        self._config, self._topics = config, topics
        self._device, self._version = device, version
        # The same after a restart: the broker then drops the connection before it.
        name = f"metaloc-{topics.site}-{device}"
        self._client_id = f"{name}-{role}" if role else name
        self._client: mqtt.Client | None = None
        self._verdict = threading.Event()
        self._refusal: str | None = None
        self._sent: deque[mqtt.MQTTMessageInfo] = deque()
        self._is_local: bool | None = None  # until there was a connection
        self._gave_simulated = False
        self.published = 0
        """Fixes and events handed to the network while the broker was there."""

        self.dropped = 0
        """Fixes that never left because the broker was away."""

        self.dropped_events = 0
        """Events that never left because the broker was away."""

    @property
    def where(self) -> str:
        """The broker's address, for messages."""
        host = self._config.host
        return f"{f'[{host}]' if ':' in host else host}:{self._config.port}"

    def check_simulated(self, what: str = "these frames are simulated") -> None:
        """Find out whether simulated locations may be published.

        What counts is the address that the connection has, or before there is one, all
        those that it could have.

        Args:
            what: Why the locations are simulated, to begin the message with.

        Raises:
            SimulatedError: The broker is on another machine, and nobody allowed it.
        """
        if self._config.allow_simulated:
            return
        is_local = self._is_local
        if is_local is None:
            is_local = is_loopback(self._config.host)
        if is_local is None:
            raise SimulatedError(
                f"{what}, and broker {self.where} is perhaps not on this machine: the "
                f"name {self._config.host} does not resolve. Is it right? (--broker "
                "HOST:PORT or broker.host; --broker none prints locations alone)"
            )
        if not is_local:
            raise SimulatedError(
                f"{what}, and broker {self.where} is not on this machine: locations "
                "that nobody was at are not sent there. Add "
                "--allow-simulated (or broker.allow_simulated = true) if that is what "
                "you want; --broker none prints them, and a broker on 127.0.0.1 takes "
                "them"
            )

    def __enter__(self) -> Self:
        """Connect, and wait for the broker's verdict.

        Raises:
            BrokerError: It cannot be reached, does not answer, or refuses.
        """
        versions, patience = _VERSIONS[self._config.protocol], _PATIENCE_WITH_V5_S
        refusal = ""
        for version in versions:
            last = version is versions[-1]
            timeout = self._config.connect_timeout_s
            refusal = self._connect(
                version, timeout if last else min(timeout, patience)
            )
            if not refusal:
                return self
            self._hang_up()
            if not may_be_about_version(refusal):
                break
        raise BrokerError(advice(self.where, refusal))

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        client = self._client
        if client is not None and client.is_connected():
            while self._sent and client.is_connected():
                self._sent.popleft().wait_for_publish(self._config.connect_timeout_s)
            self._say(client, State.STOPPED).wait_for_publish(
                self._config.connect_timeout_s
            )
        self._hang_up()

    def publish(self, document: dict[str, Any]) -> bool:
        """Hand one fix to the network thread.

        Returns:
            False when the broker is away and the fix was dropped.

        Raises:
            SimulatedError: As `check_simulated`; nothing was sent.
        """
        is_sent = self._send(self._topics.location, document, retain=True)
        self.dropped += not is_sent
        return is_sent

    def publish_event(self, document: dict[str, Any]) -> bool:
        """Hand one event to the network thread.

        Returns:
            False when the broker is away and the event was dropped.

        Raises:
            SimulatedError: As `check_simulated`; nothing was sent.
        """
        is_sent = self._send(self._topics.event, document, retain=False)
        self.dropped_events += not is_sent
        return is_sent

    def _send(self, topic: str, document: dict[str, Any], *, retain: bool) -> bool:
        is_simulated = document.get("source") == Source.SIMULATED
        if is_simulated:
            self.check_simulated()
        client = self._client
        if client is None or not client.is_connected():
            return False
        while self._sent and self._sent[0].is_published():
            self._sent.popleft()
        if len(self._sent) >= _MAX_UNACKNOWLEDGED:
            self._sent[0].wait_for_publish(self._config.connect_timeout_s)
        self._gave_simulated |= is_simulated
        message = client.publish(topic, to_json(document), qos=1, retain=retain)
        if message.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        self._sent.append(message)
        self.published += 1
        return True

    def _connect(self, version: MQTTProtocolVersion, timeout_s: float) -> str:
        """Connect with one protocol version; return why it failed, or nothing."""
        self._verdict.clear()
        self._refusal = None
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=version,
        )
        client.will_set(
            self._topics.status, self._status(State.OFFLINE), qos=1, retain=True
        )
        if self._config.username:
            client.username_pw_set(self._config.username, self._config.password())
        client.on_socket_open = self._on_socket_open
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.reconnect_delay_set(1, 30)
        self._client = client
        try:
            client.connect(
                self._config.host, self._config.port, self._config.keepalive_s
            )
        except (OSError, UnicodeError) as error:  # the latter: no name is like that
            reason = error.strerror if isinstance(error, OSError) else None
            return f"cannot be reached ({reason or error})"
        client.loop_start()
        if not self._verdict.wait(timeout_s):
            return f"{NO_ANSWER} within {timeout_s:g} s"
        return self._refusal or ""

    def _hang_up(self) -> None:
        if self._client is not None:
            self._client.on_disconnect = None
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None

    def _status(self, state: State) -> str:
        return to_json(status_document(state, self._device, version=self._version))

    def _say(self, client: mqtt.Client, state: State) -> mqtt.MQTTMessageInfo:
        return client.publish(
            self._topics.status, self._status(state), qos=1, retain=True
        )

    def _on_socket_open(
        self,
        _client: mqtt.Client,
        _userdata: object,
        sock: Any,  # noqa: ANN401  (paho's signature)
    ) -> None:
        """Look where the connection leads, before a byte is sent on it."""
        # With Nagle's algorithm some messages wait for 40 ms.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Another class is that of a proxy (PySocks, if installed, obeys the variable
        # mqtt_proxy), behind which an address says nothing about this machine.
        is_direct = type(sock) is socket.socket
        self._is_local = is_direct and is_loopback_address(sock.getpeername()[0])
        if self._gave_simulated and not (
            self._is_local or self._config.allow_simulated
        ):
            # A name that has come to mean another machine: what was not acknowledged
            # on this one would be sent again there.
            _log.warning("broker %s is on another machine now, not used", self.where)
            sock.shutdown(socket.SHUT_RDWR)

    def _on_connect(
        self,
        client: mqtt.Client,
        _userdata: Any,  # noqa: ANN401  (paho's signature)
        _flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._refusal = str(reason)
            if self._verdict.is_set():
                _log.warning("broker %s refuses: %s", self.where, reason)
        else:
            self._say(client, State.ONLINE)
            if self._verdict.is_set():
                _log.warning("broker %s is back", self.where)
        self._verdict.set()

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _userdata: Any,  # noqa: ANN401  (paho's signature)
        _flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if self._verdict.is_set():
            if self._refusal is None:
                _log.warning("lost broker %s%s", self.where, _because(reason))
            return
        self._refusal = HUNG_UP
        self._verdict.set()


def _because(reason: ReasonCode) -> str:
    """Say why a connection ended, if the broker did."""
    known = reason.getName() not in ("Unspecified error", "Normal disconnection")
    return f" ({reason}), trying again" if known else ", trying again"
