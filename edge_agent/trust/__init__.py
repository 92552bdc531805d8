"""A location that a person can trust: the site's own past says how far.

episodes      that past as if it were today: calibrated, then asked on a later visit
learners      network, neighbours, both, or a bent map, each taught by an episode
replayed      what a learner says of the queries, and how far off that is
strata        points with fresh shots and others, as often as people go there
choice        which learner locates: the one that won
temperature   how sure its posterior may be
radii         how far from its mean the truth is, as often as is promised
fitting       all of these, for one estimator
novelty       how unlike the site's shots an image is, and what that leaves of it
record        what comes of it for one site: what a `Localizer` applies
"""
