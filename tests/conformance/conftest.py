"""The runs of the suite, each made once however many tests look at it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conformance.expected import NEWEST, OLDER, sets
from tests.conformance.measured import Measured, Set, measure
from tests.toolbox.node import NodeTools


@pytest.fixture(scope="session")
def newest(node: NodeTools, tmp_path_factory: pytest.TempPathFactory) -> Mapping[Set, Measured]:
    """The runs on the SDK of this environment."""
    return measure(node, Path(sys.executable), sets(NEWEST), tmp_path_factory.mktemp(NEWEST))


@pytest.fixture(scope="session")
def older(node: NodeTools, legacy: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[Set, Measured]:
    """The runs on the SDK that speaks the older revisions alone."""
    return measure(node, legacy, sets(OLDER), tmp_path_factory.mktemp(OLDER))
