"""What live capture costs and bears: between two network namespaces, as root.

    sudo python benchmarks/capture.py [--seconds 60]

1. loss at 3 x 1000 frames/s while the main thread computes in pure Python throughout;
2. CPU per frame at 1000 frames/s, beside scapy's own sniff() in the same run;
3. loss of bursts, and the rate at which they were sent.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

BURSTS = ((20_000, 200_000), (200_000, 200_000), (200_000, 400_000))


def cpu_seconds() -> float:
    """Return user and system time of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def receive_ours(seconds: float, *, busy: bool) -> dict[str, float]:
    """Capture for a while; runs inside the receiving namespace."""
    from edge_agent.live import LiveCapture

    taken, stop = 0, threading.Event()

    def consume(capture: LiveCapture) -> None:
        nonlocal taken
        while not stop.is_set():
            raw = capture.read(at_least=25, timeout_s=0.05)
            taken += 0 if raw is None else len(raw)

    with LiveCapture("wlan0", buffer_frames=65_536) as capture:
        print("ready", flush=True)
        consumer = threading.Thread(target=consume, args=(capture,))
        consumer.start()
        started, deadline = cpu_seconds(), time.monotonic() + seconds
        while time.monotonic() < deadline:
            if busy:
                sum(i * i for i in range(1000))
            else:
                time.sleep(0.1)
        spent = cpu_seconds() - started
        stop.set()
        consumer.join()
    counters = capture.counters
    return {
        "taken": taken,
        "received": counters.received,
        "lost": counters.dropped_by_kernel + counters.dropped_by_agent,
        "cpu": spent,
    }


def receive_sniff(seconds: float) -> dict[str, float]:
    """Capture with scapy's sniff(), which dissects every packet."""
    import logging

    logging.getLogger("scapy").setLevel(logging.ERROR)
    from scapy.layers import l2  # noqa: F401  (so that it knows Ethernet)
    from scapy.sendrecv import sniff

    taken = 0

    def count(_packet: object) -> None:
        nonlocal taken
        taken += 1

    print("ready", flush=True)
    started = cpu_seconds()
    sniff(iface="wlan0", prn=count, store=False, timeout=seconds)
    return {
        "taken": taken,
        "received": taken,
        "lost": 0,
        "cpu": cpu_seconds() - started,
    }


class Link:
    """Two namespaces joined by a virtual link."""

    def __init__(self) -> None:
        self.sender, self.receiver = f"bench-s{os.getpid()}", f"bench-r{os.getpid()}"

    def __enter__(self) -> "Link":
        for name in (self.sender, self.receiver):
            subprocess.run(["ip", "netns", "add", name], check=True)
        subprocess.run(
            [
                *("ip", "link", "add", "wlan0", "netns", self.sender, "type", "veth"),
                *("peer", "name", "wlan0", "netns", self.receiver),
            ],
            check=True,
        )
        for name in (self.sender, self.receiver):
            subprocess.run(["ip", "-n", name, "link", "set", "wlan0", "up"], check=True)
        return self

    def __exit__(self, *_: object) -> None:
        for name in (self.sender, self.receiver):
            subprocess.run(["ip", "netns", "delete", name], check=False)

    def run(
        self, receiver: str, seconds: float, count: int, rate: float
    ) -> tuple[dict[str, float], float]:
        """Start a receiver, send, and return what it saw and the rate sent."""
        inside = ["ip", "netns", "exec"]
        process = subprocess.Popen(
            [
                *(*inside, self.receiver, sys.executable, __file__),
                *("--receiver", receiver, "--seconds", str(seconds)),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.3)
        sent = subprocess.run(
            [
                *(*inside, self.sender, sys.executable, ROOT / "benchmarks/traffic.py"),
                *("wlan0", str(count), str(rate)),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        out, _ = process.communicate()
        return json.loads(out), float(sent.stdout)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--receiver", choices=["ours", "busy", "sniff"])
    args = parser.parse_args()
    if args.receiver == "sniff":
        print(json.dumps(receive_sniff(args.seconds)))
        return
    if args.receiver:
        print(json.dumps(receive_ours(args.seconds, busy=args.receiver == "busy")))
        return
    if os.geteuid() != 0:
        sys.exit(
            "needs root to make network namespaces: sudo python benchmarks/capture.py"
        )
    with Link() as link:
        count = int(3000 * args.seconds)
        seen, rate = link.run("busy", args.seconds + 4, count, 3000)
        print(
            f"{count} frames at {rate:.0f}/s, main thread busy: "
            f"{count - seen['taken']:.0f} lost"
        )
        cost = {}
        for name in ("ours", "sniff"):
            count = 15_000
            idle, _ = link.run(name, 8, 1, 1000)
            seen, rate = link.run(name, 19, count, 1000)
            # What an idle receiver costs is not the frames' doing.
            cost[name] = (seen["cpu"] - idle["cpu"] * 19 / 8) / seen["taken"] * 1e6
            print(
                f"{name}: {cost[name]:.1f} us of CPU per frame at {rate:.0f}/s, "
                f"{count - seen['taken']:.0f} lost"
            )
        print(f"sniff / ours = {cost['sniff'] / cost['ours']:.1f}")
        for count, wanted in BURSTS:
            seen, rate = link.run("ours", 6, count, wanted)
            print(f"burst of {count} at {rate:.0f}/s: {count - seen['taken']:.0f} lost")


if __name__ == "__main__":
    main()
