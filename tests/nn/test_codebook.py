"""The codebook's properties; its numbers are compared with VideoGPT's in tests/plugins/lmt/test_oracles.py."""

from __future__ import annotations

import socket

import pytest
import torch
from torch import nn

from signcore.nn.codebook import Codebook
from signcore.nn.video_autoencoder import LinearPath


def used(codes=8, dim=3):
    book = Codebook(codes, dim)
    book.N.fill_(5)
    book.z_avg.copy_(book.embeddings * 5)
    return book


def test_the_first_batch_of_training_gives_the_codes():
    book, z = Codebook(6, 3).train(), torch.randn(2, 3, 2, 2, 2)
    vectors = z.movedim(1, -1).reshape(-1, 3)
    book._initialise(vectors)
    assert all((vectors == code).all(1).any() for code in book.embeddings)
    assert book.N.tolist() == [1] * 6


def test_evaluation_changes_nothing():
    book = used().eval()
    before = {name: value.clone() for name, value in book.state_dict().items()}
    book(torch.randn(2, 3, 4))
    assert all(torch.equal(before[name], value) for name, value in book.state_dict().items())


def test_one_step_of_the_running_averages():
    book = used().train()
    z = torch.randn(1, 3, 40)
    N, sums = book.N.clone(), book.z_avg.clone()
    codes = book.nearest(z[0].t())
    found = book(z)
    assert torch.equal(found.codes[0], codes)
    counts = torch.bincount(codes, minlength=8).float()
    torch.testing.assert_close(book.N, 0.99 * N + 0.01 * counts)
    added = torch.stack([z[0, :, codes == k].sum(1) for k in range(8)])
    torch.testing.assert_close(book.z_avg, 0.99 * sums + 0.01 * added)
    total = book.N.sum()
    torch.testing.assert_close(
        book.embeddings, book.z_avg / ((book.N + 1e-7) / (total + 8e-7) * total)[:, None]
    )


def test_only_codes_that_are_hardly_used_are_restarted():
    book = used().train()
    book.N[2] = 0.5
    z = torch.randn(1, 3, 40)
    book.embeddings[2] = 100  # so nothing chooses it
    book(z)
    vectors = z[0].t()
    on_a_vector = [(vectors == code).all(1).any().item() for code in book.embeddings]
    assert on_a_vector == [k == 2 for k in range(8)]


def test_gradients_pass_straight_through():
    book = used().eval()
    z = torch.randn(1, 3, 5, requires_grad=True)
    found = book(z)
    (found.embeddings * torch.arange(15.0).view(1, 3, 5)).sum().backward()
    torch.testing.assert_close(z.grad, torch.arange(15.0).view(1, 3, 5))


def test_perplexity_counts_the_codes_in_use():
    book = used(4, 2).eval()
    book.embeddings.copy_(torch.tensor([[0.0, 0], [1, 0], [0, 1], [9, 9]]))
    z = book.embeddings[:3].t()[None]
    assert float(book(z).perplexity) == pytest.approx(3, abs=1e-4)


def _one_of_two(rank: int, port: int, halves: torch.Tensor, results):
    torch.distributed.init_process_group(
        "gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2
    )
    torch.manual_seed(rank)  # other draws in each process
    book = Codebook(6, 3).train()
    for half in halves:
        book(half[rank])
    if rank == 0:  # as it evaluates, alone
        book.eval()(halves[0][0])
    path = LinearPath((1, 2, 2), 4)
    path.fit(torch.randn(2, 3, 2, 4, 4))
    both = {**book.state_dict(), **path.state_dict()}
    results[rank] = {name: value.clone() for name, value in both.items()}
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_share_one_codebook_and_one_linear_path():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    halves = torch.randn(3, 2, 1, 3, 20)  # steps, processes
    with torch.multiprocessing.Manager() as manager:
        results = manager.dict()
        torch.multiprocessing.spawn(_one_of_two, (port, halves, results), nprocs=2)
        first, second = results[0], results[1]
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
    assert float(first["N"].sum()) == pytest.approx(6 * 0.99**3 + 0.4 * (1 + 0.99 + 0.99**2), rel=1e-4)


def test_half_precision_is_computed_in_float32():
    book = nn.Module.half(used()).float().eval()
    assert book(torch.randn(1, 3, 4).bfloat16()).embeddings.dtype == torch.float32
