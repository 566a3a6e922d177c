"""Which code a result depends on: the modules that a stage can reach, read as syntax trees."""

import ast
import importlib.metadata
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from pipeline.engine.digests import digest

PACKAGES = ("pipeline", "models", "solver")
NUMERICAL_LIBRARIES = (
    "numpy",
    "scipy",
    "pandas",
    "polars",
    "scikit-learn",
    "lightgbm",
    "statsmodels",
    "databento",
)


@cache
def code_version() -> str:
    """Return the distribution's version and a hash of all source and of the numerical libraries."""
    names = [name for package in PACKAGES for name in _modules_below(package)]
    return f"{importlib.metadata.version('impact-pipeline')}+{code_key(*names)[:12]}"


@cache
def code_key(*modules: str) -> str:
    """Return the hash of all code that modules of this project reach, and of the libraries below.

    Comments, docstrings and layout do not count, nor does what no import leads to.
    """
    sources = [part for name in sorted(reached(*modules)) for part in (name, _read(name)[1])]
    libraries = [f"{one} {importlib.metadata.version(one)}" for one in NUMERICAL_LIBRARIES]
    return digest(*sources, *libraries)


def reached(*modules: str) -> set[str]:
    """Return the project's modules that these import, themselves and at any distance.

    An import inside a function counts, one for type checkers alone does not; a text that is a
    module's dotted name counts as its import, since such modules are loaded by name. The faces of
    packages (`__init__.py`, which only hand names on) are left out unless asked for; so is what is
    not of this project.
    """
    found: set[str] = set()
    waiting = [name for name in modules if _is_module(name)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _read(name)[0]
    return found


@cache
def _read(name: str) -> tuple[tuple[str, ...], str]:
    """Return the modules that one imports, and its syntax tree as text, without docstrings."""
    tree = _tree(name)  # parsed once for both: there are hundreds
    imports = tuple(module for node in _running(tree) for module in _named(node))
    return imports, _meaning(tree)


def _named(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if _is_module(alias.name))
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        for alias in node.names:
            yield from _defining(node.module, alias.name)
    elif isinstance(node, ast.Constant) and _is_dotted_module(node.value):
        yield str(node.value)


def _defining(module: str, name: str) -> Iterator[str]:
    """Find the module that `from module import name` runs: a submodule, the module itself, or the
    one that a package's face takes the name from.
    """
    if _is_module(f"{module}.{name}"):
        yield f"{module}.{name}"
    elif _is_module(module):
        if not _is_face(module):
            yield module
            return
        for node in _tree(module).body:
            if isinstance(node, ast.ImportFrom) and name in _given(node):
                yield str(node.module)


def _given(node: ast.ImportFrom) -> list[str]:
    return [alias.asname or alias.name for alias in node.names]


def _running(tree: ast.Module) -> Iterator[ast.AST]:
    """Walk a tree without what only type checkers read."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for child in ast.iter_child_nodes(node):
            if not (isinstance(child, ast.If) and _is_for_types(child.test)):
                waiting.append(child)


def _is_for_types(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def _meaning(tree: ast.Module) -> str:
    """Return a syntax tree as text after its docstrings are taken out of it."""
    for node in ast.walk(tree):
        documented = isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        if documented and ast.get_docstring(node):
            del node.body[0]
    return ast.dump(tree)


def _tree(name: str) -> ast.Module:
    return ast.parse(_file(name).read_text(encoding="utf-8"))


def _is_dotted_module(value: object) -> bool:
    return isinstance(value, str) and "." in value and _is_module(value)


@cache
def _is_module(name: str) -> bool:
    head, _, rest = name.partition(".")
    if head not in PACKAGES or not all(part.isidentifier() for part in name.split(".")):
        return False
    folder = _folder(head).joinpath(*rest.split(".")) if rest else _folder(head)
    return folder.with_suffix(".py").is_file() or (folder / "__init__.py").is_file()


@cache
def _is_face(name: str) -> bool:
    return _file(name).name == "__init__.py"


@cache
def _file(name: str) -> Path:
    head, _, rest = name.partition(".")
    folder = _folder(head).joinpath(*rest.split(".")) if rest else _folder(head)
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")


@cache
def _folder(package: str) -> Path:
    """Return where a package of this project lies: found by import, wherever it is installed."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(package)
    return Path(spec.submodule_search_locations[0])


def _modules_below(package: str) -> list[str]:
    folder = _folder(package)
    files = sorted(folder.rglob("*.py"))
    parts = [file.relative_to(folder).with_suffix("").parts for file in files]
    return [".".join((package, *part)).removesuffix(".__init__") for part in parts]
