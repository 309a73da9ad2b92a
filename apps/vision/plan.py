"""The dials that the pictures decide when a person did not: size, weights, passes, rates, augmentation."""

from __future__ import annotations

from dataclasses import replace

from apps.vision import backbones, scratch
from apps.vision.pictures import Survey
from apps.vision.recipe import VisionRecipe
from shared.errors import UserError
from shared.precision import units

TOO_SMALL = 48
"""Median side in pixels below which a pretrained network would see next to nothing."""

SCRATCH_SIZE, SCRATCH_CROP = 128, 0.875
SMALL_STEP, LARGE_STEP, LEAST_FIRST = 4, 32, 24
"""Pixels by which the views of training grow, small and larger ones, and the side from which they begin at the least."""

FINE_TUNING = {"default": (8_000, 8), "best": (60_000, 20)}
"""By preset: pictures seen in fine-tuning, and most passes over them."""

MOST_TUNED = 3
"""Up to so many times as many training pictures are all seen once, of more so many at random: minutes, not hours, and the
first thousands gain most (docs/experiments/vision.md)."""

FEW = 4_000
"""Training pictures up to which features are taken of two scales of each."""

SEEN_SMALL = {"gpu": 1_000_000, "tiles": 1_000_000, "bf16": 700_000, "fp32": 300_000}
SEEN = {"gpu": 100_000, "tiles": 100_000, "bf16": 50_000, "fp32": 50_000}
"""Pictures seen from scratch, small and larger ones, by what computes: about a quarter of an hour on two cores, minutes on a GPU."""

SMALL_BATCH, MOST_TOGETHER, LEAST_STEPS = 500, 4, 200
"""From scratch on small pictures: so many go through the network together, as its normalisation needs; so many of these batches
move the weights once, at the most, while a run has so many steps (docs/experiments/vision.md)."""

SHARES = {"fast": 0.4, "default": 1.0, "best": 3.0}


def plan(recipe: VisionRecipe, seen: Survey, rows: int) -> tuple[VisionRecipe, list[str]]:
    """(recipe without open dials, notes). `rows` to train on."""
    side = max(seen.side, 4)
    recipe, notes = _plan_weights(recipe, side)
    if recipe.weights == "none":
        recipe = _plan_scratch(recipe, side, rows)
    else:
        recipe, said = _plan_transfer(recipe, side, rows)
        notes += said
    recipe = replace(_plan_views(recipe, side, seen.grey, rows), white=seen.white)
    if seen.white is not None:
        notes.append(f"grey pictures of more than 8 bits: {seen.white:g} is white, by the training pictures")
    shown = f"pictures of {side} pixels (median short side) are kept at {recipe.stored_size} and seen at {recipe.image_size}"
    views = {"none": "as they are", "shift": "shifted", "photo": "cropped and coloured"}[recipe.augment]
    mirrored = ", mirrored" if recipe.mirror == "yes" else ""
    return recipe, [*notes, f"{shown}; in training {views}{mirrored}"]


def _plan_views(recipe: VisionRecipe, side: int, grey: bool, rows: int) -> VisionRecipe:
    """How training pictures vary, and what is answered from. Small grey pictures are signs, whose mirror images mean
    something else, also where pretrained weights see them enlarged."""
    small = (recipe.image_size or 0) <= scratch.LARGEST
    mirror = recipe.mirror if recipe.mirror != "auto" else ("no" if grey and side <= scratch.LARGEST else "yes")
    return replace(
        recipe,
        augment=recipe.augment if recipe.augment != "auto" else ("shift" if small else "photo"),
        mirror=mirror,
        views=recipe.views if recipe.views != "auto" else _views(recipe, small and mirror == "yes", rows),
    )


def _views(recipe: VisionRecipe, small: bool, rows: int) -> str:
    """A second view doubles the time of an answer: where that is short, or asked for."""
    if recipe.preset == "fast":
        return "one"
    if recipe.weights == "none":
        if small:
            return "moved"
        return "mirror" if recipe.preset == "best" and recipe.mirror != "no" else "one"
    return "scales" if rows <= FEW or recipe.preset == "best" else "one"


def _plan_weights(recipe: VisionRecipe, side: int) -> tuple[VisionRecipe, list[str]]:
    if recipe.weights == "auto" and side < TOO_SMALL:
        note = f"weights: pictures of {side} pixels are too small for pretrained networks, training from scratch"
        return replace(recipe, weights="none"), [note]
    weights, note = backbones.find_weights(recipe.weights)
    if weights is None:
        return replace(recipe, weights="none"), [note]
    return replace(recipe, weights=weights.name if recipe.weights == "auto" else recipe.weights), [note]


def _plan_scratch(recipe: VisionRecipe, side: int, rows: int) -> VisionRecipe:
    size = recipe.image_size or (side if side <= scratch.LARGEST else min(side, SCRATCH_SIZE))
    small = size <= scratch.LARGEST
    work = (SEEN_SMALL if small else SEEN)[units(recipe.precision, recipe.device)]
    epochs = recipe.epochs
    if epochs is None:
        epochs = _within(SHARES[recipe.preset] * work / rows, 4, round(SHARES[recipe.preset] * 40))
    batch = recipe.batch_size or _within(rows / 40, 16, SMALL_BATCH if small else 96)
    together = _within(rows * epochs // (LEAST_STEPS * batch), 1, MOST_TOGETHER) if small else 1
    return replace(
        recipe,
        image_size=size,
        first_size=_first_size(recipe.first_size, size),
        stored_size=recipe.stored_size or (size if small else min(round(size / SCRATCH_CROP), side)),
        frozen_epochs=0,
        epochs=epochs,
        batch_size=batch,
        accumulate=recipe.accumulate or together,
        lr=0.24 if recipe.lr is None else recipe.lr,
        ema=0.0 if recipe.ema is None else recipe.ema,
        smoothing=(0.2 if small else 0.1) if recipe.smoothing is None else recipe.smoothing,
    )


def _first_size(asked: int | None, size: int) -> int:
    """Where training begins when it grows: three quarters of the size, in whole steps."""
    if asked is not None:
        return min(asked, size)
    step = growing_step(size)
    return min(size, max(size * 3 // 4 // step * step, LEAST_FIRST))


def growing_step(size: int) -> int:
    """Pixels by which the views of training grow up to `size`."""
    return SMALL_STEP if size <= scratch.LARGEST else LARGE_STEP


def _plan_transfer(recipe: VisionRecipe, side: int, rows: int) -> tuple[VisionRecipe, list[str]]:
    weights, _ = backbones.find_weights(recipe.weights)
    assert weights is not None
    wanted = backbones.pretrained_backbone(weights, recipe.image_size)
    notes: list[str] = []
    epochs, tuned = recipe.epochs, recipe.tune_rows
    if epochs is None and recipe.preset == "fast":
        epochs = 0
    elif epochs is None:
        seen, most = FINE_TUNING[recipe.preset]
        tuned = tuned or (MOST_TUNED * seen if rows > MOST_TUNED * seen else None)
        few = tuned if tuned and tuned < rows else None
        epochs = _within(seen / (few or rows), 1, most)
        passes = ("1 pass" if epochs == 1 else f"{epochs} passes") + (f" over {few:,} of the pictures" if few else "")
        notes.append(f"fine-tuning, where the head alone is not enough: {passes} (--preset fast leaves it out)")
    grows = backbones.takes_any_size(wanted.name)
    growing = grows and (recipe.first_size is not None or recipe.preset == "best")
    if recipe.first_size is not None and not grows:
        raise UserError(f"first_size={recipe.first_size}: {wanted.name} takes one size only; leave it out")
    return replace(
        recipe,
        image_size=wanted.size,
        first_size=_first_size(recipe.first_size if growing else wanted.size, wanted.size),
        stored_size=recipe.stored_size or min(round(wanted.size / wanted.crop), max(side, 32)),
        epochs=epochs,
        tune_rows=tuned,
        batch_size=recipe.batch_size or _within(rows / 20, 8, 64),
        accumulate=recipe.accumulate or 1,
        lr=5e-4 if recipe.lr is None else recipe.lr,
        ema=0.99 if recipe.ema is None else recipe.ema,
        smoothing=0.0 if recipe.smoothing is None else recipe.smoothing,
    ), notes


def _within(value: float, least: int, most: int) -> int:
    return max(least, min(most, round(value)))
