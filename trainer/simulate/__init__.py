"""Simulated rooms that write genuine Nexmon bytes.

    room.py      what the radio channel is at a place, on a day
    receiver.py  what the chip makes of it: gain control, noise, RSSI, integers
    nexmon.py    frames as UDP datagrams
    captures.py  pcapng files, marked as simulated
    survey.py    a whole survey: captures and the list that names their places

A first, small simulator: enough to train, test and demonstrate with. Its captures can
be told from real ones by everybody (edge_agent/csi/simulated.py).
"""
