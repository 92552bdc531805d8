"""The site that a configuration names, ready to locate at."""

from collections.abc import Callable
from typing import Any

from edge_agent.config import AgentConfig
from edge_agent.csi.iq_order import IqOrder
from edge_agent.learning.backends import Backend
from edge_agent.site_model import OpenSite, SiteModel


def open_configured_site(
    model: SiteModel[Any, Any],
    config: AgentConfig,
    *,
    hop: int,
    on_caution: Callable[[str], None],
) -> OpenSite:
    """Open the site with what the configuration says of it.

    Args:
        model: What locates.
        config: Names the site, and says how to read and what computes.
        hop: New packets per access point from one location to the next.
        on_caution: Called with what a person should know.

    Raises:
        BackendError: What was asked to compute is not there or cannot be used.
        CalibrationError: The site has no calibration, or one of another model.
    """
    return model.open_site(
        config.model.site_path(config.site.name),
        hop=hop,
        iq_order=IqOrder(config.capture.iq_order),
        backend=Backend(config.model.backend),
        on_caution=on_caution,
    )
