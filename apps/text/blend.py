"""The weights of the two experts and a bias of each class, chosen on validation by log loss: that calibrates the answers too.

An n-gram that training has not seen says nothing, so held-out texts lean towards the frequent classes: the biases mend that.
"""

from __future__ import annotations

import torch
from torch import Tensor

from apps.text.doubt import asked_alone, cascades, least
from apps.text.encoded import Texts
from apps.text.lbfgs import LBFGS
from apps.text.model import ENCODER, GRAMS, Only, TextNetwork, margins
from apps.text.ragged import Ragged
from apps.text.recipe import TextRecipe
from apps.text.several import balance, loss_of
from shared.loaders import chosen
from shared.predict import Predictor
from shared.protocol import Data

NAMES = {ENCODER: "the encoder", GRAMS: "the n-grams"}
ENOUGH = 30
"""Rows below which the weights stay as they are."""
ENOUGH_TO_TUNE = 500
"""Rows below which the strength of the n-grams' penalty stays as it is."""
PRIOR = 5.0
"""Rows' worth of pull of the logarithm of each weight towards where it was; of each class's, of its bias towards 0."""


def choose(network: TextNetwork, valid: Data, recipe: TextRecipe) -> str:
    """Sets the network's blend; returns a sentence with each expert's own validation accuracy."""
    said, balanced = "validation accuracy", _balance(valid.targets, network, recipe)
    if cascades(network, recipe):
        valid = _in_doubt(network, valid, recipe, balanced)
        said = f"accuracy on the {len(valid):,} validation texts that the n-grams leave in doubt"
    return f"{said}: {_weigh_experts(network, valid, recipe, balanced)}"


def _in_doubt(network: TextNetwork, valid: Data, recipe: TextRecipe, balanced: Tensor | None) -> Data:
    """Sets what the n-grams answer alone, and its weight; gives the other rows. `balanced`: of all rows, so that the answers
    of the two parts, which have unlike shares of the classes, compare."""
    assert recipe.share is not None and isinstance(valid.inputs, Texts)
    logits = asked_alone(network.grams, valid.inputs.grams)
    sure = margins(logits)
    rows = least(sure, recipe.share)
    network.sure.fill_(sure[rows].max())
    rest = torch.ones(len(valid), dtype=torch.bool).index_fill(0, rows, False)
    if rest.sum() >= ENOUGH:
        alone, bias = weigh(logits[rest][None], valid.targets[rest], network.alone.cpu()[None], balanced)
        network.alone.copy_(alone[0])
        network.alone_bias.copy_(bias)
    return chosen(valid, rows)


def _balance(targets: Tensor, network: TextNetwork, recipe: TextRecipe) -> Tensor | None:
    """The weights of classes that are to count alike, which biases fitted without them would undo."""
    return balance(targets, len(network.bias)) if recipe.class_weights == "auto" else None


def _weigh_experts(network: TextNetwork, valid: Data, recipe: TextRecipe, balanced: Tensor | None) -> str:
    """Sets the weights of the two and the biases; says how good each is alone."""
    present = [e for e, there in ((ENCODER, network.has_encoder), (GRAMS, network.has_grams)) if there]
    logits = torch.stack([Predictor(Only(network, e), recipe.precision).outputs(valid.inputs) for e in present])
    if len(valid) >= ENOUGH:
        weights, bias = weigh(logits, valid.targets, network.blend[present].cpu(), balanced)
        network.blend[present] = weights.to(network.blend)
        network.bias.copy_(bias)
    right = [accuracy(each, valid.targets) for each in logits]
    said = [
        f"{NAMES[e]} alone {share:.4f} (weight {network.blend[e]:.2f})" for e, share in zip(present, right, strict=True)
    ]
    return ", ".join(said)


def tune(network: TextNetwork, train: Data, valid: Data, recipe: TextRecipe) -> None:
    """The strength of the n-grams' penalty, by the validation loss of their answers at the best scale."""
    assert isinstance(train.inputs, Texts) and isinstance(valid.inputs, Texts)
    asked, balanced = valid.inputs.grams, _balance(valid.targets, network, recipe)

    def loss() -> float:
        logits = asked_alone(network.grams, asked)
        weight, bias = weigh(logits[None], valid.targets, torch.ones(1), balanced)
        return loss_of(weight * logits + bias, valid.targets, weights=balanced).item()

    if len(valid) >= ENOUGH_TO_TUNE:
        network.grams.tune(train.inputs.grams, train.targets, recipe.class_weights == "auto", loss)


def complete(network: TextNetwork, train: Data, valid: Data, recipe: TextRecipe) -> str:
    """Fits the n-grams, whose fit is convex, to the validation rows as well, with all that these decided left as it is."""
    assert isinstance(train.inputs, Texts) and isinstance(valid.inputs, Texts)
    grams = Ragged.joined([train.inputs.grams, valid.inputs.grams])
    network.grams.fit(grams, torch.cat([train.targets, valid.targets]), recipe.class_weights == "auto")
    return "the n-grams were at last fitted to the validation rows too; validation figures are from before that"


def accuracy(logits: Tensor, targets: Tensor) -> float:
    """The share of right answers; of several labels a text, of all labels."""
    right = (logits > 0) == (targets > 0.5) if targets.is_floating_point() else logits.argmax(1) == targets
    return right.float().mean().item()


def weigh(logits: Tensor, targets: Tensor, start: Tensor, balanced: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Of logits of shape (experts, rows, classes), positive weights, shape (experts,), and biases, shape (classes,), of
    least log loss: Platt's scaling with its intercept, for several experts and classes. `balanced`: weights of classes."""
    logs, bias = start.log().clone().requires_grad_(), torch.zeros(logits.shape[2], requires_grad=True)
    optimizer = LBFGS([logs, bias], max_iter=50, line_search_fn="strong_wolfe")

    def closure() -> float:
        logs.grad = bias.grad = None
        mixed = (logs.exp()[:, None, None] * logits).sum(0) + bias
        pull = PRIOR / len(targets) * ((logs - start.log()).square().sum() + len(bias) * bias.square().sum())
        loss = loss_of(mixed, targets, weights=balanced) + pull
        loss.backward()
        return loss.item()

    with torch.enable_grad():
        optimizer.step(closure)
    return logs.detach().clamp(-6, 4).exp(), bias.detach()
