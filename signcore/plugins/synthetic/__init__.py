"""The synthetic signer: an articulated 3-D person who signs glosses, rendered with exact truth.

Read in the order in which data flows: `lexicon` (facts of signs) -> `signs` (timed targets) -> `motion` (trajectories)
-> `skeleton` and `hand` (joints) -> `shapes` and `face` (solids) -> `tracer` and `shading` (pixels) -> `clip`.
"""
