"""A benchmark in a process of its own, to be interrupted: ``OUT N_PROCESSES``."""

import sys
from pathlib import Path

from tests.trainer.benchmark import synthetic
from trainer.benchmark.plan import Extent
from trainer.benchmark.protocol import Protocol
from trainer.benchmark.regimes import REGIMES
from trainer.benchmark.run import run_benchmark
from trainer.benchmark.workers import Bench


def main(out, n_processes, on_progress=lambda _progress: None):
    """Run 12 units that take a twentieth of a second each."""
    bench = Bench(
        data=out,
        out=out,
        protocols=(Protocol("days", history=("0-2",), test=("3-5",), rolling=True),),
        role="test",
        load=synthetic.load,
        make_methods=synthetic.make_slow_methods,
    )
    extent = Extent(("slow",), (REGIMES["1shot"], REGIMES["3shot"]), n_seeds=2)
    return run_benchmark(
        bench, extent, n_processes=n_processes, on_progress=on_progress
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
