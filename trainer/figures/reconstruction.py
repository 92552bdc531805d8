"""What the notes say about tables and settings that the paper does not print."""

from typing import Final

TABLE_ONE: Final = (
    "Table I of [1] (the conference paper) could not be obtained. Ours is "
    "reconstructed: four training tasks and one test task of model (a) in squares of "
    "20 m (trainer/simulate/pathloss/tasks.py). Results do not compare number by "
    "number.",
    "The paper's α is 0.0001, on inputs in metres and decibels as it seems; here "
    "inputs are in units of 10 m and 10 dB, locations relative to the mean of the five "
    "nearest reference points, and α is 0.01. Hidden layers have 64 units.",
)

TABLE_TWO: Final = (
    "Table II of [1] could not be obtained. Its test tasks are stated in the paper; "
    "its training tasks are reconstructed (trainer/simulate/pathloss/tasks.py).",
    TABLE_ONE[1],
)
