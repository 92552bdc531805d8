"""Calibrating a site again at a few points: which ones, how good, when it is enough."""
