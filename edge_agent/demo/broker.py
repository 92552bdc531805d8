"""An MQTT broker inside the process, for the demonstration only.

amqtt speaks MQTT 3.1.1 and leaks retained messages across its access rules, so it
listens on loopback and nowhere else. For everything real: mosquitto.
"""

import asyncio
import logging
import threading
import warnings
from types import TracebackType
from typing import Any, Self

from edge_agent.errors import BrokerError

_START_TIMEOUT_S = 10.0


class EmbeddedBroker:
    """A broker on 127.0.0.1 while entered; anybody on this machine may connect."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._over = asyncio.Event()
        self._failure: BaseException | None = None
        self._broker: Any = None
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)

    def __enter__(self) -> Self:
        """Start the broker.

        Raises:
            BrokerError: amqtt is not installed, or the port is taken.
        """
        self._thread.start()
        if not self._started.wait(_START_TIMEOUT_S):
            raise BrokerError("the embedded broker did not start within 10 s")
        if isinstance(self._failure, ImportError):
            raise BrokerError(
                "the demonstration needs amqtt, which is not installed here; in a "
                "clone of MetaLoc: make demo"
            )
        if self._failure is not None:
            raise BrokerError(
                f"the embedded broker cannot use port {self.port}: "
                f"{self._failure.__cause__ or self._failure}; choose another: "
                "edge_agent demo --port N"
            )
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Not loop.stop, which is lost on a loop that has not quite started.
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._start())
        except Exception as error:  # noqa: BLE001  (handed to the thread that waits)
            self._failure = error
        self._started.set()
        if self._failure is None:
            self._loop.run_until_complete(self._over.wait())
            self._loop.run_until_complete(self._broker.shutdown())
        self._loop.close()

    async def _start(self) -> None:
        with warnings.catch_warnings():
            # Its dependencies warn about each other at import time.
            warnings.simplefilter("ignore")
            from amqtt.broker import Broker
        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._broker = Broker(
            {
                "listeners": {
                    "default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}
                },
                "plugins": {
                    "amqtt.plugins.authentication.AnonymousAuthPlugin": {
                        "allow_anonymous": True
                    }
                },
            },
            loop=self._loop,
        )
        await self._broker.start()
