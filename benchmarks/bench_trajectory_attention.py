"""Trajectory and temporal attention beside the naive formulation and SDPA, in turns, two threads (SIGNCORE_THREADS).

pytest benchmarks/bench_trajectory_attention.py --benchmark-only -q
"""

import os
import time
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from signcore.kernels import reference, temporal_attention, trajectory_attention

THREADS = int(os.environ.get("SIGNCORE_THREADS", "2"))


def naive(q, k, v, frames, q_weight, kv_weight):
    y = reference.trajectory_attention(q, k, v, frames)
    return reference.temporal_attention(y, q_weight, kv_weight, None, None)


def absorbed(trajectories, q_weight, kv_weight):
    """The temporal attention with absorbed projections, all queries at once."""
    B, h, N, frames, d = trajectories.shape
    D = h * d
    tokens = trajectories.permute(0, 2, 3, 1, 4).reshape(B * N, frames, D)
    own = tokens.view(B, frames, N // frames, frames, D).diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2)
    q = (own.reshape(B * N, D) @ q_weight.T).view(B * N, h, d) * d**-0.5
    keys, values = kv_weight.view(2, h, d, D)
    weights = torch.bmm(torch.bmm(q.transpose(0, 1), keys).transpose(0, 1), tokens.transpose(1, 2)).softmax(
        -1
    )
    mixed = torch.bmm(weights, tokens)
    return torch.bmm(mixed.transpose(0, 1), values.transpose(1, 2)).transpose(0, 1).reshape(B, N, D)


def sdpa_loop(q, k, v, frames, q_weight, kv_weight):
    """One call a key frame, the queries shared."""
    P = q.shape[2] // frames
    parts = [
        F.scaled_dot_product_attention(q, k[:, :, f * P : (f + 1) * P], v[:, :, f * P : (f + 1) * P])
        for f in range(frames)
    ]
    return absorbed(torch.stack(parts, 3), q_weight, kv_weight)


def sdpa_batch(q, k, v, frames, q_weight, kv_weight):
    """The key frames as a batch, the queries expanded."""
    B, h, N, d = q.shape
    keys, values = (
        x.view(B, h, frames, N // frames, d).transpose(1, 2).reshape(B * frames, h, N // frames, d)
        for x in (k, v)
    )
    queries = q.unsqueeze(1).expand(B, frames, h, N, d).reshape(B * frames, h, N, d)
    out = F.scaled_dot_product_attention(queries, keys, values)
    return absorbed(out.view(B, frames, h, N, d).permute(0, 2, 3, 1, 4), q_weight, kv_weight)


def ours(q, k, v, frames, q_weight, kv_weight):
    return temporal_attention(trajectory_attention(q, k, v, frames=frames), q_weight, kv_weight)


FORMS = {"naive": naive, "sdpa_loop": sdpa_loop, "sdpa_batch": sdpa_batch, "ours": ours}
MUST = {
    ("forward", 8): (4, 1.3),
    ("forward", 16): (5, 1.3),
    ("backward", 8): (4, 1.2),
    ("backward", 16): (4, 1.2),
}


def resident(field):
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    return (
        next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(field))
        / 1024
    )


def extra_memory(call):
    """Peak resident memory of a call above what was there before, in MB (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return float("nan")
    before = resident("VmRSS")
    call()
    return resident("VmHWM") - before


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("frames", [8, 16])
def test_trajectory_attention(benchmark, capsys, frames, direction):
    torch.set_num_threads(THREADS)
    generator = torch.Generator().manual_seed(0)
    h, d, N = 8, 64, frames * 14 * 14
    D = h * d
    shapes = [(1, h, N, d)] * 3 + [(D, D), (2 * D, D)]
    q, k, v, q_weight, kv_weight = (torch.randn(s, generator=generator) for s in shapes)
    tensors = [q, k, v, q_weight / D**0.5, kv_weight / D**0.5]
    grad = torch.randn(1, N, D, generator=generator)

    def run(form):
        """Wall and processor seconds of one direction."""
        leaves = [t.detach().requires_grad_(direction == "backward") for t in tensors]
        begin = time.perf_counter(), time.process_time()
        out = form(*leaves[:3], frames, *leaves[3:])
        if direction == "backward":
            begin = time.perf_counter(), time.process_time()
            out.backward(grad)
        return time.perf_counter() - begin[0], time.process_time() - begin[1]

    memory = {name: extra_memory(lambda form=form: run(form)) for name, form in reversed(FORMS.items())}
    times = {name: [] for name in FORMS}
    for _ in range(12):
        for name, form in FORMS.items():
            times[name].append(run(form))
    wall = {name: min(w for w, _ in each) * 1e3 for name, each in times.items()}
    processor = {name: min(c for _, c in each) * 1e3 for name, each in times.items()}
    benchmark.pedantic(run, (ours,), rounds=1)
    of_naive, of_sdpa = MUST[direction, frames]
    with capsys.disabled():
        print(
            f"\nF = {frames}, {direction}, {THREADS} threads: {of_naive} x naive and {of_sdpa} x the best SDPA wanted"
        )
        for name in FORMS:
            print(
                f"{name:>12}: wall {wall[name]:7.1f} ms ({wall[name] / wall['ours']:5.2f} x), processor"
                f" {processor[name]:7.1f} ms ({processor[name] / processor['ours']:5.2f} x), {memory[name]:5.0f} MB"
            )
    benchmark.extra_info.update(wall=wall, processor=processor, memory=memory)
