"""``trainer simulate hall|lab``: captures of the paper's places, as many as it has."""

import argparse
import time
from pathlib import Path

from edge_agent.console import Console
from edge_agent.csi.frame import Generation
from trainer.commands.options import seed
from trainer.errors import TrainerError, UsageError
from trainer.simulate.campaign import Campaign
from trainer.simulate.campaign_folder import Progress, campaign_size, write_campaign
from trainer.simulate.captures import Container
from trainer.simulate.firmware import CHANSPECS, N_CORES, Firmware

_FULL = Campaign("hall")
_SAY_EVERY_S = 60.0

_EPILOG = f"""\
survey.csv has an environment per day, SCENE-day1 and so on, with two visits each. In
full {campaign_size(_FULL, Container.PCAPNG) / 1e9:.1f} GB, a minute or two; space is \
checked before. Ctrl-C keeps what is
finished, and the same command goes on with the rest.

Headers: mobisys_2018 (bcm4339 with --bandwidth 80 alone), old, new, plus, gain, pr169;
firmware_notes/csi_udp_format.md has their bytes. pcap and pcap-ns files (micro- and
nanoseconds) have no comment: the transmitter prefix alone marks them as simulated.

examples:
  trainer simulate SCENE out/SCENE
  trainer simulate SCENE out/few --points 12 --days 2 --images 6 --seed 1
  trainer simulate SCENE out/phone --chip bcm4339 --generation old --format pcap
  trainer train out/SCENE/survey.csv --out out/checkpoint.npz
  edge_agent adapt out/SCENE/survey.csv --environment SCENE-day5 --site SCENE
"""


def add_arguments(parser: argparse.ArgumentParser, scene: str) -> None:
    """Add the flags of a scene, ``hall`` or ``lab``."""
    add = parser.add_argument
    add("folder", type=Path, metavar="FOLDER", help="where to write")
    add("--seed", type=seed, default=0, help="another seed is another such place")
    add(
        "--points",
        type=int,
        default=_FULL.n_points,
        metavar="N",
        help="of the grid's 90, spread evenly (default 90)",
    )
    add("--days", type=int, default=_FULL.n_days, metavar="N", help="default 5")
    add(
        "--visits",
        type=int,
        default=_FULL.n_visits,
        metavar="N",
        help="laps over the points on a day, which share the images (default 2)",
    )
    add(
        "--images",
        type=int,
        default=_FULL.n_images,
        metavar="N",
        help="of a point on a day (default 52)",
    )
    add(
        "--packets",
        type=int,
        default=_FULL.n_packets,
        metavar="N",
        help="per image and access point (default 50)",
    )
    add("--chip", choices=N_CORES, default=_FULL.firmware.chip_name)
    add(
        "--generation",
        choices=[generation.name.lower() for generation in Generation],
        default=_FULL.firmware.generation.name.lower(),
        help="of the header (default new)",
    )
    add(
        "--bandwidth",
        type=int,
        choices=list(CHANSPECS),
        default=_FULL.firmware.bandwidth_mhz,
        help="of channel 36 [MHz] (default 20)",
    )
    add(
        "--format",
        choices=[container.value for container in Container],
        default=Container.PCAPNG.value,
    )
    add(
        "--jobs",
        type=int,
        default=1,
        metavar="N",
        help="processes, no more than processors (default 1)",
    )
    parser.epilog = _EPILOG.replace("SCENE", scene)


def run(args: argparse.Namespace, console: Console) -> int:
    """Simulate and write what is not there yet.

    Raises:
        TrainerError: Numbers that no campaign can have, a folder of something else, or
            one that cannot be written.
    """
    if args.jobs < 1:
        raise UsageError(f"--jobs is {args.jobs}, not 1 or more")
    generation = Generation[args.generation.upper()]
    campaign = Campaign(
        args.scene,
        n_points=args.points,
        n_days=args.days,
        n_visits=args.visits,
        n_images=args.images,
        n_packets=args.packets,
        firmware=Firmware(args.chip, generation, CHANSPECS[args.bandwidth]),
        seed=args.seed,
    )
    try:
        path = write_campaign(
            args.folder,
            campaign,
            Container(args.format),
            jobs=args.jobs,
            on_progress=_Reporter(console),
        )
    except OSError as error:
        raise TrainerError(f"cannot write {args.folder}: {error.strerror}") from error
    except KeyboardInterrupt:
        console.say("what is finished stays; the same command goes on with the rest")
        raise
    console.result(str(path))
    return 0


class _Reporter:
    """Shows progress, and once a minute says it, for those who keep a log."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        if progress.n_written == 0 and progress.n_kept:
            self._console.say(
                f"{progress.n_kept} of {progress.n_captures} captures are there already"
            )
        line = describe(progress)
        self._console.progress(line)
        if time.monotonic() - self._said >= _SAY_EVERY_S:
            self._said = time.monotonic()
            self._console.say(line)


def describe(progress: Progress) -> str:
    """Return for example ``capture 312/900, 35 %, 1 min 20 s left``."""
    share = 100 * progress.n_done // progress.n_captures
    line = f"capture {progress.n_done}/{progress.n_captures}, {share} %"
    if progress.left_s is None:
        return line
    minutes, seconds = divmod(round(progress.left_s), 60)
    return f"{line}, {f'{minutes} min ' if minutes else ''}{seconds} s left"
