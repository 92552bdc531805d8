"""What can go wrong with the figures."""

from trainer.errors import TrainerError


class FigureError(TrainerError):
    """Something a figure needs is missing or damaged, or it cannot be written."""
