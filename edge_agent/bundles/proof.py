"""Whether a bundle is a model, and this machine computes it as its author did."""

from edge_agent.bundles import golden
from edge_agent.bundles.bundle import Bundle
from edge_agent.bundles.files import BundleFiles, Kind
from edge_agent.bundles.golden import Difference
from edge_agent.bundles.golden_file import GOLDEN
from edge_agent.config import ModelConfig
from edge_agent.errors import BundleError
from edge_agent.estimators import Estimator
from edge_agent.learning.backends import Backend
from edge_agent.models import model_of
from edge_agent.rss import golden as rss_golden
from edge_agent.rss.bundle import RssBundle


def prove(files: BundleFiles, config: ModelConfig) -> bool:
    """Check a bundle as it is going to be used.

    Args:
        files: Verified.
        config: What computes and what locates.

    Returns:
        Whether the bundle brought a golden task, and it was repeated.

    Raises:
        BundleError: The files do not make a model, or what is configured to locate is
            not among them, or a parameter set does not fit, or the golden task comes
            out otherwise.
        BackendError: What is configured to compute is not there.
    """
    model_of(files, Estimator(config.estimator))
    if files.kind is Kind.CSI:
        Bundle.from_files(files).check_sets()
    if GOLDEN not in files.contents:
        return False
    wrong = [d for d in _differences(files, config) if not d.is_allowed]
    if wrong:
        raise BundleError(
            f"{files.directory}: this machine does not compute what it should "
            f"(model.backend is {config.backend}): {'; '.join(map(str, wrong))}. Which "
            "back end does: edge_agent selftest"
        )
    return True


def _differences(files: BundleFiles, config: ModelConfig) -> tuple[Difference, ...]:
    if files.kind is Kind.RSS:
        return rss_golden.check(RssBundle.from_files(files))
    bundle = Bundle.from_files(files)
    return golden.check(bundle, Backend(config.backend)).differences
