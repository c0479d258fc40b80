"""What the network must hold: eq. 3 to 6, any size, missing points, the settled options."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from signcore.animation.heatmaps import bone_chains, bones, heatmaps, point_names
from signcore.animation.network import motion_frame
from signcore.nn.coordinates import coordinate_grid, warp
from signcore.nn.dense_motion import Motion, dropout_softmax
from signcore.nn.thin_plate_spline import solve
from signcore.plugins.pgmm.config import PGMMConfig
from signcore.plugins.pgmm.model import (
    CoarseMotionModule,
    PoseFusionModule,
    PoseGuidedMotionModel,
    sine_positions,
)

TINY = {
    "width": 4,
    "max_width": 16,
    "keypoint_width": 4,
    "motion_width": 4,
    "motion_max_width": 8,
    "transforms": 2,
    "pfm_width": 8,
}


def network(**settings) -> PoseGuidedMotionModel:
    torch.manual_seed(0)
    return PoseGuidedMotionModel(PGMMConfig(**{**TINY, **settings})).eval()


def run(model: PoseGuidedMotionModel, height: int, width: int, batch: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    source = model.source(torch.rand(1, 3, height, width, generator=generator)).expand(batch)
    keypoints = torch.rand(batch, 5 * model.config.transforms, 2, generator=generator) * 2 - 1
    points = torch.rand(batch, 56, 2, generator=generator)
    with torch.no_grad():
        return model(source, keypoints, points).prediction


def still(size: int = 8, batch: int = 1, visible: float = 1.0) -> Motion:
    """A motion that moves nothing."""
    flow = coordinate_grid(size, size).expand(batch, -1, -1, -1)
    masks = [torch.full((batch, 1, s, s), visible) for s in (size // 2, size, 2 * size, 4 * size)]
    return Motion([flow], masks, torch.ones(batch, 1, size, size))


@pytest.mark.parametrize("size", [(64, 64), (96, 160), (128, 128), (256, 192), (512, 512)])
def test_frames_of_any_multiple_of_32_keep_their_size(size):
    out = run(network(), *size, batch=1)
    assert out.shape == (1, 3, *size)
    assert out.min() >= 0
    assert out.max() <= 1
    assert torch.isfinite(out).all()


@pytest.mark.parametrize(
    ("side", "seen"), [(64, 128), (96, 128), (160, 128), (192, 256), (256, 256), (320, 384), (512, 512)]
)
def test_the_motion_branch_sees_the_nearest_multiple_of_128(side, seen):
    assert motion_frame(torch.zeros(1, 3, side, 128)).shape[-2:] == (seen, 128)


@pytest.mark.parametrize(
    "settings",
    [
        {
            "pose_fusion": "attention",
            "pfm_levels": (0, 1, 2),
            "posenet": "deepest",
            "blend": "none",
            "pfm_width": None,
        },
        {"pose_fusion": "add", "posenet": "deepest"},
        {"pose_fusion": "attention", "pfm_levels": (1,), "posenet": "finest"},
        {"pose_fusion": "none"},
        {"warped": "decoder"},
        {"blend": "tpsmm", "colours": False},
        {"per_level_flow": True},
        {"per_level_flow": True, "blend": "none"},
        {"pfm_position": True},
        {"mask_width": None, "res_blocks": 1},
        {"points": ("nose", "left_wrist", "right_wrist")},
        {"points": "pgmm_36"},
        {"bones": False},
    ],
    ids=str,
)
def test_every_settled_option_makes_frames(settings):
    model = network(**settings)
    source = model.source(torch.rand(1, 3, 64, 64))
    points = torch.rand(1, len(point_names(model.config.points)), 2)
    assert model(source, source.keypoints, points).prediction.shape == (1, 3, 64, 64)


@pytest.mark.parametrize(("preset", "parameters"), [("small", 4_791_574), ("paper", 147_607_041)])
def test_the_presets_have_their_number_of_parameters(preset, parameters):
    with torch.device("meta"):
        model = PoseGuidedMotionModel(PGMMConfig(preset=preset))
    assert sum(p.numel() for p in model.parameters()) == parameters


def test_the_paper_preset_is_the_papers():
    config = PGMMConfig(preset="paper")
    assert (config.width, config.max_width, config.motion_max_width, config.transforms) == (64, 512, 1024, 20)
    assert (config.pfm_levels, config.pose_fusion, config.posenet) == ((0, 1, 2), "attention", "deepest")
    assert config.blend == "none"
    assert not config.colours
    assert config.warped == "skip"
    assert not config.per_level_flow
    assert config.pfm_width is None
    assert config.learning_rate == 2e-4
    assert config.schedule == "milestones"
    assert PGMMConfig(preset="paper", width=32).width == 32
    assert (config.points, config.bones, config.colours, config.blend) == ("pgmm_36", False, False, "none")
    assert (config.learning_rate, config.schedule, config.batch, config.clip) == (2e-4, "milestones", 28, 10)
    assert (config.perceptual_weight, config.equivariance_weight, config.warp_weight) == (10, 10, 10)
    assert (config.background_weight, config.background_from, config.align_weight, config.pose_weight) == (
        10,
        0.1,
        1,
        1,
    )
    assert (config.l1_weight, config.ssim_weight, config.hand_weight, config.drawn_weight) == (0, 0, 0, 0)
    assert (config.dropout_start, config.dropout_max, config.dropout_rise, config.dropout_until) == (
        0.1,
        0.3,
        0.1,
        0.35,
    )
    assert (config.mirror, config.colour_jitter, config.averaging, config.moving_weight) == (True, 0.1, 0, 0)


def test_an_occluded_place_gets_nothing_from_the_warp():
    decoded, skip = torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8)
    out = CoarseMotionModule()(decoded, skip, still(visible=0.0), level=1)
    assert torch.equal(out[:, :3], decoded)
    assert torch.equal(out[:, 3:], torch.zeros(1, 3, 8, 8))


def test_without_motion_the_coarse_module_joins_what_it_got():
    decoded, skip = torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(CoarseMotionModule()(decoded, skip, still(), 1), torch.cat([decoded, skip], 1))
    assert torch.equal(CoarseMotionModule()(decoded, skip, None, 1), torch.cat([decoded, skip], 1))


def test_the_literal_reading_warps_the_decoders_features():
    decoded, skip = torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8)
    out = CoarseMotionModule("decoder")(decoded, skip, still(), 1)
    torch.testing.assert_close(out, torch.cat([decoded, decoded], 1))


def test_the_identity_flow_warps_to_the_input():
    features = torch.rand(2, 3, 9, 7)
    flow = coordinate_grid(9, 7).expand(2, -1, -1, -1)
    torch.testing.assert_close(warp(features, flow), features, rtol=0, atol=1e-5)


def test_a_flow_at_another_size_is_resized():
    features = torch.rand(1, 3, 32, 32)
    flow = coordinate_grid(8, 8)[None]
    torch.testing.assert_close(warp(features, flow, torch.ones(1, 1, 4, 4)), features, rtol=0, atol=1e-4)


def test_a_one_hot_contribution_is_that_transform():
    model = network().motion
    driving, source = torch.rand(1, 10, 2) * 2 - 1, torch.rand(1, 10, 2) * 2 - 1
    for chosen in range(3):
        hook = model.maps.register_forward_hook(lambda *_, k=chosen: _one_hot_logits(k))
        motion = model(torch.rand(1, 3, 128, 128), driving, source)
        hook.remove()
        torch.testing.assert_close(motion.flow, model.grids(driving, source, None, 32, 32)[:, chosen])


def _one_hot_logits(k: int) -> torch.Tensor:
    return F.one_hot(torch.full((1, 32, 32), k), 3).permute(0, 3, 1, 2).float() * 1e4


def test_splines_pass_their_control_points_up_to_the_ridge():
    controls, targets = torch.rand(4, 5, 2) * 2 - 1, torch.rand(4, 5, 2) * 2 - 1
    double = solve(controls.double(), targets.double())
    torch.testing.assert_close(
        solve(controls, targets)(controls).double(), double(controls.double()), rtol=0, atol=1e-3
    )
    residual = double(controls.double()) - targets
    # the system's first rows say K w + P a = targets - 0.01 w
    torch.testing.assert_close(residual, -0.01 * double.weights, rtol=0, atol=1e-9)


def test_keypoints_that_moved_affinely_give_nearly_an_affine_field():
    controls = torch.tensor(
        [[-0.8, -0.7], [0.9, -0.6], [0.1, 0.0], [-0.7, 0.8], [0.8, 0.9]], dtype=torch.float64
    )
    matrix, shift = torch.tensor([[1.1, 0.1], [-0.2, 0.9]], dtype=torch.float64), torch.tensor([0.1, -0.05])
    spline = solve(controls, controls @ matrix.T + shift)
    places = coordinate_grid(5, 5).double().reshape(-1, 2)
    torch.testing.assert_close(spline(places), places @ matrix.T + shift, rtol=0, atol=0.02)


def test_dropping_nothing_is_the_softmax_and_the_background_is_always_kept():
    logits = torch.randn(3, 4, 5, 5)
    torch.testing.assert_close(
        dropout_softmax(logits, torch.ones(3, 4)), logits.softmax(1), rtol=0, atol=1e-5
    )
    alone = dropout_softmax(logits, torch.tensor([[1.0, 0, 0, 0]]).expand(3, -1))
    torch.testing.assert_close(alone[:, 0], torch.ones(3, 5, 5), rtol=0, atol=1e-1)
    assert torch.equal(alone[:, 1:], torch.zeros(3, 3, 5, 5))


def test_pose_fusion_is_equation_6():
    torch.manual_seed(0)
    module = PoseFusionModule(3, 6).eval()
    x, pose = torch.rand(2, 6, 5, 4), torch.rand(2, 3, 5, 4)
    query, key, value = (
        f(t).flatten(2) for f, t in ((module.query, pose), (module.key, x), (module.value, x))
    )
    attention = torch.softmax(query.transpose(1, 2) @ key / 6**0.5, dim=-1)  # [B, pixels, pixels]
    expected = x + (value @ attention.transpose(1, 2)).unflatten(2, (5, 4))
    torch.testing.assert_close(module(x, pose), expected, rtol=0, atol=1e-5)


def test_pose_fusion_does_not_care_where_a_key_lies():
    torch.manual_seed(0)
    tokens = torch.rand(1, 1, 30, 8)
    query, order = torch.rand(1, 1, 30, 8), torch.randperm(30)
    a = F.scaled_dot_product_attention(query, tokens, tokens)
    b = F.scaled_dot_product_attention(query, tokens[:, :, order], tokens[:, :, order])
    torch.testing.assert_close(a, b)


def test_positions_tell_all_pixels_apart():
    places = sine_positions(torch.zeros(1, 16, 1, 1), 6, 7).flatten(1).T
    assert places.unique(dim=0).shape == (42, 16)


def test_a_missing_point_gives_an_empty_heatmap():
    points = torch.tensor([[[0.5, 0.5], [float("nan"), 0.2], [0.25, float("nan")]]])
    maps = heatmaps(points, 17, 17, 0.05)
    assert maps[0, 0].max() == 1
    assert maps[0, 0, 8, 8] == 1
    assert torch.equal(maps[0, 1:], torch.zeros(2, 17, 17))


def test_heatmaps_of_two_sizes_show_the_same_places():
    points = torch.tensor([[[0.3, 0.7]]])
    for size in (16, 64):
        maps = heatmaps(points, size, size, 0.1)
        centres = (torch.arange(size) + 0.5) / size
        assert float((maps[0, 0].sum(0) * centres).sum() / maps.sum()) == pytest.approx(0.3, abs=2e-3)
        assert float((maps[0, 0].sum(1) * centres).sum() / maps.sum()) == pytest.approx(0.7, abs=2e-3)


def test_bones_fall_off_with_the_distance_from_the_nearest_of_their_chain():
    names = ["left_shoulder", "left_elbow", "left_wrist", "nose"]
    chains = bone_chains(names)
    assert chains[:3] == [[0, 1], [1, 2], []]
    assert len(chains) == 16
    points = torch.tensor([[[0.25, 0.5], [0.75, 0.5], [0.75, 0.9], [0.1, 0.1]]])
    coarse, fine = bones(points, chains, 64, 64, sigma=0.03)
    for drawn in (coarse, fine):
        size = drawn.shape[-1]
        centres = ((torch.arange(size) + 0.5) / size).double()
        beside = (centres - centres.clamp(0.25, 0.75)).square()[None] + (centres - 0.5).square()[:, None]
        torch.testing.assert_close(drawn[0, 0].double(), (-beside / (2 * 0.03**2)).exp(), rtol=0, atol=0.06)
        assert drawn[0, 1].amax(dim=0).argmax() in (int(0.75 * size) - 1, int(0.75 * size))
        assert (drawn[0, 2:] < 1e-6).all()
    assert coarse.shape[-1] == 64
    assert fine.shape[-1] == 128
    away = (
        (coarse[0, 0].double() + 1e-30).log().mul(-2 * 0.03**2)
    )  # the squared distances, up to where they are cut
    centres = (torch.arange(64) + 0.5) / 64
    assert away[:, 32] == pytest.approx(((centres - 0.5) ** 2).clamp(max=0.18**2).numpy(), abs=1e-5)


def test_a_finger_is_drawn_past_its_missing_joints_and_a_lost_hand_is_not():
    names = point_names("pgmm_56")
    index_finger = 4
    points = torch.rand(3, 56, 2, generator=torch.Generator().manual_seed(3))
    whole, _ = bones(points, bone_chains(names), 32, 32, 0.02)
    points[0, names.index("left_hand_8")] = torch.nan
    points[1, [names.index("left_hand_6"), names.index("left_hand_7")]] = torch.nan
    points[2] = torch.nan
    drawn, larger = bones(points, bone_chains(names), 32, 32, 0.02)
    changed = drawn.flatten(2).ne(whole.flatten(2)).any(dim=2)
    assert changed[0].nonzero().tolist() == [[index_finger]]
    assert changed[1].nonzero().tolist() == [[index_finger]]
    assert (drawn[0] <= whole[0]).all()
    few = [name for name in names if name not in ("left_hand_6", "left_hand_7")]
    without, _ = bones(points[1:2, [names.index(n) for n in few]], bone_chains(few), 32, 32, 0.02)
    assert torch.equal(drawn[1, index_finger], without[0, index_finger])
    assert drawn[2].max() < 1e-6
    assert larger[2].max() < 1e-6


def test_bones_reach_the_frame_at_full_size():
    model = network()
    source = model.source(torch.rand(1, 3, 64, 64))
    decoded = torch.rand(1, model.config.width, 64, 64)
    a, b = torch.zeros(1, 16, 64, 64), torch.zeros(1, 16, 64, 64)
    b[:, 3, 20, 20] = 1
    changed = (
        (model.draw(decoded, source.frame, a) - model.draw(decoded, source.frame, b)).abs().amax(dim=1)[0]
    )
    assert changed.argmax() in [64 * y + x for y in range(16, 25) for x in range(16, 25)]
    assert not any(name.startswith("detail") for name, _ in network(bones=False).named_parameters())


def test_missing_pose_points_still_give_frames():
    model = network()
    source = model.source(torch.rand(1, 3, 64, 64))
    points = torch.full((1, 56, 2), float("nan"))
    assert torch.isfinite(model(source, source.keypoints, points).prediction).all()


def test_a_batch_gives_what_its_frames_give_alone():
    model = network()
    source = model.source(torch.rand(1, 3, 64, 64))
    keypoints, points = torch.rand(3, 10, 2), torch.rand(3, 56, 2)
    with torch.no_grad():
        together = model(source.expand(3), keypoints, points).prediction
        alone = [model(source, keypoints[i : i + 1], points[i : i + 1]).prediction for i in range(3)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=1e-5)


def test_the_motion_branch_can_be_left_out():
    model = network()
    source = model.source(torch.rand(1, 3, 64, 64))
    result = model.generate(source.frame, source.features, None, torch.rand(1, 56, 2))
    assert [tuple(d.shape[-2:]) for d in result.decoded] == [(8, 8), (16, 16), (32, 32)]
