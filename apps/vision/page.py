"""What a model gets wrong, to look at: a page with the confusion matrix and the pictures of the greatest losses, and two tables."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from apps.vision.review import confusion
from shared.answers import write_csv
from shared.errors import UserError, readable, some, told_of
from shared.labels import Labels, six_digits
from shared.model import Model

PAGE, CONFUSION, LOSSES = FILES = ("index.html", "confusion.csv", "losses.csv")
OPENING = "<!doctype html><meta charset=utf-8><title>Glance: what to look at</title>"

SHOWN = 48
"""Pictures on the page."""

STYLE = """
body { font: 15px system-ui, sans-serif; margin: 2em; } figure { display: inline-block; margin: 0 1em 1em 0; width: 160px; vertical-align: top; }
figure img { width: 160px; } figcaption { font-size: 12px; overflow-wrap: anywhere; } table { border-collapse: collapse; margin: 1em 0; }
td, th { padding: .3em .6em; text-align: right; font-weight: normal; } th { font-size: 12px; white-space: nowrap; }
th.column { writing-mode: vertical-rl; }
"""


def write_page(model: Model, source: Path, folder: Path) -> dict[str, Any]:
    """Writes index.html, confusion.csv and losses.csv (every picture, the greatest loss first) into `folder`.

    Returns the number of pictures and of errors, and notes on how they were read. Raises UserError where a picture may have several labels.
    """
    names = getattr(model.preprocessor, "labels", None)
    if not isinstance(names, Labels):
        raise UserError(f"{source}: pictures with several labels have no confusion matrix; use evaluate and predict")
    with readable(folder, "name another folder"):
        _check_strangers(folder)
    examples = model.app.read_examples(source, model.recipe)
    with told_of(source):
        data = model.encode(examples)
    if not len(data):
        raise UserError(f"{source}: no labelled pictures to review")
    scores, targets = model.predictor.outputs(data.inputs), data.targets
    order = torch.nn.functional.cross_entropy(scores, targets, reduction="none").argsort(descending=True)
    pictures = data.inputs.pictures[order.numpy()]  # type: ignore[attr-defined]
    rows = list(_rows(scores[order], targets[order], names.names, pictures.names))
    counts = confusion(scores, targets)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        page = _page(rows[:SHOWN], pictures, counts, names.names)
        (folder / PAGE).write_text(page, encoding="utf-8", errors="backslashreplace")  # names may be any bytes
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror}): name another folder") from None
    write_csv(iter(rows), folder / LOSSES)
    table = [dict(zip(names.names, line, strict=True)) for line in counts.tolist()]
    heading = "label" + "_" * ("label" in names.names)
    write_csv(({heading: name, **line} for name, line in zip(names.names, table, strict=True)), folder / CONFUSION)
    return {
        "rows": len(rows),
        "errors": int(counts.sum() - counts.diagonal().sum()),
        "page": str(folder / PAGE),
        "notes": model.remarks(examples),
    }


def _check_strangers(folder: Path) -> None:
    """Raises UserError where files of these names would be lost that are no earlier page of ours."""
    there = [name for name in FILES if (folder / name).exists()]
    page = folder / PAGE
    if there and not (page.is_file() and page.read_bytes().startswith(OPENING.encode())):
        raise UserError(f"{folder} holds {some(there)} that are no page of ours: name a new or empty folder")


def _rows(scores: Tensor, targets: Tensor, names: tuple[str, ...], files: np.ndarray) -> Iterator[dict[str, Any]]:
    chances = scores.double().softmax(1)
    for file, target, row in zip(files, targets.tolist(), chances, strict=True):
        chance, guess = float(row[target]), int(row.argmax())
        loss = round(-float(np.log(max(chance, 1e-15))), 6)
        yield {
            "input": str(file),
            "label": names[target],
            "prediction": names[guess],
            "probability_of_label": six_digits(chance),
            "loss": loss,
        }


def _page(rows: list[dict[str, Any]], pictures: Any, counts: Tensor, names: tuple[str, ...]) -> str:
    shown = "".join(_figure(row, pictures.store[pictures.slots[i]]) for i, row in enumerate(rows))
    return (
        f"{OPENING}<style>{STYLE}</style>"
        f"<h1>Confusion</h1><p>Rows are labels, columns answers.</p>{_matrix(counts, names)}<h1>Greatest losses</h1>{shown}\n"
    )


def _matrix(counts: Tensor, names: tuple[str, ...]) -> str:
    shares = counts / counts.sum(1, keepdim=True).clamp_min(1)
    heading = "".join(f"<th class=column dir=auto>{escape(name)}" for name in names)
    lines = []
    for i, name in enumerate(names):
        hue = [("120" if i == j else "0") for j in range(len(names))]
        cells = [
            f'<td style="background:hsl({hue[j]} 70% {100 - 45 * float(shares[i, j]):.0f}%)">{int(counts[i, j])}'
            for j in range(len(names))
        ]
        lines.append(f"<tr><th dir=auto>{escape(name)}{''.join(cells)}")
    return f"<table><tr><th>{heading}{''.join(lines)}</table>"


def _figure(row: dict[str, Any], pixels: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=80)
    said = f"{row['input']}: labelled {row['label']}, taken for {row['prediction']}; {row['probability_of_label']:.1%} for its label"
    picture = base64.b64encode(file.getvalue()).decode()
    return (
        f'<figure><img alt="" src="data:image/jpeg;base64,{picture}"><figcaption>{escape(said)}</figcaption></figure>'
    )
