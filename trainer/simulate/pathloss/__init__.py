"""Received power in places that are described by path-loss models alone.

    P_r = P_t + G - PL(d, f) - X_σ          Eq. (1) of the paper, for any PL [dBm]

    laws.py       PL(d, f): close-in, floating intercept, with one slope and with two
    tables.py     the published fits: a law, its σ, and where it is printed
    sight.py      P_LOS(d): how likely a transmitter is in sight
    models.py     models (a) to (e) of the paper, and TR 38.901 InH
    fields.py     standard normal values that belong to places: shadowing, sight
    shadowing.py  what X_σ belongs to, and how much of it is a day's own
    site.py       a square with access points: what is received where
    tasks.py      the tasks of the conference paper, reconstructed
    survey.py     reference points and samples of a task

Pure numpy; nothing is read or written. `trainer.surveys.pathloss` makes surveys of it.
"""
