"""Brokers and other peers on loopback, for tests that need a real connection."""

import contextlib
import queue
import shutil
import socket
import subprocess
import threading
import time

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

USERNAME, PASSWORD = "agent", "secret"
_PATIENCE_S = 10.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what, *, timeout_s=_PATIENCE_S):
    """Poll a condition, and fail with what did not come true."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.01)


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def find_program(name):
    """Return where a program is, or skip the test saying that it is missing."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"needs {name} (.ci/run installs what the tests need)")
    return path


class Mosquitto:
    """A private mosquitto that lets `USERNAME` in and nobody else."""

    def __init__(self, folder):
        self.port = free_port()
        self._program = find_program("mosquitto")
        self._folder, self._process = folder, None
        self.set_password(PASSWORD)
        folder.joinpath("mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\n"
            "allow_anonymous false\n"
            f"password_file {folder / 'passwords'}\n"
            "user root\n"
        )

    def set_password(self, password):
        """Takes effect with the next `start`."""
        passwords = self._folder / "passwords"
        passwords.touch(mode=0o600)
        subprocess.run(
            [find_program("mosquitto_passwd"), "-b", passwords, USERNAME, password],
            check=True,
            capture_output=True,
        )

    def start(self):
        with (self._folder / "log").open("a") as log:
            self._process = subprocess.Popen(
                [self._program, "-v", "-c", self._folder / "mosquitto.conf"],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(lambda: is_listening(self.port), "mosquitto listens")

    def stop(self):
        """Stop as a power cut does: what is retained is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def log(self):
        return (self._folder / "log").read_text()


class Subscriber:
    """Receives everything from a broker, as (topic, text, QoS, retained)."""

    def __init__(self, port, *, username=USERNAME, version=MQTTProtocolVersion.MQTTv5):
        self.messages = queue.Queue()
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=version)
        if username:
            self._client.username_pw_set(username, PASSWORD)
        self._client.on_message = lambda _c, _u, m: self.messages.put(
            (m.topic, m.payload.decode(), m.qos, bool(m.retain))
        )
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        if version is MQTTProtocolVersion.MQTTv5:
            self._client.subscribe(
                "#", options=SubscribeOptions(qos=1, retainAsPublished=True)
            )
        else:
            self._client.subscribe("#", qos=1)
        assert self._subscribed.wait(_PATIENCE_S)

    def next(self):
        return self.messages.get(timeout=_PATIENCE_S)

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


class Relay:
    """Passes bytes between a client and a broker, until it is cut."""

    def __init__(self, broker_port):
        self._broker_port = broker_port
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """Drop every connection without a word, and accept no other."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.cut()
        for sock in self._sockets:
            sock.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._broker_port))
                self._sockets += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(
                        target=self._pump, args=(source, sink), daemon=True
                    ).start()

    @staticmethod
    def _pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                sink.sendall(data)


class OldBroker:
    """Answers every CONNECT as told, and acknowledges what is published.

    ``answers`` says what becomes of a CONNECT, by protocol level (4 is 3.1.1, 5 is 5):
    bytes to send, or None to hang up. What has no answer waits for ever.
    """

    def __init__(self, answers):
        self._answers, self._sockets = answers, []
        self.levels = []
        """Protocol levels that were asked for."""

        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        for sock in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                threading.Thread(
                    target=self._serve, args=(client,), daemon=True
                ).start()

    def _serve(self, client):
        with contextlib.suppress(OSError), client.makefile("rb") as stream:
            while first := stream.read(1):
                body = stream.read(_remaining_length(stream))
                if first[0] >> 4 == _CONNECT:
                    level = body[2 + len("MQTT")]
                    self.levels.append(level)
                    if level in self._answers and self._answers[level] is None:
                        client.shutdown(socket.SHUT_RDWR)
                    client.sendall(self._answers.get(level) or b"")
                elif first[0] >> 4 == _PUBLISH:
                    topic_length = int.from_bytes(body[:2], "big")
                    identifier = body[2 + topic_length : 4 + topic_length]
                    client.sendall(b"\x40\x02" + identifier)


_CONNECT, _PUBLISH = 1, 3


def _remaining_length(stream):
    """Seven bits a byte, lowest first (MQTT 3.1.1, section 2.2.3)."""
    length, shift = 0, 0
    while True:
        byte = stream.read(1)[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return length
