"""The network, its groups, augmentation and calibration."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from apps.vision import backbones
from apps.vision.augment import Views, cutmix, random_crop, shift
from apps.vision.backbones import Backbone
from apps.vision.calibrate import calibrate, calibration_error
from apps.vision.callbacks import Augment
from apps.vision.model import Body, VisionNetwork, layer_groups, plain_groups, resize, whiten
from apps.vision.muon import Muon, orthogonal
from shared.errors import UserError
from shared.weights import Weights

SMALL = Backbone("small", 16, 1.0, (0.5,) * 3, (0.25,) * 3)
FAMILIES = ("resnet18", "convnext_atto", "vit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "efficientnet_lite0")
FAMILIES = (*FAMILIES, "mobilenetv2_100", "regnety_002", "levit_128s", "tiny_vit_5m_224", "deit_tiny_patch16_224")


@pytest.mark.parametrize("name", FAMILIES)
def test_features_of_ten_families_have_the_width_of_the_head(name: str) -> None:
    with torch.device("meta"):  # shapes alone: no arithmetic
        network = backbones.build(Backbone(name, 224, 0.9, (0.5,) * 3, (0.5,) * 3))
        features = network.eval()(torch.zeros(2, 3, 224, 224))
    assert features.shape == (2, backbones.width(network))
    groups = layer_groups(network, 0.7)
    grouped = [id(p) for group in groups for p in group.parameters]
    assert sorted(grouped) == sorted(id(p) for p in network.parameters())
    assert len({group.rate for group in groups}) > 2 and max(group.rate for group in groups) <= 1


@pytest.mark.parametrize("side", [4, 8, 28, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("units", ["fp32", "bf16", "tiles", "gpu"])
def test_small_network_takes_every_small_side(side: int, channels: int, units: str) -> None:
    name = backbones.from_scratch(side, units)
    network = backbones.build(Backbone(name, side, 1.0, (0.5,) * channels, (0.2,) * channels, channels == 1))
    assert network(torch.rand(2, channels, side, side)).shape == (2, backbones.width(network))


def test_networks_from_scratch_are_as_wide_as_units_allow() -> None:
    assert [backbones.from_scratch(32, units) for units in ("fp32", "bf16", "tiles", "gpu")] == [
        "small",
        "small",
        "small_wide",
        "small_wide",
    ]
    assert backbones.from_scratch(128, "tiles") == backbones.LARGE_FROM_SCRATCH
    sizes = [
        sum(p.numel() for p in backbones.build(Backbone(name, 32, 1.0, (0.5,) * 3, (0.2,) * 3)).parameters())
        for name in ("small", "small_wide")
    ]
    assert sizes[0] < sizes[1]


def test_first_layer_whitens_patches() -> None:
    torch.manual_seed(0)
    network = VisionNetwork(Body(backbones.build(SMALL), SMALL, "one", False), 2)
    pictures = (torch.rand(64, 16, 16, 1) * 200 + torch.rand(64, 16, 16, 3) * 55).byte()
    whiten(network, pictures)
    planes = network.body.normalise(pictures.float())
    found = torch.nn.functional.conv2d(planes, network.body.network.whiten.weight[:12])
    spread = found.permute(1, 0, 2, 3).flatten(1)
    assert torch.allclose(spread @ spread.T / spread.shape[1], torch.eye(12), atol=0.1)
    trained = [p for group in plain_groups(network.body.network) for p in group.parameters]
    assert all(p is not network.body.network.whiten.weight for p in trained)


def test_both_sides_answer_a_mirror_image_alike() -> None:
    network = Body(backbones.build(SMALL), SMALL, "mirror", False).eval()
    pictures = torch.randint(0, 256, (2, 16, 16, 3), dtype=torch.uint8)
    assert torch.allclose(network(pictures), network(pictures.flip(2)), atol=1e-5)
    network.views = "one"
    assert not torch.allclose(network(pictures), network(pictures.flip(2)), atol=1e-5)


def test_moved_views_count_half() -> None:
    network = Body(backbones.build(SMALL), SMALL, "moved", False).eval()
    pictures = torch.randint(0, 256, (2, 16, 16, 3), dtype=torch.uint8)
    rows = torch.cat([pictures[:, 1:2], pictures, pictures[:, -2:-1]], 1)
    around = torch.cat([rows[:, :, 1:2], rows, rows[:, :, -2:-1]], 2)
    up, down = around[:, :-2, :-2], around[:, 2:, 2:]
    found = network(pictures)
    network.views = "mirror"
    assert torch.allclose(found, network(pictures) / 2 + (network(up) + network(down)) / 4, atol=1e-5)


def test_scales_are_the_middle_and_the_whole() -> None:
    wide = replace(SMALL, crop=0.5)
    network = Body(backbones.build(wide), wide, "scales", False).eval()
    pictures = torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8)
    middle, whole = Body(network.network, wide, "one", False), Body(network.network, SMALL, "one", False)
    expected = (middle.eval()(pictures) + whole.eval()(pictures)) / 2
    assert torch.allclose(network(pictures), expected, atol=1e-5)
    assert not torch.allclose(middle(pictures), expected, atol=1e-3)


def test_bytes_of_any_side_are_seen_at_the_size() -> None:
    body = Body(backbones.build(SMALL), SMALL, "one", False).eval()
    for side in (9, 16, 40):
        assert body(torch.zeros(1, side, side, 3, dtype=torch.uint8)).shape[0] == 1


@pytest.mark.parametrize("size", [9, 24, 32, 57])
def test_pictures_are_resized_as_pil_does(size: int) -> None:
    pictures = torch.randint(0, 256, (3, 32, 32, 3), dtype=torch.uint8)
    resized = [Image.fromarray(one.numpy()).resize((size, size), Image.Resampling.BICUBIC) for one in pictures]
    expected = torch.tensor(np.stack(resized), dtype=torch.float)
    assert (resize(pictures, size) - expected).abs().max() <= 2


def test_weights_that_do_not_fit_are_named(tmp_path: object) -> None:
    from safetensors.torch import save_file

    save_file({"conv1.weight": torch.zeros(1)}, f"{tmp_path}/resnet18.safetensors")
    from pathlib import Path

    weights = Weights("resnet18", Path(f"{tmp_path}/resnet18.safetensors"), "")
    with pytest.raises(UserError, match="not the weights of resnet18"):
        backbones.build_pretrained(backbones.pretrained_backbone(weights, 64), weights)


@pytest.mark.parametrize(
    ("name", "network"), [("mobilenetv2_100_timm", "mobilenetv2_100"), ("resnet18.a1_in1k", "resnet18")]
)
def test_file_names_give_networks(name: str, network: str) -> None:
    assert backbones.architecture(name) == network


def test_shift_moves_whole_pixels() -> None:
    """Each to one of the 25 places of a picture that is mirrored at its edges, and all places occur."""
    pictures = torch.rand(500, 8, 8, 3)
    assert torch.equal(shift(pictures, 0), pictures)
    around = F.pad(pictures.permute(0, 3, 1, 2), (2, 2, 2, 2), mode="reflect").permute(0, 2, 3, 1)
    crops = [around[:, down : down + 8, right : right + 8] for down in range(5) for right in range(5)]
    moved = shift(pictures, 2)
    same = torch.stack([(moved == crop).flatten(1).all(1) for crop in crops])
    assert (same.sum(0) == 1).all() and same.any(1).all()


def test_random_crop_keeps_a_plain_picture() -> None:
    assert torch.allclose(random_crop(torch.full((3, 20, 20, 3), 77, dtype=torch.uint8), 12), torch.tensor(77.0))


def test_two_epochs_show_both_sides_of_a_picture() -> None:
    torch.manual_seed(0)
    pictures, views = torch.randint(0, 256, (64, 4, 4, 3), dtype=torch.uint8), Views("none", True)
    one, next_one, third = (views.of(pictures, 4, epoch) for epoch in range(3))
    assert torch.equal(one.flip(2), next_one) and torch.equal(one, third)
    turned = (one != pictures).flatten(1).any(1)
    assert 10 < int(turned.sum()) < 54


@pytest.mark.parametrize("kind", ["none", "shift", "photo"])
@pytest.mark.parametrize("mirrored", [True, False])
def test_views_have_the_size_and_stay_in_range(kind: str, mirrored: bool) -> None:
    views = Views(kind, mirrored).of(torch.randint(0, 256, (4, 20, 20, 3), dtype=torch.uint8), 16, 0)
    assert views.shape == (4, 16, 16, 3) and views.is_floating_point()
    assert float(views.min()) >= 0 and float(views.max()) <= 255


def test_views_grow_to_the_size() -> None:
    augment = Augment(Views("none", False), (20, 32, 4), 0.0)
    sides = [augment.side(done / 100) for done in range(101)]
    assert sides[0] == 20 and sides[-1] == 32 and sides == sorted(sides) and set(sides) == {20, 24, 28, 32}
    assert {Augment(Views("none", False), (32, 32, 4), 0.0).side(done) for done in (0.0, 0.5, 1.0)} == {32}


def test_mixed_targets_follow_the_area() -> None:
    torch.manual_seed(0)
    pictures = torch.arange(3.0)[:, None, None, None].expand(3, 10, 10, 3)
    for _ in range(20):
        mixed, targets = cutmix(pictures, torch.eye(3), 1.0)
        for row in range(3):
            shares = torch.stack([(mixed[row] == k).float().mean() for k in range(3)])
            assert torch.allclose(targets[row], shares, atol=1e-6)


def test_boasting_is_an_error_of_calibration() -> None:
    torch.manual_seed(0)
    scores = torch.randn(4000, 3) * 2
    targets = torch.distributions.Categorical(logits=scores).sample()
    assert calibration_error(scores, targets) < 0.03 < calibration_error(scores * 4, targets)


def test_a_temperature_is_applied_once_and_its_errors_are_called_validations() -> None:
    torch.manual_seed(0)
    network = VisionNetwork(Body(backbones.build(SMALL), SMALL, "one", False), 3).eval()
    torch.nn.init.normal_(network.head.linear.weight)
    features, head = torch.randn(400, network.head.linear.in_features), network.head
    scores = head(features).detach()
    targets = torch.distributions.Categorical(logits=scores / 4).sample()
    temperature, said = calibrate(network, scores, targets)
    assert 2 < temperature < 8 and "validation" in said
    assert torch.allclose(head(features), scores / temperature, atol=1e-4)
    assert calibrate(network, head(features).detach(), targets)[0] == pytest.approx(1, abs=0.05)


def test_features_of_one_length_differ_in_direction_only() -> None:
    network = Body(backbones.build(SMALL), SMALL, "one", True).eval()
    features = network(torch.randint(0, 256, (3, 16, 16, 3), dtype=torch.uint8))
    assert torch.allclose(features.square().mean(1), torch.ones(3), atol=1e-4)


@pytest.mark.parametrize("shape", [(8, 40), (40, 8)])
def test_steps_of_filters_are_nearly_orthogonal(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    slope = torch.randn(shape)
    values = torch.linalg.svdvals(orthogonal(slope))
    assert float(values.min()) > 0.5 and float(values.max()) < 1.3
    assert float((orthogonal(slope) * slope).sum()) > 0


def test_optimiser_learns_filters_and_the_rest() -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3, bias=False),
        torch.nn.BatchNorm2d(8),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(72, 2),
    )
    pictures = torch.rand(64, 1, 5, 5)
    targets = (pictures[:, 0, 2, 2] > 0.5).long()
    optimiser, losses = Muon([{"params": list(network.parameters())}], lr=0.1), []
    for _ in range(30):
        loss = torch.nn.functional.cross_entropy(network(pictures), targets)
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses[-1] < 0.2 < losses[0]
    assert float(network[0].weight.detach().norm()) == pytest.approx(8**0.5, rel=0.2)
