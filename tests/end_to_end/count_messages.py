"""Count the locations of one agent until it says that it stopped."""

import sys

from tests.end_to_end.conftest import Subscriber

if __name__ == "__main__":  # python -m tests.end_to_end.count_messages PORT
    subscriber = None
    while subscriber is None:
        try:
            subscriber = Subscriber(int(sys.argv[1]))
        except ConnectionRefusedError:  # the broker is still starting
            continue
    sys.stdout.write("subscribed\n")
    sys.stdout.flush()
    messages = subscriber.until_stopped()
    locations = [topic for topic, _ in messages if topic.endswith("/location")]
    sys.stdout.write(f"{len(locations)}\n")
