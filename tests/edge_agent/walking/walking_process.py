"""A walk in a process of its own, for tests that kill it.

    python -m tests.edge_agent.walking.walking_process FOLDER

Shoots as fast as the disk lets it, round after round of the plan, and prints one line
for each shot once it is stored. Goes on with an unfinished walk.
"""

import sys
from pathlib import Path

from edge_agent.walking.plan import WalkPlan
from edge_agent.walking.walk_store import WalkStore
from tests.edge_agent.walking.walkers import POINTS, Person


def main(folder):
    name = WalkStore(folder / "walks").unfinished()
    plan = WalkPlan(POINTS, laps=9, shots_per_stop=20)
    person = (
        Person(folder, plan) if name is None else Person(folder, name=name, resume=True)
    )
    print("begun", person.first[0].n_done, flush=True)
    while person.walk.stop is not None:
        # Now and then a shot is taken again: two are on the disk for a moment.
        again = person.n_shots % 3 == 2
        events = person.do("retry") + person.hear(1) if again else person.shoot()
        for event in events:
            if event.kind == "stored":
                point, lap, shot = event.stop.key
                print("stored", event.number, point, lap, shot, flush=True)
            elif event.kind == "judged" and event.verdict.grade != "GOOD":
                person.do("keep")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
