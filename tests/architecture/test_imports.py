"""What `import smcp_security` costs: adapters and heavy packages load on first use, and only then."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.source import PACKAGE, modules, name, tree

HEAVY = (
    "asyncio", "click", "fastapi", "fastmcp", "google", "httpx2", "jsonschema", "jsonschema_rs", "logging", "mcp",
    "mcp_types", "pydantic", "re2", "ruamel", "starlette", "uvicorn",
)  # fmt: skip


def _loaded_after(statement: str) -> set[str]:
    script = f"import sys; {statement}; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    # Some environments load packages at start-up by `.pth` files; those are not this package's doing.
    loaded = _loaded_after("import smcp_security") - _loaded_after("pass")
    assert "smcp_security" in loaded
    assert loaded.isdisjoint(HEAVY), sorted(loaded & set(HEAVY))
    assert not {module for module in loaded if module.startswith("smcp_security.adapters")}


@pytest.mark.parametrize("public", ["SMCPMiddleware", "SMCPSecurityFramework", "Policy", "Decision"])
def test_a_public_name_loads_on_first_use(public: str) -> None:
    assert "pydantic" in _loaded_after(f"from smcp_security import {public}") or public == "Decision"


def test_every_name_that_the_package_offers_can_be_imported() -> None:
    import smcp_security

    assert smcp_security.__all__
    assert [offered for offered in smcp_security.__all__ if not hasattr(smcp_security, offered)] == []


def test_a_name_that_the_package_does_not_offer_is_an_attribute_error() -> None:
    import smcp_security

    with pytest.raises(AttributeError, match="no_such_name"):
        _ = smcp_security.no_such_name  # type: ignore[attr-defined, unused-ignore]


def test_no_module_reaches_another_through_the_package_root() -> None:
    """The layers contract sees the root as their container, so a detour over it would go unnoticed."""
    import ast

    submodules = {path.stem for path in PACKAGE.glob("*.py")} | {path.name for path in PACKAGE.iterdir()}
    detours = [
        f"{name(path)}:{node.lineno}"
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom)
        and node.module == "smcp_security"
        and not {alias.name for alias in node.names} <= submodules
    ]
    assert detours == []
