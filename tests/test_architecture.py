"""The rules of the house: who may import whom, how long a file is, and what never appears in the product."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = sorted(path for folder in ("apps", "shared", "data") for path in (ROOT / folder).rglob("*.py"))
EVERYTHING = [*PRODUCT, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "benchmarks").rglob("*.py"))]
APPS = ("vision", "text", "tabular", "collab")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}: relative import"
            yield node.module or ""


def top_level_imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    found = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("path", PRODUCT, ids=name)
def test_imports_go_down_only(path: Path) -> None:
    where = path.relative_to(ROOT).parts
    ours = {module for module in imports(path) if module.split(".")[0] in {"apps", "shared", "data", "tests"}}
    if where[0] in {"shared", "data"}:
        assert all(module.split(".")[0] == where[0] for module in ours)
    elif len(where) > 2:
        allowed = ("shared", f"apps.{where[1]}")
        assert all(module.startswith(allowed) for module in ours)


@pytest.mark.parametrize("path", PRODUCT, ids=name)
def test_fastai_stays_in_its_places(path: Path) -> None:
    if name(path) == "shared/train.py" or (path.name == "callbacks.py" and path.parts[-3] == "apps"):
        return  # loaded when training only: each app's contract test looks that answering does not
    assert "fastai" not in top_level_imports(path)
    if "fastai" in {module.split(".")[0] for module in imports(path)}:
        assert name(path) in {"shared/loaders.py", "shared/run.py", "shared/face.py"} or path.parts[-3] == "apps"


@pytest.mark.parametrize("path", EVERYTHING, ids=name)
def test_file_is_short_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    assert not text.strip() or ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("path", PRODUCT, ids=name)
def test_nothing_dangerous(path: Path) -> None:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert all(alias.name != "*" for alias in node.names)
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"eval", "exec", "compile", "os.system"}
            keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            assert keywords.get("shell") != "True"
            assert called != "torch.load" or keywords.get("weights_only") == "True"
    assert not {"pickle", "joblib", "dill", "shelve", "marshal"} & {m.split(".")[0] for m in imports(path)}


@pytest.mark.parametrize("path", PRODUCT, ids=name)
def test_signatures_are_typed(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            arguments = [a for a in (*node.args.args, *node.args.kwonlyargs) if a.arg not in {"self", "cls"}]
            assert node.returns is not None and all(a.annotation for a in arguments), node.name


def test_no_path_of_one_machine() -> None:
    for path in PRODUCT:
        assert not re.search(r"/(work|root|home)/|\.\./shared", path.read_text()), name(path)


def test_help_loads_neither_torch_nor_pandas() -> None:
    code = "import sys; from apps.__main__ import main\ntry: main([*sys.argv[1:], '--help'])\nexcept SystemExit: pass\n"
    code += "assert not {'torch', 'pandas', 'numpy', 'fastai'} & set(sys.modules), sorted(sys.modules)"
    for arguments in ([], *([app, "train"] for app in APPS)):
        subprocess.run([sys.executable, "-c", code, *arguments], cwd=ROOT, check=True, capture_output=True)


def test_fitting_ngrams_does_not_load_torch_compile() -> None:
    code = (
        "import sys, numpy, torch; from apps.text.blend import weigh; from apps.text.expert import GramExpert, Ragged\n"
    )
    code += "targets, rows = torch.tensor([0, 1]), Ragged.of_lists([[0], [1]])\n"
    code += "GramExpert(2, 2).fit(rows, targets); weigh(torch.eye(2)[None], targets, torch.ones(1))\n"
    code += "assert 'torch._dynamo' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


def test_version_is_said_once_in_the_changelog() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.M)
    assert version and f"## [{version[1]}]" in (ROOT / "CHANGELOG.md").read_text()
