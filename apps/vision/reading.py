"""Every layout of a picture set -> decoded splits; everything skipped is counted and told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from apps.vision.archives import opened
from apps.vision.duplicates import contradictions, near_duplicates
from apps.vision.folders import list_folder
from apps.vision.listing import Listing, is_picture
from apps.vision.pictures import load_pictures, survey
from apps.vision.plan import plan
from apps.vision.recipe import VisionRecipe
from apps.vision.tables import labelled, list_table
from shared.errors import UserError, some
from shared.protocol import Examples, Splits
from shared.several import settle_separator, split
from shared.splits import complete

SHOWN = 10
"""Classes that are told one by one; of more, the greatest and the smallest."""


def read_splits(source: Path, recipe: VisionRecipe, valid: Path | str | None, test: Path | None) -> Splits:
    """Reads the source's own parts, or those given beside it, or splits them off."""
    with opened(source) as place:
        parts, notes = list_source(place)
        train = _part_to_train_on(parts, source)
        one = place.is_dir() and recipe.separator == "auto"  # a folder's name is one label
        separator, several = settle_separator("none" if one else recipe.separator, train.labels, "picture")
        train, unlabelled = labelled(train, separator)
        recipe, said = plan(replace(recipe, separator=separator), survey(train.paths), len(train))
        notes += [*said, *several, *unlabelled]
        examples = _decode(train, source, recipe)
        _check_classes(train, examples, source, recipe.separator)
        notes += [_told_classes(examples)] if recipe.separator == "none" else []
        inside = {
            part: _decode(parts[part], source, recipe)
            for part, given in (("valid", valid), ("test", test))
            if part in parts and given is None
        }
    if valid == "none":
        inside["valid"] = examples.take(np.arange(0))
    elif valid is not None:
        inside["valid"] = read_labelled(Path(valid), recipe, ("valid", "test"))
    if test is not None:
        inside["test"] = read_labelled(test, recipe, ("test", "valid"))
    notes += [note for part in (examples, *inside.values()) for note in part.notes]
    fractions = (recipe.valid_fraction, recipe.test_fraction)
    found = complete(examples, inside.get("valid"), inside.get("test"), fractions, recipe.seed, recipe.separator)
    for part, held in (("validation", found[1]), ("test", found[2])):
        notes += _doubts(found[0], held, part, recipe.separator) if len(held) else []
    if len(found[1]) and not len(found[2]):
        notes.append("no test pictures: what is measured is the validation that also chose the weights")
    return Splits(*found, recipe, tuple(notes))


def list_source(source: Path) -> tuple[dict[str, Listing], list[str]]:
    """(listings by part, notes) of class folders or a csv of path,label; the part of a source without parts is "all".
    Raises UserError."""
    if source.is_dir():
        return list_folder(source)
    if is_picture(source):
        raise UserError(f"{source} is a single picture: give the folder that holds a folder of pictures per class")
    listing, notes = list_table(source)
    return {"all": listing}, notes


def _part_to_train_on(parts: dict[str, Listing], source: Path) -> Listing:
    train = parts.get("train") or parts.get("all")
    if train is None:
        raise UserError(
            f"{source} holds {' and '.join(sorted(parts))} pictures but none to train on: name their folder train, or "
            "give a folder of class folders"
        )
    return train


def _doubts(train: Examples, held: Examples, part: str, separator: str) -> list[str]:
    """What to know of numbers measured on pictures of `part`: which are copies, and which classes or labels lack."""
    notes = []
    if copies := near_duplicates(train.inputs, held.inputs):
        shown = some([f"{name} of {original}" for name, original in copies], 3)
        notes.append(
            f"{len(copies)} of {len(held)} {part} pictures are nearly copies of training pictures, which flatters "
            f"what is measured on them: {shown}"
        )
    learnt, measured = ({label for cell in its.targets for label in split(cell, separator)} for its in (train, held))
    if absent := sorted(learnt - measured):
        told = "nothing is measured of classes" if separator == "none" else "f1_macro counts as 0 labels"
        notes.append(f"{told} without {part} pictures ({len(absent)}): {some(absent)}")
        if part == "validation" and len(measured) == 1:
            notes.append(
                f"by validation pictures of one class, {measured.pop()!r}, weights that give it too often look best: give some "
                "of each class, or --valid none"
            )
    return notes


def read_labelled(source: Path, recipe: VisionRecipe, prefer: Sequence[str]) -> Examples:
    """Labelled pictures of one part: the first of `prefer` that the source has, else all it has."""
    with opened(source) as place:
        parts, notes = list_source(place)
        part = next((name for name in (*prefer, "all", "train") if name in parts), "all")
        listing, said = labelled(parts[part], recipe.separator)
        read = _decode(listing, source, recipe)
    notes += [f"{source}: of {', '.join(sorted(parts))} its {part} is read"] if len(parts) > 1 else []
    notes += said
    return replace(read, notes=(*notes, *read.notes))


def _decode(listing: Listing, source: Path, recipe: VisionRecipe) -> Examples:
    """Decodes and leaves out what cannot be. Raises UserError when that is more than half."""
    assert recipe.stored_size is not None
    pictures = load_pictures(listing.paths, listing.names, recipe.stored_size, recipe.white)
    whole = np.array([error is None for error in pictures.errors], dtype=bool)
    broken = [f"{listing.names[i]} ({pictures.errors[i]})" for i in np.flatnonzero(~whole)]
    if len(broken) * 2 > len(listing):
        raise UserError(
            f"{source}: {len(broken)} of {len(listing)} pictures cannot be decoded: {some(broken, 3)}; "
            "replace those files"
        )
    notes = (f"{len(broken)} pictures cannot be decoded: left out: {some(broken)}",) if broken else ()
    read = Examples(pictures, np.array(listing.labels, dtype=object)).take(np.flatnonzero(whole))
    return replace(read, notes=(*notes, *contradictions(read.inputs, read.targets, recipe.separator)))


def _check_classes(listing: Listing, examples: Examples, source: Path, separator: str) -> None:
    """Raises UserError when there are not two classes, or (with one label a picture) not two readable pictures of each."""
    if separator != "none":  # LabelSets.fit counts those
        return
    counts = Counter(listing.labels)
    if len(counts) < 2:
        raise UserError(
            f"{source}: its pictures are all of one class, {next(iter(counts))!r}; add a folder of pictures of another"
        )
    left = Counter(examples.targets)
    for label in counts:
        if left[label] < 2:
            names = [name for name, its in zip(listing.names, listing.labels, strict=True) if its == label]
            readable = "no readable picture" if not left[label] else "only one readable picture"
            raise UserError(
                f"{source}: class {label!r} has {readable} ({some(names, 2)}); add pictures or remove the class"
            )


def _told_classes(examples: Examples) -> str:
    """How many pictures each class has."""
    counted = Counter(map(str, examples.targets)).most_common()
    told = ": " + ", ".join(f"{name} ({count})" for name, count in counted)
    if len(counted) > SHOWN:
        (most, greatest), (least, fewest) = counted[0], counted[-1]
        told = f", from {most} ({greatest} pictures) to {least} ({fewest})"
    return f"{len(counted)} classes{told}"
