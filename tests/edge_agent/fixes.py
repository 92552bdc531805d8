"""A location as a pipeline hands it on."""

from edge_agent.estimate import Estimate, Position
from edge_agent.payload import Source
from edge_agent.pipeline import Fix

FIX = Fix(
    Estimate(
        time_ns=1_795_391_940_123_000_000,  # 2026-11-22T23:59:00Z
        position=Position(1.234, 12.5, (1.0, 0.0, 1.0), 0.96, 2.0),
        floor=0,
        rooms=(("kitchen", 0.826), ("office", 0.174)),
        posterior=(1.0,),
        n_frames=24,
        window_s=2.5,
        n_heard=2,
        n_channels=3,
    ),
    Source.REPLAY,
)
