"""Places that do not exist: rooms that write genuine Nexmon bytes, and others.

    scenes.py    the hall and the laboratory; what a day has of its own
    room.py      a room on a day: what stands in it, drawn and moved
    channel.py   the radio channel at a place as it changes, by way of paths.py
    receiver.py  what the chip makes of it: gain control, noise, RSSI, losses
    listening.py a device put down, and what it hears of all access points
    likeness.py  how like recordings that is
    nexmon.py    frames as UDP datagrams
    captures.py  pcapng files, marked as simulated
    survey.py    random rooms to train on, and the list that names their places
    campaign.py  the paper's hall or laboratory, day by day
    pool.py      processes that share the work
    lab_walk.py  the walk of the demonstration
    pathloss/    received power in places that path-loss models describe
    raytrace/    rooms traced with sionna-rt, an optional extra

Its captures can be told from real ones by everybody (edge_agent/csi/simulated.py). What
is simulated, and how like recordings: docs/simulation.md.
"""
