"""The model that a bundle holds, whatever its kind."""

from collections.abc import Callable
from typing import Any

from edge_agent.bundles.bundle import Bundle
from edge_agent.bundles.files import BundleFiles, Kind
from edge_agent.bundles.model_in_use import load_files
from edge_agent.config import ModelConfig
from edge_agent.csi_model import CsiModel
from edge_agent.errors import BundleError, UsageError
from edge_agent.estimators import Estimator
from edge_agent.rss.bundle import RssBundle
from edge_agent.rss.model import RssModel
from edge_agent.site_model import SiteModel


def load_model(
    model: ModelConfig,
    *,
    on_caution: Callable[[str], None],
    parameter_set: str | None = None,
) -> SiteModel[Any, Any]:
    """Return the model that the agent works with.

    Args:
        model: Which one.
        on_caution: Called with what is not as it should be.
        parameter_set: As of `model_of`.

    Raises:
        BundleError: It cannot be used, nor can those before it; or it has no such
            estimator as is configured, or no such parameter set.
        ConfigError: Trusted keys are named and cannot be read.
    """
    files = load_files(model, on_caution=on_caution)
    return model_of(files, Estimator(model.estimator), parameter_set)


def model_of(
    files: BundleFiles,
    estimator: Estimator = Estimator.AUTO,
    parameter_set: str | None = None,
) -> SiteModel[Any, Any]:
    """Return the model that verified files hold.

    Args:
        files: Of any kind.
        estimator: What is to locate.
        parameter_set: What sites are to start from; None: what their shots are like.

    Raises:
        BundleError: The files do not make a model of their kind, or one of this kind
            has no other estimator than its own, or there is no such parameter set.
        UsageError: A parameter set is named, and there is but one.
    """
    if files.kind is Kind.RSS:
        if estimator is not Estimator.AUTO:
            raise BundleError(
                f"{files.directory} locates from received power, in one way; do "
                f"without --estimator, or leave model.estimator at auto (it is "
                f"{estimator})"
            )
        if parameter_set is not None:
            raise BundleError(
                f"{files.directory} locates from received power, with one set of "
                f"parameters; do without --set {parameter_set}"
            )
        return RssModel(RssBundle.from_files(files))
    bundle = Bundle.from_files(files)
    if parameter_set is not None:
        if bundle.sets is None:
            raise UsageError(
                f"the bundle {bundle.manifest.name} has one parameter set; do without "
                f"--set {parameter_set}"
            )
        bundle.parameters_of(parameter_set)
    return CsiModel(bundle, estimator, parameter_set)
