"""The size and the shape of the code, for comparing two states of it: ``python benchmarks/house.py [ROOT]``."""

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("git_contrib_assets", "api", "github_stand_in")
STAND_IN = ("github_stand_in", "git_contrib_assets/demo")


def percentiles(numbers: list[int]) -> str:
    """Median, ninth decile and maximum."""
    ordered = sorted(numbers)
    return f"{statistics.median(ordered):.0f} / {ordered[int(0.9 * (len(ordered) - 1))]} / {ordered[-1]}"


def functions(tree: ast.AST) -> Iterator[int]:
    """The lengths of all functions, in lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1


def classes(tree: ast.AST) -> Iterator[int]:
    """The lengths of all classes, in lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1


def imported(tree: ast.Module, modules: set[str]) -> set[str]:
    """Modules of ours that a module imports when it is imported."""
    found = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full in modules else str(node.module))
    return found & modules


def cycles(edges: dict[str, set[str]]) -> int:
    """How many modules are on a cycle of imports."""
    reach = {name: set(targets) for name, targets in edges.items()}
    changed = True
    while changed:
        changed = False
        for targets in reach.values():
            more = set().union(*(reach[target] for target in targets)) - targets
            if more:
                targets |= more
                changed = True
    return sum(name in targets for name, targets in reach.items())


def main() -> None:
    """Print one line per figure."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "*.py"], check=True, capture_output=True, text=True)
    files = [path for path in listed.stdout.split() if path.startswith(PACKAGES)]
    tests = [path for path in listed.stdout.split() if path.startswith("tests/")]
    texts = {path: (root / path).read_text("utf-8") for path in files + tests}
    trees = {path: ast.parse(texts[path]) for path in files}
    lines = {path: len(text.splitlines()) for path, text in texts.items()}
    names = {path: path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in files}
    edges = {names[path]: imported(trees[path], set(names.values())) - {names[path]} for path in files}
    modules = [path for path in files if not path.endswith("__init__.py") and trees[path].body]
    test_names = {Path(path).name for path in tests}
    mirrored = [path for path in modules if f"test_{Path(path).name}" in test_names]
    ours = [path for path in files if not path.startswith(STAND_IN)]
    figures = {
        "files": len(files),
        "lines": sum(lines[path] for path in files),
        "lines without the stand-in": sum(lines[path] for path in ours),
        "file: median / p90 / max": percentiles([lines[path] for path in files]),
        "function: median / p90 / max": percentiles([one for path in files for one in functions(trees[path])]),
        "class: median / p90 / max": percentiles([one for path in files for one in classes(trees[path])]),
        "modules on an import cycle": cycles(edges),
        "modules with a test file of their name": f"{100 * len(mirrored) / len(modules):.0f} %",
        "test lines per line": f"{sum(lines[path] for path in tests) / sum(lines[path] for path in files):.2f}",
    }
    for name, figure in figures.items():
        print(f"{name:<42}{figure}")


if __name__ == "__main__":
    main()
