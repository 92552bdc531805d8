"""The residual field written a second time, from its docstrings.

Matrices are inverted, points really left out, and the dead believed by Bayes' theorem,
in probabilities; numbers are taken one at a time.
"""

import math
from dataclasses import dataclass

import numpy as np

from trainer.methods.spatial import between

WARMER = [0.25, 0.5, 1, 2, 4, 8, 16, 32]


def kernel(a, b, length):
    r = np.linalg.norm(np.subtract(a, b)) / length
    return (1 + 3**0.5 * r) * np.exp(-(3**0.5) * r)


def regression(where, known, values, length, noise, asked=None):
    """Values where asked, everywhere unless one says, of values at some points."""
    asked = range(len(where)) if asked is None else asked
    inside = [[kernel(where[p], where[q], length) for q in known] for p in known]
    inside = np.reshape(inside, (len(known), len(known)))
    inverse = np.linalg.inv(inside + noise * np.eye(len(known)))
    across = [[kernel(where[p], where[q], length) for q in known] for p in asked]
    return np.array(across) @ inverse @ values


def missed_squares(where, known, values, length, noise):
    """By how much the points are missed if the others alone are known, summed."""
    squares = np.zeros(values.shape[1])
    for i, point in enumerate(known):
        others = [j for j in range(len(known)) if j != i]
        rest = [known[j] for j in others]
        guess = regression(where, rest, values[others], length, noise, [point])
        squares += (guess[0] - values[i]) ** 2
    return squares


def mean_heard(values):
    """Mean of the positive ones; None without."""
    heard = [v for v in values if v > 0]
    return sum(heard) / len(heard) if heard else None


def pooled_variance(rows):
    """Per channel, of what is heard about the mean of its stop."""
    pooled = []
    for column in rows.values.T:
        total, freedom = 0.0, 0
        for stop in set(rows.stop_of.tolist()):
            heard = [v for v in column[rows.stop_of == stop] if v > 0]
            total += sum((v - sum(heard) / len(heard)) ** 2 for v in heard)
            freedom += max(len(heard) - 1, 0)
        pooled.append(total / max(freedom, 1))
    return np.array(pooled)


def deader(dead, detection):
    """Probability of being off the air after one more silence, by Bayes' theorem."""
    alive = (1 - dead) * (1 - np.minimum(detection, 0.92))
    return dead / (dead + alive)


def misfit(x, level, variance, detection, dead, freedom):
    """-log P(x), without the normalization of the density."""
    detection = min(max(detection, 0.08), 0.92)
    if x == 0:
        return -math.log(dead + (1 - dead) * (1 - detection))
    ratio = (x - level) ** 2 / (freedom * variance)
    return (freedom + 1) / 2 * math.log(1 + ratio) - math.log(detection)


@dataclass
class Map:
    """What `trainer.methods.field_map` says is expected where."""

    settings: object
    place: object
    sensor: float
    n_channels: int

    def __post_init__(self):
        locations = zip(self.place.locations, self.place.floors, strict=True)
        self.where = [(x, y, 10.0 * floor) for (x, y), floor in locations]
        self.owner_of = list(range(len(self.where)))
        self.level = np.zeros((len(self.where), self.n_channels))
        self.detection = np.zeros((len(self.where), self.n_channels))
        self.has_past = self.is_known = np.zeros(self.n_channels, bool)
        self.dead = np.full(self.n_channels, 0.5)

    def draw(self, past):
        """History."""
        known = sorted(set(past.point_of.tolist()))
        for p in known:
            for c, column in enumerate(past.values[past.point_of == p].T):
                level = mean_heard(column)
                self.level[p, c] = 5.0 if level is None else level
                self.detection[p, c] = sum(column > 0) / len(column)
        lacking = [p for p in range(len(self.where)) if p not in known]
        noise, length = self.settings.noise_of_value, self.length(known)
        for values in (self.level, self.detection):
            base = values[known].mean(axis=0)
            guess = base + regression(
                self.where, known, values[known] - base, length, noise
            )
            values[lacking] = guess[lacking]
        self.detection = np.minimum(np.maximum(self.detection, 0), 1)
        self.variances = self.sensor + pooled_variance(past)
        self.has_past = self.is_known = past.values.max(axis=0) > 0
        self.dead = np.full(self.n_channels, self.settings.dead_before)
        return self

    def add_between(self, shown):
        """Places between the points that were calibrated; before anything is drawn."""
        shown = sorted(set(shown))
        more, floors = between(self.place.locations[shown], self.place.floors[shown])
        for (x, y), floor in zip(more, floors, strict=True):
            self.where.append((x, y, 10.0 * floor))
            gaps = [
                np.linalg.norm(np.subtract(self.where[-1], self.where[p]))
                for p in shown
            ]
            self.owner_of.append(shown[int(np.argmin(gaps))])
        self.level = np.zeros((len(self.where), self.n_channels))
        self.detection = self.level.copy()
        return self

    def bend(self, fresh):
        """Today's shots."""
        settings = self.settings
        shown = sorted(set(fresh.point_of.tolist()))
        level, detection = self.level.copy(), self.detection.copy()
        change = np.zeros((len(shown), self.n_channels))
        gain, n_heard = change.copy(), np.zeros(self.n_channels)
        new = {}
        for c in range(self.n_channels):
            columns = [fresh.values[fresh.point_of == p, c] for p in shown]
            today = [mean_heard(column) for column in columns]
            rate = [sum(column > 0) / len(column) for column in columns]
            if not self.has_past[c]:
                heard = [value for value in today if value is not None]
                level[:, c] = np.mean(heard) if heard else 0
                detection[:, c] = np.mean(rate)
            for i, p in enumerate(shown):
                gain[i, c] = rate[i] - detection[p, c]
                if today[i] is None:
                    continue
                n_heard[c] += 1
                if self.has_past[c] and self.detection[p, c] == 0:
                    new[p, c] = today[i]
                else:
                    change[i, c] = today[i] - level[p, c]
        any_past = self.has_past.any()
        noise = settings.noise_of_change if any_past else settings.noise_of_value
        field = (self.where, shown)
        law = (self.length(shown), noise)
        level = np.maximum(level + regression(*field, change, *law), 0)
        for (p, c), value in new.items():
            level[p, c] = value
        detection += regression(*field, gain, *law)
        within = pooled_variance(fresh)
        missed = missed_squares(*field, change, *law) / np.maximum(n_heard, 1)
        old = self.variances if any_past else np.zeros(self.n_channels)
        if len(shown) < settings.few_points:
            unheard = self.sensor + within + 10**2
        else:
            old, unheard = (old + missed) / 2, self.sensor / 2 + within + missed
        self.variances = np.where(self.has_past, old, unheard)
        heard_today = fresh.values.max(axis=0) > 0
        for p in fresh.point_of:
            self.dead = deader(self.dead, self.detection[p])
        self.dead = np.where(heard_today, 0, self.dead)
        self.is_known = self.is_known | heard_today
        self.level = level
        self.detection = np.minimum(np.maximum(detection, 0), 1)
        return self

    def length(self, points):
        """Of the field [m]."""
        where = {self.where[p] for p in points}
        if len(where) == 1:
            return 1e12
        nearest = [
            min(np.linalg.norm(np.subtract(p, q)) for q in where if q != p)
            for p in where
        ]
        own = self.settings.lengths * np.median(nearest)
        return max(own, self.settings.shortest_length_m)

    def scores(self, x, dead):
        """T times log P(candidate | x), and a constant; None where x hears nothing."""
        if not any(x[c] > 0 for c in range(len(x)) if self.is_known[c]):
            return None
        used = [c for c in range(len(x)) if self.is_known[c] and dead[c] < 0.999]
        n_alive = sum(1 - dead[c] for c in used)
        freedom = self.settings.freedom
        return [
            -sum(
                misfit(
                    x[c], level[c], self.variances[c], detection[c], dead[c], freedom
                )
                for c in used
            )
            / n_alive**0.5
            for level, detection in zip(self.level, self.detection, strict=True)
        ]

    def locate(self, samples, temperature):
        """Fixes of samples above the floor in order, and their posteriors."""
        dead, locations, posteriors = self.dead, [], []
        for x in samples:
            dead = np.where(x > 0, 0, dead)
            scores = self.scores(x, dead)
            posterior = np.zeros(self.place.n_points)
            if scores is None:
                locations.append(self.place.locations.mean(axis=0))
                posteriors.append(posterior + 1 / self.place.n_points)
                continue
            weights = proportions(scores, temperature)
            for weight, owner in zip(weights, self.owner_of, strict=True):
                posterior[owner] += weight
            locations.append(weights @ np.array(self.where)[:, :2])
            posteriors.append(posterior)
            dead = deader(dead, weights @ self.detection)
        return np.array(locations), np.array(posteriors)


def proportions(scores, temperature):
    """Probabilities that are proportional to exp(scores / temperature)."""
    weights = [math.exp((s - max(scores)) / temperature) for s in scores]
    return np.array(weights) / sum(weights)


def best_temperature(settings, place, sensor, fresh):
    """T with which every fifth point is located best by the other four fifths."""
    shown = set(fresh.point_of.tolist())
    if len(shown) < settings.few_points:
        return settings.temperature
    in_order = sorted(shown, key=lambda p: (place.floors[p], *place.locations[p]))
    errors = dict.fromkeys([settings.temperature * w for w in WARMER], 0.0)
    for fold in range(5):
        is_out = np.isin(fresh.point_of, in_order[fold::5])
        field = Map(settings, place, sensor, fresh.values.shape[1])
        field.add_between(fresh.point_of[~is_out].tolist()).bend(fresh.select(~is_out))
        tested = np.flatnonzero(is_out)
        for row in tested[:: max(math.ceil(len(tested) / 40), 1)]:
            scores = field.scores(fresh.values[row], field.dead)
            if scores is None:
                continue
            for t in errors:
                fix = proportions(scores, t) @ np.array(field.where)[:, :2]
                truth = place.locations[fresh.point_of[row]]
                errors[t] += np.linalg.norm(fix - truth)
    return min(errors, key=errors.get)
