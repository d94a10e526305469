"""The layers: a package imports from layers below its own, and modules import in no circle.

An import counts wherever it stands: at the head of a module, inside a function (where it only is put
off), or for type hints alone.
"""

from __future__ import annotations

import ast
import pkgutil
import re
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from io import StringIO
from pathlib import Path
from token import NAME

import pytest

import ocsp_pcap

ROOT = Path(ocsp_pcap.__file__).parent
LAYERS: tuple[set[str], ...] = (
    {"", "bounds"},
    {"facts", "terminal", "examples", "whole_file"},
    {"capture"},
    {"decode"},
    {"streams"},
    {"tls", "http", "dns", "pki"},
    {"quic", "ocsp"},
    {"spoken"},
    {"observe"},
    {"parallel"},
    {"read_captures"},
    {"explain"},
    {"report", "tables", "evidence", "crosscheck"},
    {"progress", "output", "api"},
    {"completion", "inputs", "notebook", "ticket"},
    {"commands"},
    {"cli"},
    {"__main__"},
)
"""Packages, the lowest layer first; those of one layer do not import each other."""
ALONE = {
    "facts": set[str](),
    "terminal": set(),
    "explain": {"facts"},
    "report": {"facts", "terminal", "explain"},
    "http": set(),
    "tables": {"facts", "capture"},
}
"""Packages that import these and no others, whatever stands below them."""
BY_NAME = {
    "ocsp_pcap",
    "ocsp_pcap.api",
    "ocsp_pcap.commands.group",
    "ocsp_pcap.decode.encapsulations",
    "ocsp_pcap.explain",
    "ocsp_pcap.parallel.parcel",
    "ocsp_pcap.tables.errors",
}
"""Modules that import by a name in a string, which these tests do not see.

They name what is imported only where it is used, or may not be installed.
"""


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in ROOT.rglob("*.py")}


@cache
def imports(module: str) -> frozenset[str]:
    return frozenset(_imports(module)) - {module}


def _imports(module: str) -> Iterator[str]:
    package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package)
            if source in MODULES:
                for name in node.names:
                    inner = f"{source}.{name.name}"
                    yield inner if inner in MODULES else source


def package_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_package_imports_only_from_layers_below_it(module: str) -> None:
    own = package_of(module)
    layer = {name: height for height, names in enumerate(LAYERS) for name in names}
    others = {package_of(other) for other in imports(module)} - {own}
    above = {other for other in others if layer[other] >= layer[own]}
    assert not above, f"{module} imports from {sorted(above)}, in its own layer or above it"
    if own in ALONE:
        assert others <= ALONE[own] | {"", "bounds"}


def in_a_circle(graph: dict[str, set[str]]) -> str:
    """Return some that import each other, the one after the other; empty where none do."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return " -> ".join(reversed(error.args[1]))
    return ""


def test_no_modules_import_in_a_circle() -> None:
    assert not in_a_circle({module: set(imports(module)) for module in MODULES})


@pytest.mark.parametrize("package", sorted(m for m, path in MODULES.items() if path.name == "__init__.py"))
def test_no_parts_of_a_package_import_in_a_circle(package: str) -> None:
    """A package inside another counts as one part: who is above one of its modules is above it."""

    def part(module: str) -> str:
        return module.removeprefix(package).split(".")[1] if module.startswith(f"{package}.") else ""

    graph: dict[str, set[str]] = {}
    for module in MODULES:
        graph.setdefault(part(module), set()).update(part(other) for other in imports(module))
    inside = {name: others - {"", name} for name, others in graph.items() if name}
    assert not in_a_circle(inside)


def test_no_other_module_imports_by_name() -> None:
    calls = {"import_module", "__import__"}
    found = {
        module
        for module, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in calls)
        or (isinstance(node, ast.Name) and node.id in calls)
    }
    assert found == BY_NAME


def test_a_public_class_has_its_name_to_itself() -> None:
    homes: dict[str, list[str]] = {}
    for module, path in MODULES.items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(module)
    assert homes
    assert not {name: modules for name, modules in homes.items() if len(modules) > 1}


def test_every_import_was_looked_at() -> None:
    assert {"ocsp_pcap.facts.json", "ocsp_pcap.facts"} <= imports("ocsp_pcap.report.json") | imports(
        "ocsp_pcap.tables.stored"
    )
    # Inside a function, and for type hints.
    assert "ocsp_pcap.quic.connection" in imports("ocsp_pcap.observe.udp")


@pytest.mark.parametrize("module", sorted(MODULES))
def test_what_a_docstring_refers_to_is_there(module: str) -> None:
    with tokenize.open(MODULES[module]) as file:
        source = file.read()
    words = {each.string for each in tokenize.generate_tokens(StringIO(source).readline) if each.type == NAME}
    for name in re.findall(r":(?:attr|class|data|func|meth|mod):`~?([\w.]+)`", source):
        if name.startswith("ocsp_pcap."):
            pkgutil.resolve_name(name)
        else:
            assert name.partition(".")[0] in words | sys.stdlib_module_names, name
