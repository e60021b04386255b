"""Who may import whom, as data; and what every file of a kind has in common."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "git_contrib_assets"

# From left to right. A module imports from its own part and from parts to its left, unless ONLY says less.
PARTS: dict[str, tuple[str, ...]] = {
    "tables": ("tables",),
    "published files": ("published_files", "csv_text"),
    "errors": ("errors",),
    "foundation": ("arrow", "records", "settings", "progress", "logs"),
    "sources": ("sources",),
    "storage": ("storage",),
    "graph": ("graph",),
    "landing": ("landing",),
    "warehouse": ("warehouse",),
    "marts": ("marts",),
    "contract": ("serving.contract",),
    "serving": ("serving",),
    "reconciliation": ("reconciliation",),
    "definitions": ("definitions",),
    "runtime": ("runtime",),
    "cli": ("cli", "__main__"),
}
ORDER = list(PARTS)
# What a part may import at most, beside itself.
ONLY: dict[str, set[str]] = {
    "tables": set(),
    "published files": set(),
    "sources": {"errors", "foundation"},
    "storage": {"tables", "errors", "foundation", "sources"},
    "landing": {"tables", "errors", "foundation", "sources", "storage", "graph"},
    "warehouse": {"tables", "errors", "foundation", "storage", "graph"},
    "marts": {"tables", "published files", "storage", "graph"},
    "contract": {"tables", "published files", "warehouse", "marts"},
    "serving": {"tables", "published files", "contract", "errors", "foundation", "sources", "storage", "graph"},
}
# Packages outside the order: what they may import of ours, and who may import them.
STAND_IN = "github_stand_in"
MAY_IMPORT_STAND_IN = {f"{PACKAGE}.cli.collect"}
API_MAY_IMPORT = {
    f"{PACKAGE}.settings",
    f"{PACKAGE}.logs",
    f"{PACKAGE}.published_files",
    f"{PACKAGE}.csv_text",
    f"{PACKAGE}.serving.contract",
    f"{PACKAGE}.serving.contract.catalogue",
    f"{PACKAGE}.serving.contract.contributors",
}
# The parts of the API, and what each may import of it beside itself: subjects know the kit, and not each other.
API_PARTS: dict[str, set[str]] = {
    "kit": set(),
    "contributors": {"kit"},
    "catalogue": {"kit"},
    "repositories": {"kit", "contributors"},
    "operation": {"kit", "contributors"},
    "page": {"kit", "contributors", "catalogue"},
    "main": {"kit", "contributors", "catalogue", "repositories", "operation", "page"},
}

# Modules that know Dagster. All others are plain Python, and can be tested and read without it.
KNOW_DAGSTER = {
    "definitions",
    "graph.automation",
    "graph.listings",
    "graph.metadata",
    "graph.partitions",
    "graph.resources",
    "graph.run_log",
    "graph.sqlite_timeout",
    "landing.accounts",
    "landing.commits",
    "landing.owners",
    "landing.repositories",
    "marts.assets",
    "marts.checks",
    "reconciliation.job",
    "runtime.daemon",
    "runtime.guarded_webserver",
    "runtime.instance",
    "runtime.pipeline",
    "serving.assets",
    "serving.catalogue",
    "serving.postgresql.assets",
    "warehouse.assets",
}
KNOW_DUCKDB = {
    "graph.metadata",
    "graph.resources",
    "marts.checks",
    "serving.postgresql.source",
    "serving.publish",
    "serving.read",
    "storage.warehouse",
}
MAY_PRINT = {"cli.console"}


@dataclass(frozen=True)
class Import:
    """One import: the full name of what is imported, and whether it happens when the module is."""

    module: str
    line: int
    at_start: bool


@dataclass(frozen=True)
class Module:
    """A module of ours."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def local(self) -> str:
        """Its name inside the package."""
        return self.name.partition(".")[2]

    @property
    def imports(self) -> list[Import]:
        return list(_imports(self.tree, at_start=True))


def _imports(node: ast.AST, *, at_start: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        inside = at_start and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            inside = False
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, at_start) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"line {child.lineno}: imports are absolute here"
            yield from (Import(f"{child.module}.{alias.name}", child.lineno, at_start) for alias in child.names)
        yield from _imports(child, at_start=inside)


def _modules() -> dict[str, Module]:
    found = {}
    for package in (PACKAGE, "api", STAND_IN):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = Module(name, path, ast.parse(path.read_text("utf-8")))
    return found


MODULES = _modules()
OURS = [module for module in MODULES.values() if module.name.startswith(f"{PACKAGE}.")]
API = [module for module in MODULES.values() if module.name.split(".")[0] == "api"]
SQL = sorted([*(ROOT / PACKAGE).rglob("*.sql"), *(ROOT / "api").rglob("*.sql")])
NOT_A_SELECT = {"catalogue_views.sql", "landing_views.sql", "macros.sql", "repositories_csv.sql"}
every_module = pytest.mark.parametrize("module", list(MODULES.values()), ids=list(MODULES))


def module_of(name: str) -> str | None:
    """The module of ours that an imported name is or lies in."""
    while name:
        if name in MODULES:
            return name
        name = name.rpartition(".")[0]
    return None


def part_of(local: str) -> str | None:
    """The part a module belongs to: that of its own name before that of its folder, the innermost first."""
    words = local.split(".")
    for name in (".".join(words[:length]) for length in range(len(words), 0, -1)):
        for part, members in PARTS.items():
            if name in members:
                return part
    return None


# The order


def test_every_module_has_its_place():
    """A new module must be put into the order, or it is nobody's."""
    homeless = [module.name for module in OURS if part_of(module.local) is None]
    assert homeless == []


@pytest.mark.parametrize("module", [one for one in OURS if part_of(one.local)], ids=lambda module: module.local)
def test_imports_lead_to_the_left(module):
    """Each part imports from parts to its left only, and some from fewer."""
    part = part_of(module.local)
    allowed = ONLY.get(part, set(ORDER[: ORDER.index(part)])) | {part}
    for one in module.imports:
        target = module_of(one.module)
        if target is None or not target.startswith(f"{PACKAGE}."):
            continue
        there = part_of(target.removeprefix(f"{PACKAGE}."))
        if there is not None:
            assert there in allowed, f"{module.path.name}:{one.line}: {part} imports {target} ({there})"


@pytest.mark.parametrize("module", API, ids=lambda module: module.name)
def test_the_api_knows_the_contract_only(module):
    """So that it can be moved, or rewritten, without the asset graph."""
    for one in module.imports:
        target = module_of(one.module)
        if target and target.split(".")[0] == PACKAGE:
            assert target in API_MAY_IMPORT, f"{module.path.name}:{one.line}: {target}"
        assert one.module.split(".")[0] != "dagster"


@pytest.mark.parametrize("module", [one for one in API if one.local], ids=lambda module: module.name)
def test_parts_of_the_api_import_what_they_may(module):
    """A subject can be added or taken away without a change to the kit or to another subject."""
    part = module.local.partition(".")[0]
    for one in module.imports:
        target = module_of(one.module) or ""
        if target.startswith("api."):
            there = target.split(".")[1]
            assert there in {part, *API_PARTS[part]}, f"{module.path.name}:{one.line}: {part} imports {target}"


@pytest.mark.parametrize("module", OURS, ids=lambda module: module.local)
def test_nobody_imports_the_api(module):
    """It is started by name."""
    assert [one for one in module.imports if one.module.split(".")[0] == "api"] == []


@every_module
def test_the_stand_in_stands_apart(module):
    """It stands for GitHub, so it must not share our idea of GitHub; only the `demo` command needs it."""
    inside = module.name.split(".")[0] == STAND_IN
    for one in module.imports:
        target = (module_of(one.module) or "").split(".")[0]
        if inside:
            assert target in ("", STAND_IN), f"{module.path.name}:{one.line}: the stand-in imports {one.module}"
        elif target == STAND_IN:
            assert module.name in MAY_IMPORT_STAND_IN, f"{module.path.name}:{one.line}: {one.module}"
            assert not one.at_start, "the stand-in is imported by its command, not by every command"


def test_the_contract_imports_the_standard_library_only():
    """Both sides import it: it loads nothing but the tables' own module and that of published files."""
    used = {one.module.split(".")[0] for one in MODULES[f"{PACKAGE}.tables"].imports}
    assert used <= set(sys.stdlib_module_names)
    loaded = modules_loaded_by("import git_contrib_assets.serving.contract")
    assert not loaded & {"dagster", "duckdb", "pyarrow", "pydantic", "orjson"}


@pytest.mark.parametrize("module", OURS, ids=lambda module: module.local)
def test_few_modules_know_dagster_and_duckdb(module):
    """The work itself is plain Python; the landing layer writes files and never DuckDB."""
    used = {one.module.split(".")[0] for one in module.imports}
    assert not used & {"dagster"} or module.local in KNOW_DAGSTER
    assert "duckdb" not in used or module.local in KNOW_DUCKDB


def test_the_lists_of_modules_are_not_out_of_date():
    """Each module they name is there, and does know what it may know."""
    for names, packages in ((KNOW_DAGSTER, {"dagster"}), (KNOW_DUCKDB, {"duckdb"})):
        for name in names:
            used = {one.module.split(".")[0] for one in MODULES[f"{PACKAGE}.{name}"].imports}
            assert used & packages, name


def test_there_is_no_cycle():
    """At the level of modules, counting what is imported when a module is."""
    edges = {
        name: {
            target for one in module.imports if one.at_start and (target := module_of(one.module)) and target != name
        }
        for name, module in MODULES.items()
    }
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name in done:
            return
        for target in sorted(edges[name]):
            visit(target, (*path, name))
        done.add(name)

    for name in sorted(edges):
        visit(name, ())


# What is loaded


def modules_loaded_by(statement: str) -> set[str]:
    """The modules that are there after a statement in a process of its own."""
    code = f"import sys\n{statement}\nsys.stdout.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import git_contrib_assets.definitions", {"pandas", "polars"}),
        ("import git_contrib_assets.cli.main", {"pandas", "pyarrow", "dagster", "fastapi", "uvicorn"}),
        ("import api.main", {"pandas", "dagster", "pyarrow"}),
    ],
)
def test_starting_is_light(statement, absent):
    """What costs half a second, and is not needed at the start, is not imported there."""
    assert modules_loaded_by(statement) & absent == set()


# What files have in common


@every_module
def test_annotations_are_real_where_dagster_reads_them(module):
    """Dagster reads annotations at run time; text in their place breaks resources and configuration."""
    futures = [one for one in module.imports if one.module == "__future__.annotations"]
    assert not futures or not any(one.module.split(".")[0] == "dagster" for one in module.imports)


@every_module
def test_nothing_is_printed(module):
    """Data go to stdout through the command line, logs to stderr."""
    if module.local in MAY_PRINT:
        return
    calls = [node for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    printed = [node.lineno for node in calls if isinstance(node.func, ast.Name) and node.func.id == "print"]
    assert printed == []


@every_module
def test_modules_say_what_they_are(module):
    """In their first line; an empty file says nothing because it is nothing."""
    assert not module.tree.body or ast.get_docstring(module.tree)


def header(path: Path) -> list[str]:
    lines = path.read_text("utf-8").splitlines()
    first_other = next((index for index, line in enumerate(lines) if not line.startswith("--")), len(lines))
    return [line.removeprefix("-- ") for line in lines[:first_other]]


@pytest.mark.parametrize("path", SQL, ids=lambda path: str(path.relative_to(ROOT)))
def test_sql_says_what_it_is(path):
    """What a row is, its key, what it reads, and what else one must know; then one select."""
    lines = header(path)
    if path.name in NOT_A_SELECT:
        assert lines
        return
    text = path.read_text("utf-8")
    if path.parent.name == "violations":
        what, reads = lines
        assert what.endswith("; must return no row")
    else:
        what, key, reads, *_ = lines
        assert len(lines) in {3, 4}
        assert what.startswith("one row")
        assert key.startswith("key: ")
    assert reads.startswith("reads: ")
    assert len(duckdb.extract_statements(text)) == 1
    assert re.match(r"(?:with|select)\b", "\n".join(text.splitlines()[len(lines) :]).lstrip())


@pytest.mark.parametrize(
    "path",
    [path for path in SQL if PACKAGE in path.parts and path.name not in NOT_A_SELECT],
    ids=lambda path: path.name,
)
def test_sql_reads_what_it_says(path):
    """The tables behind from and join are those of its header."""
    said = next(line for line in header(path) if line.startswith("reads: "))
    used = set(re.findall(r"\b(?:from|join) ((?:landing|typed|marts)\.\w+)", path.read_text("utf-8")))
    assert set(re.findall(r"(?:landing|typed|marts)\.\w+", said)) == used
