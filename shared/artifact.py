"""The artifact: a folder of artifact.json and weights.safetensors. Data only: loading runs no code.

A crash at any moment leaves the old artifact or the new one: the new JSON, moved into place in one step,
is the moment of change, and it names its weights by their checksum.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from shared.errors import UserError, readable

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

FORMAT = 1
JSON, WEIGHTS, WAITING = "artifact.json", "weights.safetensors", "weights.safetensors.new"
NETWORK, FITTED = "network.", "fitted."

DESCRIBED = {"app": str, "recipe": dict, "preprocessor": dict, "facts": dict}
"""What the JSON holds of a model, by name and kind; `weights` beside them names the other file by its checksum."""


@dataclass(frozen=True)
class Artifact:
    """What a folder holds: `network` and `fitted` are tensors by name, the rest JSON values."""

    app: str
    recipe: Mapping[str, Any]
    preprocessor: Mapping[str, Any]
    facts: Mapping[str, Any]
    network: Mapping[str, Tensor]
    fitted: Mapping[str, Tensor]


def write(artifact: Artifact, folder: Path) -> None:
    """Writes or replaces the artifact. Raises UserError where the folder cannot be written."""
    named = {NETWORK + k: v for k, v in artifact.network.items()}
    named |= {FITTED + k: v for k, v in artifact.fitted.items()}
    weights = save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in named.items()})
    described = {name: getattr(artifact, name) for name in DESCRIBED}
    seal = {"file": WEIGHTS, "sha256": _sha256(weights), "bytes": len(weights)}
    text = json.dumps({"format": FORMAT, **described, "weights": seal}, indent=1, allow_nan=False)
    check_target(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _end_earlier(folder)
        _change(folder, weights, text.encode())
    except OSError as error:
        raise UserError(
            f"{folder}: the model could not be written ({error.strerror}); nothing there was changed. "
            "Free some space or give another folder with --out"
        ) from error
    try:
        os.replace(folder / WAITING, folder / WEIGHTS)
    except OSError as error:
        raise UserError(
            f"{folder}: the new model is there and can be used, but its {WEIGHTS} could not be replaced ({error.strerror}): "
            f"close what uses that file and give {WAITING} its name"
        ) from error


def _change(folder: Path, weights: bytes, described: bytes) -> None:
    """From the old model to the new one, whose weights still wait to be moved; or OSError, and all is as it was."""
    try:
        _put(folder / WAITING, weights)
        _put(folder / (JSON + ".new"), described)
        os.replace(folder / (JSON + ".new"), folder / JSON)
    except OSError:
        for name in (WAITING, JSON + ".new"):
            (folder / name).unlink(missing_ok=True)
        raise


def _end_earlier(folder: Path) -> None:
    """Ends a write that was cut between its two moves: its weights, which are the model's, would be written over."""
    waiting = folder / WAITING
    with suppress(UserError):  # no artifact there, or none that can be read
        if waiting.is_file() and _sha256(waiting.read_bytes()) == _described(folder)["weights"].get("sha256"):
            os.replace(waiting, folder / WEIGHTS)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def check_target(folder: Path) -> None:
    """Raises UserError when `folder` cannot be written, or holds something that is not ours to replace."""
    try:
        _check_strangers(folder)
        with _made(folder):  # rights alone do not tell: a disk may be read-only, and some places take no folders
            TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror}): give another folder with --out") from error


@contextmanager
def reserved(folder: Path) -> Iterator[None]:
    """`check_target`, and inside no other run gets the folder: the files of two would mix. The system lets go of it when a
    process dies; Windows and some network disks have no such locks, and nothing is held there."""
    check_target(folder)
    with _made(folder), ExitStack() as held:
        try:
            if fcntl is not None:
                held.callback(os.close, place := os.open(folder, os.O_RDONLY))
                fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"{folder}: another run trains into it; wait for its end, or give another folder with --out"
            ) from None
        except OSError:
            pass
        yield


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """With the folder there; made here, it goes again where nothing came to lie in it."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for place in missing:
            with suppress(OSError):
                place.rmdir()


def _check_strangers(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: give --out a folder to make")
    strangers = folder.is_dir() and any(folder.iterdir()) and not (folder / JSON).exists()
    if strangers and not all(entry.name.startswith(("checkpoint", WEIGHTS, JSON)) for entry in folder.iterdir()):
        raise UserError(f"{folder} holds files that are not a model of ours: give --out a new or empty folder")


def _put(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def read(folder: Path, app: str | None = None) -> Artifact:
    """Reads and checks an artifact. Raises UserError at anything missing, damaged, newer, not to be read, or of another
    app."""
    with readable(folder, "set its rights, or copy the model again"):
        described = _described(folder)
        if app is not None and described["app"] != app:
            raise UserError(f"{folder} is a model of the {described['app']} app: use `glance {described['app']} ...`")
        tensors = _weights(folder, described["weights"])
    network = {k.removeprefix(NETWORK): v for k, v in tensors.items() if k.startswith(NETWORK)}
    fitted = {k.removeprefix(FITTED): v for k, v in tensors.items() if k.startswith(FITTED)}
    return Artifact(**{name: described[name] for name in DESCRIBED}, network=network, fitted=fitted)


def _described(folder: Path) -> dict[str, Any]:
    damaged = f"{folder / JSON} is damaged: copy the model again, or train it again"
    try:
        described = json.loads((folder / JSON).read_bytes())
    except FileNotFoundError:
        raise UserError(f"{folder}: no {JSON} there; give the folder that training wrote") from None
    except NotADirectoryError:
        raise UserError(f"{folder} is a file; give the folder that training wrote") from None
    except (ValueError, RecursionError):
        raise UserError(damaged) from None
    version = described.get("format") if isinstance(described, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise UserError(damaged)
    if version > FORMAT:
        raise UserError(f"{folder}: format {version} is newer than this program reads ({FORMAT}): upgrade glance")
    if any(not isinstance(described.get(name), kind) for name, kind in (DESCRIBED | {"weights": dict}).items()):
        raise UserError(damaged)
    return described


def _weights(folder: Path, seal: Mapping[str, Any]) -> dict[str, Tensor]:
    if seal.get("file") != WEIGHTS:
        raise UserError(
            f"{folder / JSON} names its weights {seal.get('file')!r}, not {WEIGHTS}: do not trust this model"
        )
    for name in (WEIGHTS, WAITING):  # the second only after a crash between the two moves
        path = folder / name
        if not path.is_file() or path.resolve().parent != folder.resolve():
            continue
        content = path.read_bytes()
        if _sha256(content) == seal.get("sha256"):
            return _tensors(content, path)
    raise UserError(
        f"{folder / WEIGHTS} is missing or differs from the checksum in {JSON}: copy the model again, or train it again"
    )


def _tensors(content: bytes, path: Path) -> dict[str, Tensor]:
    try:
        return load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise UserError(f"{path} is not a safetensors file ({error})") from None


def fill(network: torch.nn.Module, tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Puts the stored weights into a network of the same shape. Raises UserError where they do not fit."""
    try:
        network.load_state_dict(dict(tensors), strict=True)
    except RuntimeError as error:
        lines = str(error).splitlines()
        raise UserError(f"{folder}: the weights do not fit the network ({lines[-1].strip()})") from None
