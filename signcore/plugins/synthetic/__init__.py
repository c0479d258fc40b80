"""The synthetic signer: an articulated 3-D person who signs glosses, rendered with exact truth.

Read in the order in which data flows: `lexicon` (facts of signs) -> `signs`, `performance` (timed targets) -> `motion` (trajectories)
-> `embodiment`, `skeleton`, `hand` (joints) -> `figure`, `head`, `face` (solids) -> `tracer`, `shading`, `paint` (pixels) -> `clip`.
"""
