"""One thread for linear algebra.

The network's matrices are small: more threads gain nothing on an idle machine, and on a
busy one they wait for each other (measured: 1.4 s became 55 s).
"""

import os


def use_one_blas_thread() -> None:
    """Limit numpy's linear algebra; must run before numpy is imported.

    What the environment says already is kept.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
