"""Settings as plain values."""

import json
from functools import partial

from trainer.figures.settings import settings_json
from trainer.methods.networks import Budget, Training


def test_settings_become_plain_values():
    value = {
        "budget": Budget(n_epochs=2),
        "what": (Training.RI, None, 1.5, True, "text"),
        "function": settings_json,
        "partial": partial(settings_json, 3),
        "unlimited": float("inf"),
        "other": object(),
    }

    assert json.loads(json.dumps(settings_json(value), allow_nan=False)) == {
        "budget": {
            "class": "Budget",
            "n_epochs": 2,
            "max_iterations": 1000,
            "max_steps": 50,
        },
        "what": ["ri", None, 1.5, True, "text"],
        "function": "settings_json",
        "partial": {"function": "settings_json", "of": [3]},
        "unlimited": "inf",
        "other": "object",
    }
