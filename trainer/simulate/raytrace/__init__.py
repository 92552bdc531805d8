"""Ray-traced rooms: an optional extra, ``pip install '.[raytrace]'``.

    layouts.py    what a room is made of, and where radios are
    scenarios.py  the six rooms S1 ... S6
    scene.py      the room as triangles
    worker.py     the process that traces; all that imports sionna
    process.py    starts it, and says what went wrong when it does not come back
    probe.py      whether tracing works on this machine, and what to do if not
    trace.py      frequency responses and signal strengths of a layout
    tables.py     signal strengths on disk; those of S1 ... S6 come with the package
    golden.py     an empty room, against which the built-in simulator is tested

sionna-rt compiles its kernels with LLVM, and an LLVM that cannot compile them ends the
process. Everything of it happens in a process of its own, therefore.
"""
