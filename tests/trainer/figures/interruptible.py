"""A figure in a process of its own, to be interrupted: ``OUT N_PROCESSES``."""

import sys
from pathlib import Path

from tests.trainer.figures.counted import Drawn, Numbers
from trainer.figures.run import run_figures

FIGURE = Drawn(Numbers(seconds=0.3), n_seeds=4)

if __name__ == "__main__":
    run_figures(Path(sys.argv[1]), [FIGURE], n_processes=int(sys.argv[2]))
