"""What locates at a site.

    network       the paper's, adapted by gradient steps  `learning.predictor`
    neighbours    whitened fingerprints of the shots      `neighbours.estimator`
    ensemble      the geometric mean of these two         `trust.learners`
    map           history's map, bent by the shots        `neighbours.bent_map`

docs/estimators.md says which is better when, and by how much.
"""

from enum import StrEnum


class Estimator(StrEnum):
    """What turns images into probabilities."""

    AUTO = "auto"
    """What won the replay of the site's own past, or else what the trainer recommends
    in the bundle."""

    NETWORK = "network"
    NEIGHBOURS = "neighbours"
    ENSEMBLE = "ensemble"
    MAP = "map"
