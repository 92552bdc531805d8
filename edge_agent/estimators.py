"""What locates at a site.

    network       the paper's, adapted by gradient steps  `learning.predictor`
    neighbours    whitened fingerprints of the shots      `neighbours.estimator`

docs/estimators.md says which is better when, and by how much.
"""

from enum import StrEnum


class Estimator(StrEnum):
    """What turns images into probabilities."""

    AUTO = "auto"
    """What the trainer recommends in the bundle."""

    NETWORK = "network"
    NEIGHBOURS = "neighbours"
