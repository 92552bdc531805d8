"""Real peers: a mosquitto of our own, and a subscriber that counts."""

import json
import queue
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

AGENT = [sys.executable, "-m", "edge_agent"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, *, seconds, what):
    """Poll until a condition holds; fail with what was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.02)


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def mosquitto(tmp_path):
    """Port of a private mosquitto."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        pytest.skip("mosquitto is not installed (apt install mosquitto)")
    port = free_port()
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    process = subprocess.Popen(
        [program, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: is_listening(port), seconds=10, what="mosquitto")
        yield port
    finally:
        process.terminate()
        process.wait()


class Subscriber:
    """Collects (topic, JSON document) from one broker."""

    def __init__(self, port, topic="metaloc/#"):
        self.messages = queue.Queue()
        subscribed = queue.Queue()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda _c, _u, m: self.messages.put(
            (m.topic, json.loads(m.payload))
        )
        self._client.on_subscribe = lambda *_: subscribed.put(None)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe(topic, qos=1)
        subscribed.get(timeout=10)

    def drain(self):
        """Return what has arrived since the last call."""
        messages = []
        while not self.messages.empty():
            messages.append(self.messages.get())
        return messages

    def until_stopped(self):
        """Return all messages up to the agent's farewell."""
        messages = []
        while True:
            topic, document = self.messages.get(timeout=30)
            messages.append((topic, document))
            if document.get("state") == "stopped":
                return messages

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def subscriber(mosquitto):
    subscriber = Subscriber(mosquitto)
    yield subscriber
    subscriber.close()


def run_agent(*arguments, **options):
    """Run the agent to its end and return the completed process."""
    return subprocess.run(
        [*AGENT, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).resolve().parent.parent.parent,
        **options,
    )
