"""Numbers recorded from public implementations: VideoGPT, Motionformer, taming-transformers, and LMT's precursor."""

from __future__ import annotations

import ast

import pytest
import torch
from safetensors import safe_open
from torch.nn import functional as F

from signcore.nn.adversarial import adaptive_weight, discriminator_loss, hard_gumbel
from signcore.nn.codebook import Codebook
from signcore.nn.lpips import LPIPS
from signcore.nn.patch_discriminator import PatchDiscriminator
from signcore.nn.video_attention import TrajectoryAttention
from signcore.nn.video_autoencoder import VideoAutoencoder
from signcore.plugins.lmt.prior import AttentionStack, GPTPrior, LatentTransformer


@pytest.fixture(scope="module")
def read(shared):
    """(tensors, metadata) of a recording."""

    def one(name: str):
        path = shared / "oracles" / f"{name}.safetensors"
        if not path.is_file():
            pytest.skip(f"the recording {name} is not among the shared data")
        with safe_open(path, "pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118

    return one


def near(found, wanted, tolerance):
    torch.testing.assert_close(found, wanted, atol=tolerance, rtol=0)


@pytest.fixture(scope="module", params=["244", "444"])
def videogpt(request, read):
    io, about = read(f"videogpt/vqvae_{request.param}.io")
    model = VideoAutoencoder(
        hidden=int(about["n_hiddens"]),
        downsample=ast.literal_eval(about["downsample"]),
        blocks=int(about["n_res_layers"]),
        attention="axial",
        codes=int(about["n_codes"]),
        dim=int(about["embedding_dim"]),
    )
    state = read(f"videogpt/vqvae_{request.param}.weights")[0]

    def fresh():
        model.load_state_dict(state)
        model.zero_grad()
        return model

    return fresh, io


def test_videogpts_autoencoder_and_its_gradients(videogpt):
    fresh, io = videogpt
    model, x = fresh().eval(), io["x"].clone().requires_grad_()
    made, found = model(x)
    near(model.encoder(x), io["eval.encoder"], 2e-4)
    assert torch.equal(found.codes, io["eval.encodings"])
    near(made, io["eval.x_recon"], 2e-4)
    near(found.perplexity, io["eval.perplexity"], 1e-4)
    near(found.commitment, io["eval.commitment_loss"], 1e-5)
    near(model.decode(found.codes), io["eval.decode_from_codes"], 2e-4)
    (F.mse_loss(made, x) / 0.06 + found.commitment).backward()
    near(x.grad, io["eval.grad_x"], 2e-4)
    named = dict(model.named_parameters())
    for key in (k for k in io if k.startswith("eval.grad.")):
        near(named[key.removeprefix("eval.grad.")].grad, io[key], 2e-4)


def test_videogpts_training_step_moves_codebook_and_statistics_alike(videogpt):
    fresh, io = videogpt
    model = fresh().train()
    made, found = model(io["x"])
    near(made, io["train.x_recon"], 2e-4)
    assert torch.equal(found.codes, io["train.encodings"])
    near(model.codebook.embeddings, io["train.codebook.embeddings_after"], 1e-6)
    near(model.codebook.z_avg, io["train.codebook.z_avg_after"], 1e-6)
    near(model.codebook.N, io["train.codebook.N_after"], 1e-6)
    key = "train.encoder.res_stack.0.block.0.running_var_after"
    near(model.encoder.res_stack[0].block[0].running_var, io[key], 1e-5)


@pytest.mark.parametrize("name", ["norestart", "restart", "restart_tiled", "datainit"])
def test_videogpts_codebook_step_by_step(read, name, monkeypatch):
    io, about = read(f"videogpt/codebook_{name}.io")
    book = Codebook(int(about["n_codes"]), int(about["embedding_dim"])).train()
    book.load_state_dict({key: io[f"init.{key}"] for key in ("embeddings", "N", "z_avg")})
    for step in range(5):
        queue = [io[k] for k in (f"step{step}.init_perm", f"step{step}.perm") if k in io]
        monkeypatch.setattr(torch, "randperm", lambda n, device=None, queue=queue: queue.pop(0))
        if f"step{step}.tile_noise" in io:
            monkeypatch.setattr(torch, "randn_like", lambda x, s=step: io[f"step{s}.tile_noise"])
        z = io[f"step{step}.z"].clone().requires_grad_()
        found = book(z)
        assert torch.equal(found.codes, io[f"step{step}.encodings"])
        near(found.embeddings, io[f"step{step}.embeddings_st"], 1e-5)
        near(found.commitment, io[f"step{step}.commitment_loss"], 1e-6)
        near(found.perplexity, io[f"step{step}.perplexity"], 1e-4)
        ((found.embeddings * io[f"step{step}.cotangent"]).sum() + found.commitment).backward()
        near(z.grad, io[f"step{step}.grad_z"], 1e-5)
        for key in ("embeddings", "N", "z_avg"):
            near(getattr(book, key), io[f"step{step}.after.{key}"], 1e-6)


def test_videogpts_blocks(read):
    io, _ = read("videogpt/vqvae_244.io")
    model = VideoAutoencoder(
        hidden=12, downsample=(2, 4, 4), blocks=1, attention="axial", codes=24, dim=8
    ).eval()
    model.load_state_dict(read("videogpt/vqvae_244.weights")[0])
    block = model.encoder.res_stack[0]
    near(block(io["resblock.x"]), io["resblock.out"], 1e-5)
    near(block.block[8](io["resblock.x"]), io["axial.out"], 1e-5)


@pytest.mark.parametrize("name", ["attn_stack", "attn_stack_class", "attn_stack_frame"])
def test_videogpts_attention_stack(read, name):
    io, about = read(f"videogpt/{name}.io")
    state = {k: v for k, v in read(f"videogpt/{name}.weights")[0].items() if not k.endswith(".mask")}
    grid, width = ast.literal_eval(about["shape"]), int(about["embd_dim"])
    classes = ast.literal_eval(about["class_cond_dim"])
    framed = ast.literal_eval(about["frame_cond_shape"])
    stack = AttentionStack(
        grid, width, int(about["n_head"]), int(about["n_layer"]), classes, framed is not None
    ).eval()
    stack.load_state_dict(state)
    x = io["x"].clone().requires_grad_()
    frame = io["frame_cond"].flatten(1, -2) if framed is not None else None
    flat = x.flatten(1, 3)
    near(stack.shifted(flat).view_as(x), io["right_shift"], 1e-6)
    near((stack.shifted(flat) + stack.places()).view_as(x), io["pos_embd"], 1e-6)
    out = stack(flat, io.get("class_cond"), frame)
    near(out.view_as(x), io["out"], 1e-5)
    (out.view_as(x) * io["cotangent"]).sum().backward()
    near(x.grad, io["grad_x"], 1e-4)


def test_videogpts_prior(read):
    io, _ = read("videogpt/gpt.io")
    state = {k: v for k, v in read("videogpt/gpt.weights")[0].items() if not k.endswith(".mask")}
    book = read("videogpt/vqvae_444.weights")[0]["codebook.embeddings"]
    prior = GPTPrior(book, (2, 4, 4), 4, width=24, layers=2, heads=2, framed=False).eval()
    prior.load_state_dict({**state, "stage_one": prior.stage_one})
    still = torch.zeros(2, 4, 4, dtype=torch.long)
    logits = prior(io["targets"], still, io["label"])
    near(logits.view_as(io["logits"]), io["logits"], 1e-5)
    near(F.cross_entropy(logits.flatten(0, 1), io["targets"].flatten()), io["loss"], 1e-5)


@pytest.mark.parametrize("kind", ["exact", "orthoformer"])
def test_the_precursors_trajectory_attention(read, kind):
    io, _ = read(f"lmt_precursor/trajectory_nocls_{kind}.io")
    first = io["first_landmark"].view(2, 2) if kind == "orthoformer" else 0
    made = TrajectoryAttention(16, 2, prototypes=8 if kind == "orthoformer" else 0, source="q", first=first)
    made.load_state_dict(read(f"lmt_precursor/trajectory_nocls_{kind}.weights")[0])
    x = io["x"].clone().requires_grad_()
    out = made(x, 4)
    near(out, io["out"], 1e-5)
    (out * io["cotangent"]).sum().backward()
    near(x.grad, io["grad_x"], 1e-5)


@pytest.mark.parametrize("case", ["a", "b"])
@pytest.mark.parametrize("projected", [True, False], ids=["fixed", "orig"])
@pytest.mark.parametrize("kind", ["none", "orthoformer"])
def test_motionformers_attention_without_its_class_token(read, case, projected, kind):
    io, about = read(f"trajectory_attention/{case}.io")
    heads, batch, key = int(about["heads"]), int(about["B"]), f"{'fixed' if projected else 'orig'}.{kind}"
    first = io[f"{key}.landmark_idx_selection_order"][:, 0].view(batch, heads) if kind == "orthoformer" else 0
    made = TrajectoryAttention(
        int(about["dim"]),
        heads,
        prototypes=int(about["R"]) if kind == "orthoformer" else 0,
        source="q",
        first=first,
        bias=about["bias"] == "true",
        projected_values=projected,
    )
    made.load_state_dict(read(f"trajectory_attention/{case}.weights")[0])
    near(made(io["x"][:, 1:], int(about["F"])), io[f"{key}.out"][:, 1:], 2e-5)


def test_the_precursors_transformer(read):
    io, about = read("lmt_precursor/cgpt_label.io")
    state = {k: v for k, v in read("lmt_precursor/cgpt_label.weights")[0].items() if not k.endswith(".mask")}
    table = torch.zeros(int(about["vocab_size"]), 4)
    prior = LatentTransformer(
        table, (22, 1, 1), int(about["n_class"]), width=16, layers=2, heads=2, embedding="tokens"
    )
    prior.slice = int(about["prefix_tokens"])  # the recording's prefix is no slice of a grid
    prior.load_state_dict({**state, "stage_one": prior.stage_one})
    logits = prior.rows(io["idx"], io["label"])
    near(logits, io["logits"], 1e-5)
    loss = F.cross_entropy(logits.flatten(0, 1), io["targets"].flatten())
    near(loss, io["loss"], 1e-5)
    loss.backward()
    near(prior.tok_emb.weight.grad, io["grad.tok_emb"], 1e-5)
    near(prior.cls_emb.weight.grad, io["grad.cls_emb"], 1e-5)
    near(prior.pos_emb.grad, io["grad.pos_emb"], 1e-5)


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("name", ["lmt_precursor/disc3d", "lpips_losses/disc_n2", "lpips_losses/disc_n3"])
def test_patch_discriminators(read, name, mode):
    io, about = read(f"{name}.io")
    made = PatchDiscriminator(3, int(about["ndf"]), int(about["n_layers"]), 3 if "3d" in name else 2)
    made.load_state_dict(read(f"{name}.weights")[0])
    made.train(mode == "train")
    x = io["x"].clone().requires_grad_()
    out = made(x)
    near(out, io[f"{mode}.out"], 5e-6)
    out.mean().backward()
    if f"{mode}.grad_x_of_mean" in io:
        near(x.grad, io[f"{mode}.grad_x_of_mean"], 5e-6)


@pytest.mark.parametrize("kind", ["hinge", "vanilla"])
def test_the_discriminators_losses(read, kind):
    io, _ = read("lpips_losses/gan_losses.io")
    real, made = (io[f"logits_{which}"].clone().requires_grad_() for which in ("real", "fake"))
    loss = discriminator_loss(real, made, kind)
    near(loss, io[f"{kind}.loss"], 5e-6)
    loss.backward()
    near(real.grad, io[f"{kind}.grad_real"], 5e-6)
    near(made.grad, io[f"{kind}.grad_fake"], 5e-6)


def test_the_perceptual_and_the_adaptive_weight(read):
    io, about = read("lpips_losses/vqlpips.io")
    state, _ = read("lpips_losses/vqlpips.weights")
    network = LPIPS("vgg16", int(about["vgg16_base_width"]))
    of = {k.removeprefix("perceptual_loss."): v for k, v in state.items() if k.startswith("perceptual_loss.")}
    network.net.take(of, "recording")
    own = {k: v for k, v in of.items() if k.startswith("lin")}
    network.load_state_dict({**{f"net.{k}": v for k, v in network.net.state_dict().items()}, **own})
    near(
        network(io["inputs"] / 2 + 0.5, io["reconstructions"] / 2 + 0.5),
        io["lpips_per_image"].flatten(),
        5e-6,
    )
    last = io["last_layer"].clone().requires_grad_()
    made = torch.tanh(F.conv2d(io["h"], last, padding=1))
    wanted = (made - io["inputs"]).abs().mean()
    disc = PatchDiscriminator(3, int(about["disc_ndf"]), int(about["disc_num_layers"]), 2).eval()
    disc.load_state_dict(
        {k.removeprefix("discriminator."): v for k, v in state.items() if k.startswith("discriminator.")}
    )
    against = -disc(made).mean()
    near(wanted, io["adaptive.nll_only_l1"], 5e-6)
    near(against, io["adaptive.g_loss"], 5e-6)
    share = float(about["disc_weight"])  # the recording's weight has it in
    near(share * adaptive_weight(wanted, against, last, 1e-4), io["adaptive.weight"], 1e-4)
    tiny = adaptive_weight(wanted, against * 1e-9, last, 1e-4)
    torch.testing.assert_close(share * tiny, io["adaptive.weight_tiny_g"], rtol=1e-4, atol=0)


@pytest.mark.parametrize(("case", "tau"), [("train_hard_tau1", 1.0), ("train_hard_tau0.1", 0.1)])
def test_hard_gumbel_samples_and_their_gradients(read, case, tau):
    io, _ = read("lpips_losses/gumbel_quantize.io")
    state, _ = read("lpips_losses/gumbel_quantize.weights")
    z = io["z"].clone().requires_grad_()
    weight = state["proj.weight"].clone().requires_grad_()
    logits = F.conv2d(z, weight, state["proj.bias"])
    near(logits, io[f"{case}.logits"], 5e-6)
    noise = io[f"{case}.gumbel_noise"].movedim(1, -1)
    one_hot = hard_gumbel(logits.movedim(1, -1), noise, tau)
    assert torch.equal(one_hot.argmax(-1), io[f"{case}.ind"])
    made = (one_hot @ state["embed.weight"]).movedim(-1, 1)
    near(made, io[f"{case}.z_q"], 5e-6)
    share = (logits.softmax(1) * torch.log(logits.softmax(1) * logits.shape[1] + 1e-10)).sum(1).mean()
    ((made * io["cotangent"]).sum() + 5e-4 * share).backward()
    for found, wanted in ((z.grad, io[f"{case}.grad_z"]), (weight.grad, io[f"{case}.grad_proj"])):
        near(
            found, wanted, 1e-5 * float(wanted.abs().max())
        )  # a tenth of the temperature is ten times the rounding
