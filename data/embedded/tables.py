"""Two small medical tables that scikit-learn carries, with readable names; the target stands last."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from data.embedded.libraries import carried_table

# Ten measures of the cell nuclei, each as the mean, the standard error and the mean of the three largest.
_MEASURES = [
    *("radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity"),
    *("concave_points", "symmetry", "fractal_dimension"),
]
_BREAST_CANCER_COLUMNS = [
    *(f"mean_{measure}" for measure in _MEASURES),
    *(f"{measure}_error" for measure in _MEASURES),
    *(f"worst_{measure}" for measure in _MEASURES),
]

# scikit-learn calls the six serum values s1..s6; these are their names in its description of the data set.
_DIABETES_COLUMNS = [
    *("age", "sex", "body_mass_index", "blood_pressure", "cholesterol"),
    *("low_density_lipoproteins", "high_density_lipoproteins", "cholesterol_ratio"),
    *("log_triglycerides", "blood_sugar"),
]


def make_breast_cancer(folder: Path) -> None:
    """569 rows, 30 measurements, target `diagnosis`: malignant or benign. Raises ImportError without the carrier."""
    (_, _, *labels), *rows = carried_table("sklearn", "datasets/data/breast_cancer.csv")
    table = ([*map(_plain, cells), labels[int(number)]] for *cells, number in rows)
    _write(folder / "breast-cancer.csv", [*_BREAST_CANCER_COLUMNS, "diagnosis"], table)


def make_diabetes(folder: Path) -> None:
    """442 rows in their original units, target `progression` one year later; sex is coded 1 and 2."""
    rows = carried_table("sklearn", "datasets/data/diabetes_data_raw.csv.gz", " ")
    targets = carried_table("sklearn", "datasets/data/diabetes_target.csv.gz", " ")
    table = ([_plain(cell) for cell in [*row, *target]] for row, target in zip(rows, targets, strict=True))
    _write(folder / "diabetes.csv", [*_DIABETES_COLUMNS, "progression"], table)


def _write(path: Path, header: list[str], rows: Iterable[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def _plain(cell: str) -> str:
    """38.0 and 3.8e+01 -> 38: a number as a person writes it, and a column of whole ones as whole."""
    number = float(cell)
    return str(int(number)) if number.is_integer() else str(number)
