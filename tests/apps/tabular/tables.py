"""Small tables for the tests of the tabular app, with a pattern that can be learnt."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_loans(path: Path, rows: int = 300, seed: int = 0) -> Path:
    """Numbers, words, dates, yes/no and gaps; `repaid` follows from income and city."""
    draws = np.random.default_rng(seed)
    income = draws.normal(50, 15, rows)
    city = draws.choice(["Bonn", "Köln", "Ulm"], rows)
    repaid = income + 20 * (city == "Ulm") + draws.normal(0, 4, rows) > 55
    lines = ["id,income,city,opened,owner,note,repaid"]
    for i in range(rows):
        shown = "" if i % 11 == 0 else f"{income[i]:.2f}"
        day = f"20{10 + i % 10}-0{1 + i % 9}-{10 + i % 18}"
        lines.append(f"r{i}x,{shown},{city[i]},{day},{'yes' if i % 3 else 'no'},same,{'y' if repaid[i] else 'n'}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_prices(path: Path, rows: int = 300, seed: int = 0) -> Path:
    """A price per flat from its size and age."""
    draws = np.random.default_rng(seed)
    size, age = draws.uniform(20, 150, rows), draws.integers(0, 80, rows)
    price = 3 * size - age + draws.normal(0, 5, rows)
    lines = [f"{s:.1f},{a},{p:.2f}" for s, a, p in zip(size, age, price, strict=True)]
    path.write_text("size,age,price\n" + "\n".join(lines) + "\n")
    return path


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding)
    return path


def many(target: str, rows: int = 40) -> str:
    """Csv of a number, a word and the target `t`, a format of the row `i`, of `half` (0 or 1) and of `odd`, a fraction."""
    return "a,b,t\n" + "".join(
        f"{i % 7},{'pq'[i % 2]},{target.format(i=i, half=i % 2, odd=i * 1.37)}\n" for i in range(rows)
    )
