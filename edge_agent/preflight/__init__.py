"""Finds what is wrong before anybody walks, names it, and says what to do about it.

run.py  gathers facts:  edge_agent.interface  hearing.py  clock.py  disk.py
   |
interface.py, air.py, clock.py, disk.py:  facts -> findings, pure functions
   |
report.py  what stops comes first
"""
