"""The priors: what a code may see, the cache, guidance, and what is drawn."""

from __future__ import annotations

import pytest
import torch

from signcore.plugins.lmt.prior import GPTPrior, LatentTransformer, fingerprint, prefix_mask
from signcore.plugins.lmt.sampling import filtered, guided, sample

GRID, CLASSES, CODES = (3, 2, 2), 4, 11
SLICE, TOTAL = 4, 12


def table():
    return torch.randn(CODES, 6, generator=torch.Generator().manual_seed(3))


def lmt(**settings):
    made = LatentTransformer(
        table(), GRID, CLASSES, **{"width": 24, "layers": 2, "heads": 2, "null_label": True, **settings}
    )
    for parameter in made.parameters():  # small initial weights would hide what depends on what
        torch.nn.init.normal_(parameter, std=0.3)
    return made.eval()


def gpt():
    made = GPTPrior(table(), GRID, CLASSES, width=24, layers=2, heads=2, null_label=True)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return made.eval()


PRIORS = {
    "paper": lambda: lmt(),
    "looking": lambda: lmt(positions="factorised", look_back=True),
    "small": lambda: lmt(positions="factorised", look_back=True, label_places=True),
    "causal": lambda: lmt(mask="causal", look_back=True),
    "tokens": lambda: lmt(embedding="tokens"),
    "videogpt": gpt,
}


@pytest.fixture(params=PRIORS)
def prior(request):
    return PRIORS[request.param]()


def codes(batch=2):
    random = torch.Generator().manual_seed(5)
    clip = torch.randint(CODES, (batch, *GRID), generator=random)
    return clip, torch.randint(CODES, (batch, *GRID[1:]), generator=random), torch.tensor([1, 3])[:batch]


def test_the_prefix_sees_itself_and_the_rest_what_was_before():
    mask = prefix_mask(6, 3)
    assert mask.int().sum(1).tolist() == [3, 3, 3, 4, 5, 6]
    assert mask.int().sum(0).tolist() == [6, 6, 6, 3, 2, 1]
    assert torch.equal(prefix_mask(6, 0), torch.ones(6, 6).tril().bool())


@torch.no_grad()
def test_no_logit_sees_its_own_target_or_a_later_one(prior):
    clip, still, labels = codes()
    before = prior(clip, still, labels)
    for place in range(TOTAL - prior.generated, TOTAL):
        other = clip.clone().flatten(1)
        other[:, place] = (other[:, place] + 1) % CODES
        after = prior(other.view_as(clip), still, labels)
        seen = place - (TOTAL - prior.generated)
        torch.testing.assert_close(after[:, : seen + 1], before[:, : seen + 1], atol=1e-5, rtol=0)
        if place + 1 < TOTAL:
            assert (after[:, seen + 1] - before[:, seen + 1]).abs().max() > 1e-4


@torch.no_grad()
def test_every_logit_depends_on_the_gloss_and_on_the_still_image(prior):
    clip, still, labels = codes()
    before = prior(clip, still, labels)
    changed = still.clone()
    changed[:, -1, -1] = (changed[:, -1, -1] + 1) % CODES
    for after in (prior(clip, still, (labels + 1) % CLASSES), prior(clip, changed, labels)):
        assert ((after - before).abs().amax(-1) > 1e-5).all()


@torch.no_grad()
def test_cached_and_uncached_logits_are_equal(prior):
    clip, still, labels = codes()
    wanted = prior(clip, still, labels)
    found, state = prior.begin(still, labels)
    steps = [found]
    for code in prior.targets(clip)[:, :-1].unbind(1):
        steps.append(prior.next(code, state))
    torch.testing.assert_close(torch.stack(steps, 1), wanted, atol=1e-5, rtol=0)


def test_a_seed_gives_the_same_clips_and_another_seed_others(prior):
    _, still, labels = codes()

    def draw(seed):
        return sample(prior, still, labels, generator=torch.Generator().manual_seed(seed))

    assert draw(0).shape == (2, *GRID)
    assert torch.equal(draw(0), draw(0))
    assert not torch.equal(draw(0), draw(1))
    if prior.generated < TOTAL:
        assert torch.equal(draw(0)[:, 0], still)


@torch.no_grad()
def test_temperature_zero_takes_the_most_likely_code(prior):
    _, still, labels = codes()
    made = sample(prior, still, labels, temperature=0)
    logits = prior(made, still, labels)
    assert torch.equal(logits.argmax(-1), prior.targets(made))


def test_top_k_and_top_p_keep_the_most_likely():
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]]))
    assert filtered(logits, 1, 2, 1).isfinite().tolist() == [[True, True, False, False]]
    assert filtered(logits, 1, 0, 0.7).isfinite().tolist() == [[True, True, False, False]]
    assert filtered(logits, 1, 0, 1e-9).isfinite().tolist() == [[True, False, False, False]]
    torch.testing.assert_close(filtered(logits, 2, 0, 1), logits / 2)


def test_guidance_of_one_is_the_label_and_of_zero_none():
    both = torch.randn(4, 5)
    torch.testing.assert_close(guided(both, 1.0), both[:2])
    torch.testing.assert_close(guided(both, 0.0), both[2:])


@torch.no_grad()
def test_guidance_pulls_towards_the_gloss(prior):
    _, still, labels = (part.repeat_interleave(64, 0) for part in codes())
    none = torch.full_like(labels, CLASSES)

    def told(guidance):
        """How much more likely the drawn codes are with the gloss than without, in nats."""
        random = torch.Generator().manual_seed(0)
        made = sample(prior, still, labels, guidance=guidance, generator=random)
        with_gloss, without = (
            prior(made, still, x).log_softmax(-1).gather(-1, prior.targets(made)[..., None]).sum((1, 2))
            for x in (labels, none)
        )
        return float((with_gloss - without).mean())

    assert told(0.0) < told(1.0) < told(3.0)


def test_a_prior_of_another_stage_one_is_refused():
    prior, other = (
        lmt(),
        LatentTransformer(table() + 1, GRID, CLASSES, width=24, layers=2, heads=2, null_label=True),
    )
    with pytest.raises(ValueError, match="another stage 1"):
        other.load_state_dict(prior.state_dict())


def test_the_fingerprint_survives_half_precision():
    assert int(fingerprint(table())) == int(fingerprint(table().half().float()))
