"""Environments made of numbers that are written down, for estimators."""

import numpy as np

from trainer.surveys.environment import Environment, Place, Signals

NAN = np.nan


def hall(locations, n_channels, *, floors=None, name="hall"):
    """A place with points where one says."""
    locations = np.array(locations, np.float64)
    floors = np.zeros(len(locations)) if floors is None else np.array(floors)
    channels = tuple(f"ap{i}" for i in range(n_channels))
    return Place(name, locations, floors.astype(np.intp), channels)


def power(rss):
    """Signals of received powers alone [dBm], a row per sample; NaN where unheard."""
    return Signals(np.array(rss, np.float32))


def images(amplitudes):
    """Signals of images without a known power, shape (n, packets, tones, channels)."""
    amplitudes = np.array(amplitudes, np.float32)
    return Signals(
        np.full((len(amplitudes), amplitudes.shape[3]), NAN, np.float32), amplitudes
    )


def day(place, signals, points, *, visits=0, name="d0", order=0):
    """Samples of a place on one day; powers may be given as rows of numbers."""
    if not isinstance(signals, Signals):
        signals = power(signals)
    points = np.array(points, np.intp)
    visits = np.broadcast_to(np.array(visits, np.intp), points.shape)
    is_test = np.zeros(len(points), np.bool_)
    return Environment(name, place, order, signals, points, visits, is_test)


def nothing(place, *, is_csi=False):
    """No shots."""
    n_channels = len(place.channels)
    signals = (
        images(np.zeros((0, 1, 1, n_channels)))
        if is_csi
        else power(np.zeros((0, n_channels)))
    )
    return day(place, signals, [], name="today")


def located(method, history, shots, signals, *, where=None):
    """Learn, calibrate and locate."""
    if not isinstance(signals, Signals):
        signals = power(signals)
    learnt = method.learn(history, np.random.default_rng(0))
    return learnt.calibrate(where or shots.place, shots).locate(signals)
