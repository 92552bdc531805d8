"""Error against gradient steps, at the steps that a logarithmic axis can show."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from trainer.figures.meta_training import MODEL
from trainer.figures.statistics import Floats, rmse
from trainer.meta.inner_loop import Parameters, as_leaves, inner_step
from trainer.models.rss_regression import RssTask

_PER_DECADE: Final = 6

Step = Callable[[Parameters], Parameters]


def shown_steps(last: int) -> npt.NDArray[np.int64]:
    """Return 0, 1, and about six a decade up to ``last``, which is among them."""
    n = 1 + int(np.ceil(_PER_DECADE * np.log10(max(last, 1))))
    spaced = np.rint(np.geomspace(1, max(last, 1), n)).astype(np.int64)
    return np.unique(np.concatenate([[0], spaced[spaced <= last]]))


def descend(
    theta: Parameters, task: RssTask, *, alpha: float, n_steps: int
) -> Iterator[tuple[int, Parameters]]:
    """Yield θ after 0 .. ``n_steps`` steps of descent on the support, Eq. (14).

    Args:
        theta: Where it starts; not modified.
        task: Whose support set is descended on.
        alpha: Step size α.
        n_steps: Q.
    """
    adapted = as_leaves(theta)
    yield 0, adapted
    for step in range(1, n_steps + 1):
        adapted = inner_step(MODEL.support_loss, adapted, task, alpha)
        yield step, adapted


def descend_adam(
    theta: Parameters, task: RssTask, *, beta: float, n_steps: int
) -> Iterator[tuple[int, Parameters]]:
    """Yield θ after 0 .. ``n_steps`` steps of Adam on the support: the same tensors.

    Arguments are those of `descend`; ``beta`` is the step size.
    """
    adapted = {name: v.detach().clone().requires_grad_() for name, v in theta.items()}
    optimizer = torch.optim.Adam(adapted.values(), lr=beta)
    yield 0, adapted
    for step in range(1, n_steps + 1):
        optimizer.zero_grad()
        MODEL.support_loss(adapted, task).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        yield step, adapted


def rmse_at(
    path: Iterator[tuple[int, Parameters]],
    task: RssTask,
    steps: npt.NDArray[np.int64],
) -> Floats:
    """Return the RMSE of the query after some of the steps of a path [m], (n_steps,).

    Args:
        path: From `descend`, say.
        task: Whose query is located.
        steps: Ascending.
    """
    wanted = set(steps.tolist())
    return np.array(
        [rmse(MODEL.query_errors(at, task)) for step, at in path if step in wanted]
    )
