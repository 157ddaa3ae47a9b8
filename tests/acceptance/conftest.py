"""What every part of the table needs: the folder of row 15, and who signs the tokens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.disk import furnish, placed
from tests.acceptance.houses.process import written
from tests.acceptance.issuer import Issuer
from tests.acceptance.rows import whole_policy


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the links of row 15."""
    folder = tmp_path_factory.mktemp("acceptance").resolve()
    furnish(folder)
    return folder


@pytest.fixture(scope="session")
def policy_file(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The policy of all rows, for servers in processes of their own."""
    return written(placed(whole_policy(), folder), tmp_path_factory.mktemp("policy"))


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    """Who signs the tokens of the table's callers."""
    return Issuer()
