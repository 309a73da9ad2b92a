"""Answers as a csv file, written as they come and moved into place when complete."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from shared.errors import UserError
from shared.protocol import Answer


def write_csv(answers: Iterable[Answer], path: Path) -> int:
    """Writes one row an answer; a mapping such as `probabilities` becomes columns `probabilities.NAME`.

    Returns the number of rows. The columns are those of the first answer. Raises UserError where the file
    cannot be written; a file that was there stays as it was until all rows are written.
    """
    waiting, rows = path.with_name(path.name + ".new"), 0
    try:
        with waiting.open("w", newline="", encoding="utf-8") as file:
            writer = None
            for answer in answers:
                flat = _flat(answer)
                if writer is None:
                    writer = csv.DictWriter(file, list(flat), restval="", extrasaction="ignore")
                    writer.writeheader()
                writer.writerow(flat)
                rows += 1
        os.replace(waiting, path)
    except OSError as error:
        waiting.unlink(missing_ok=True)
        raise UserError(f"{path} could not be written ({error.strerror}): give another place with --csv") from error
    except BaseException:
        waiting.unlink(missing_ok=True)
        raise
    return rows


def _flat(answer: Answer) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in answer.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": inner for key, inner in value.items()}
        else:
            flat[name] = json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
    return flat
