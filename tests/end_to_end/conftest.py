"""Real peers: a mosquitto of our own, and a subscriber that counts."""

import json
import queue
import subprocess
import sys
from pathlib import Path

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.brokers import find_program, free_port, is_listening, wait_until

AGENT = [sys.executable, "-m", "edge_agent"]


@pytest.fixture
def mosquitto(tmp_path):
    """Port of a private mosquitto."""
    program = find_program("mosquitto")
    port = free_port()
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    process = subprocess.Popen(
        [program, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: is_listening(port), "mosquitto listens")
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
