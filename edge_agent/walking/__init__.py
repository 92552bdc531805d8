"""The calibration walk, without a terminal: packets, time and commands in, events out.

plan.py        which points, how many laps, how long it takes
shot_meter.py  what one shot has so far
verdict.py     whether it is any good, and what to do
walk_store.py  shots on disk, one by one
engine.py      `Walk`, the state machine that a terminal or a page drives
events.py, commands.py   the lines out and in: docs/calibration_protocol.md
"""
