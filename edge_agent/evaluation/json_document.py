"""An evaluation for programs."""

from typing import Any

from edge_agent.evaluation.evaluation import Evaluation
from edge_agent.evaluation.figures import Errors, Figures, Share
from edge_agent.evaluation.intervals import Interval


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return everything, in JSON values."""
    same = evaluation.same_visit_figures
    return {
        "site": evaluation.site,
        "calibration": evaluation.calibration,
        "model": evaluation.model,
        "environment": evaluation.environment,
        "visits": list(dict.fromkeys(evaluation.judged.visits)),
        "is_revisit": evaluation.is_revisit,
        "captures": evaluation.n_captures,
        "captures_without_location": evaluation.n_silent,
        **_figures_json(evaluation.figures),
        "same_visit": None if same is None else _figures_json(same),
        "rooms": [
            {
                "room": name,
                **_figures_json(figures),
                "taken_for": evaluation.taken_for(name),
            }
            for name, figures in evaluation.by_room.items()
        ],
        "points": [
            {
                "point": point.name,
                "room": point.room,
                "x_m": point.x,
                "y_m": point.y,
                "floor": point.floor,
                **_figures_json(figures),
            }
            for point, figures in evaluation.by_point.items()
        ],
        "cautions": list(evaluation.cautions),
    }


def _figures_json(figures: Figures) -> dict[str, Any]:
    return {
        "locations": figures.n,
        "error_m": None if figures.errors is None else _errors_json(figures.errors),
        "zone_detection": _share_json(figures.room),
        "nearest_point": _share_json(figures.point),
        "floor_detection": _share_json(figures.floor),
        "coverage": {
            "r68": _share_json(figures.within_r68),
            "r95": _share_json(figures.within_r95),
        },
        "availability": _share_json(figures.available),
        "known": _share_json(figures.known),
        "quality": {
            str(k): round(n / figures.n, 4) for k, n in figures.quality.items()
        },
    }


def _errors_json(errors: Errors) -> dict[str, Any]:
    return {
        "n": errors.n,
        "mean": round(errors.mean, 4),
        "mean_interval": _interval_json(errors.mean_interval),
        **{
            name: round(getattr(errors, name), 4)
            for name in ("median", "p75", "p90", "p95", "rmse", "std")
        },
        "max": round(errors.largest, 4),
        "cep": round(errors.median, 4),
        "ce95": round(errors.p95, 4),
        "bias": [round(v, 4) for v in errors.bias],
        "covariance_m2": [round(v, 4) for v in errors.covariance],
        "centre": round(errors.centre, 4),
        "random_point": round(errors.random_point, 4),
        "mean_r95": round(errors.r95, 4),
    }


def _share_json(share: Share) -> dict[str, Any] | None:
    if not share.n:
        return None
    return {
        "n": share.n,
        "share": round(share.value, 4),
        "interval": _interval_json(share.interval),
    }


def _interval_json(interval: Interval) -> list[float] | None:
    return None if interval is None else [round(v, 4) for v in interval]
