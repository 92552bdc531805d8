"""A shot that was taken at the wrong place: it no longer counts, and is kept."""

from edge_agent.errors import WalkError
from edge_agent.walking.label import ShotLabel
from edge_agent.walking.walk_store import WalkStore


def forget_shot(store: WalkStore, number: int) -> tuple[str, ShotLabel, bool]:
    """Let a shot of the newest walk no longer count.

    Args:
        store: The site's walks.
        number: Of the shot, as `edge_agent.guide.listing` shows it.

    Returns:
        The walk's name, the shot's label, and whether the walk is over.

    Raises:
        WalkError: There is no walk or no such shot, somebody walks it, or the disk
            fails; the shot counts as before.
    """
    newest = store.walks()[-1:]
    if not newest:
        raise WalkError(
            "this site was never walked, so there is no shot to forget; begin with "
            "edge_agent calibrate"
        )
    with store.open(newest[0]) as walk:
        return walk.name, walk.forget(number), walk.is_finished
