"""Programs out of Debian's packages, taken out without being installed: what a test runs needs no rights of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.toolbox.shelf import Missing, installed, run


def promtool() -> Path:
    """Prometheus' checker of rules: the machine's, or the one of Debian's package.

    Raises:
        Missing: without `apt-get` or its package index.
    """
    found = shutil.which("promtool")
    return Path(found) if found else debian_program("prometheus", "usr/bin/promtool")


def debian_program(package: str, program: str) -> Path:
    """A program of a package of this machine's Debian. It runs where the libraries that it wants are there.

    Raises:
        Missing: no such package, or no Debian.
    """

    def install(folder: Path) -> None:
        run(package, ["apt-get", "download", package], folder=folder)
        for archive in folder.glob("*.deb"):
            run(package, ["dpkg-deb", "-x", archive, folder], folder=folder)
        if not (folder / program).exists():
            raise Missing(f"{package}: Debian's package has no {program}")

    return installed("debian", f"{package} {program}", install) / program
