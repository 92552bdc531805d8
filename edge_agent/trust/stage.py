"""What was fitted on replays of one kind: of the same day, or of later ones."""

from dataclasses import asdict, dataclass
from typing import Final

_LARGEST: Final = 1e6


@dataclass(frozen=True, slots=True)
class Stage:
    """What was fitted for one age of the calibration."""

    temperature: float
    """T."""

    accuracy: float
    """r68 / b."""

    bound: float
    """r95 / b."""

    expected: float
    """E[error] / b."""

    n_queries: float
    """Placements that were replayed for it; 0: it stands on what is known elsewhere."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            least = 0 if name != "temperature" else 1 / _LARGEST
            if type(value) not in (int, float) or not least <= value <= _LARGEST:
                raise ValueError(f"{name} is {value!r}, not {least:g} to {_LARGEST:g}")
        if self.accuracy > self.bound:
            raise ValueError(f"r68 is {self.accuracy} b, more than r95, {self.bound} b")
