"""Class folders of pictures, with their labels and parts; what is left out is told."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path
from unicodedata import normalize

from apps.vision.listing import Listing, is_picture, pictures_below
from shared.errors import UserError, some
from shared.folders import PARTS
from shared.tables import kind_of
from shared.walking import files_below, folders_in

TABLES = (".csv", ".tsv", ".parquet", ".pq", ".jsonl")
"""Kinds of files beside pictures that may hold their labels; a .txt is a README or a licence as often as not."""


CLASS_NAMED_TRAIN = "; where train is a class, put all class folders into one more folder train/"


def list_folder(source: Path) -> tuple[dict[str, Listing], list[str]]:
    """(listings by part, notes); the part of a folder without parts is "all". Raises UserError."""
    folder, passed = _unwrapped(source)
    said = _beside(source, folder)
    parts, notes = _list_parts(folder)
    return parts, [*passed, *said, *notes]


def _unwrapped(folder: Path) -> tuple[Path, list[str]]:
    """(folder, notes): looks through folders whose pictures lie in a single folder of folders, as archives often have them."""
    notes: list[str] = []
    while len(inside := list(islice(filter(_holds_pictures, folders_in(folder)), 2))) == 1:
        if inside[0].name.lower() in PARTS or not folders_in(inside[0]):
            break
        rest = [f"{path.name}/" for path in folders_in(folder) if path != inside[0]]
        notes += [f"no pictures in {some(rest)}: left out"] if rest else []
        folder = inside[0]
    return folder, notes


def _holds_pictures(folder: Path) -> bool:
    return any(True for _ in pictures_below(folder))


def _list_parts(folder: Path) -> tuple[dict[str, Listing], list[str]]:
    inside, notes = _parts(folder)
    found: dict[str, Listing] = {}
    for part, place in inside.items():
        found[part], said = _list_classes(place, folder)
        notes += said
    unlabelled = [part for part, listing in found.items() if not len(listing)]
    for part in unlabelled:
        if part in ("train", "all"):
            raise UserError(_nothing(inside[part]) + (CLASS_NAMED_TRAIN if part == "train" else ""))
        notes.append(f"{inside[part].name}/ holds no class folders of pictures: left out")
        del found[part]
    if not found:
        raise UserError(_nothing(folder))
    return found, notes


def _parts(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """(folders by part, notes): a folder without train/ is one part, unless it holds nothing but parts of class folders."""
    all_inside = folders_in(folder)
    named: dict[str, list[Path]] = {}
    for path in all_inside:
        if part := PARTS.get(path.name.lower()):
            named.setdefault(part, []).append(path)
    parts = [path for its in named.values() for path in its]
    if "train" not in named and not (parts and len(parts) == len(all_inside) and all(map(folders_in, parts))):
        return {"all": folder}, []
    for part, its in named.items():
        if len(its) > 1:
            raise UserError(
                f"{folder} holds {its[0].name}/ and {its[1].name}/, which are both its {part} part: join them"
            )
    rest = [f"{path.name}/" for path in all_inside if path not in parts]
    notes = [f"no parts (train, valid, test), left out: {some(rest)}"] if rest else []
    return {part: its[0] for part, its in named.items()}, notes


def _beside(source: Path, folder: Path) -> list[str]:
    """What to say of tables beside the folders. Raises UserError where there is but one class folder: the labels are in the table."""
    places = {source, folder}
    tables = sorted(
        path.name for place in places for path in place.iterdir() if path.is_file() and kind_of(path) in TABLES
    )
    if tables and len(inside := folders_in(folder)) == 1 and inside[0].name.lower() not in PARTS:
        raise UserError(
            f"{source} holds one folder, {inside[0].name}/, and {some(tables)}: give the table in the folder's place (of an "
            "archive, once it is unpacked), if it names pictures and their labels; else a second folder, for another class"
        )
    return [f"labels are the names of folders; tables beside them are not read: {some(tables)}"] if tables else []


def _nothing(folder: Path) -> str:
    loose = sum(is_picture(path) for path in folder.iterdir() if path.is_file())
    seen = f"{loose} pictures but no class folders" if loose else "no pictures in class folders"
    return f"{folder} holds {seen}: put the pictures of each class in a folder of the class's name, or give a csv of path,label"


def _list_classes(part: Path, root: Path) -> tuple[Listing, list[str]]:
    """The pictures of every class folder of one part, at any depth below it."""
    listing, notes, others, inner = Listing([], [], []), [], Counter[str](), Counter[str]()
    for folder in folders_in(part):
        paths = []
        for path in sorted(files_below(folder)):
            if is_picture(path):
                paths.append(path)
            else:
                others[path.suffix.lower() or "without"] += 1
        if not paths:
            notes.append(f"{folder.relative_to(root)}/ holds no pictures: left out")
        inner.update({name for path in paths for name in path.relative_to(folder).parts[:-1]})
        listing.paths.extend(paths)
        listing.names.extend(path.relative_to(root).as_posix() for path in paths)
        listing.labels.extend([normalize("NFC", folder.name)] * len(paths))  # macOS writes accents apart
    loose = sum(is_picture(path) for path in part.iterdir() if path.is_file())
    if loose and len(listing):
        notes.append(f"{loose} pictures of {part.name}/ lie in no class folder: left out")
    if shared := sorted(name for name, classes in inner.items() if classes > 1):
        notes.append(
            f"labels are the outermost folders: those of one name inside several of them ({some(shared)}) are neither classes "
            "nor parts"
        )
    if others:
        endings = some([f"{count} {ending}" for ending, count in others.most_common()])
        notes.append(f"{others.total()} files are no pictures by the endings of their names: left out: {endings}")
    return listing, notes
