"""The policy loader under fuzz: any file is a policy or a `PolicyError` that says where, what and what was expected.

While a file is read, nothing else is opened, run or connected to, and the environment is not looked at.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final, NoReturn
from unittest import mock

import ruamel.yaml

from smcp_security.errors import PolicyError
from smcp_security.policy import Policy, resolve
from smcp_security.policy.places import Places
from smcp_security.policy.source import copied
from tests.fuzz.oracle import expect
from tests.policy import bad_contracts
from tests.policy.bad_policies import MISTAKES

LINES: Final = 101
"""Of one error: a hundred mistakes and the count of the others."""

LINE: Final = 1_000
_KEYS: Final = """
    version mode profile server limits arguments tools injection results audit paths hosts origins max_body max_depth
    trusted_proxies min_protocol flood extra_methods unlisted_mcp rate burst per rate_status schema level action exclude
    rule reason until tool pointer file key on_failure queue max_size prompts resources infer kind detect roots resolve
    suffixes must_exist max_length schemes ports public_only dialect statements programs options alphabet within
    versions form earliest latest values elements variables controls scripts uri threshold detectors budget contracts
"""
_VALUES: Final = r"""
    enforce monitor minimal maximum off block annotate 1MiB 10/second env:KEY *.a SMCP631 2027-06-01 &a *a %YAML <<: ---
    !!python/object: ... |- >+ ? {a: [b] 0x1f .inf 1e999 $ref #/$defs/a 1.5 '' "\x41\u0041\U00000041"
"""
WORDS: Final = (
    *(f"{key}: ".encode() for key in _KEYS.split()),
    *(value.encode() for value in _VALUES.split()),
    b"\n  ", b"\n- ", b"\n\n", b"\t", b"\xef\xbb\xbf", b"\xc2\x85", b"\xe2\x80\xa8",
)  # fmt: skip
_PLACE: Final = re.compile(r"(?::[1-9]\d*:[1-9]\d*)?: \S")
_TOUCHING: Final = ("open", "os.", "socket.", "subprocess.", "shutil.", "glob.", "urllib.", "ctypes.")
_PLUG_INS: Final = f"('{Path(ruamel.yaml.__file__).parent}"
"""Where ruamel.yaml looks for parts of its own each time it is used."""

_touched: list[str] | None = None
"""What was touched while one file is being read; None in between. An audit hook cannot be taken off again."""

_reader: int = 0
"""The thread that reads it: what others do is not its doing."""


def judge(data: bytes) -> None:
    """Load `data` as a policy file."""
    path = _file()
    path.write_bytes(data)
    with _watched(str(path)) as touched:
        policy, error = _load(path)
    expect(not touched, f"nothing but the file is touched: {touched[:3]}")
    if error is not None:
        _check_error(error, str(path))
    if policy is not None:
        _check_policy(policy)


def seeds() -> Iterator[bytes]:
    """Every mistake of the tests and its good twin, a full policy, and what makes other readers of YAML explode."""
    for mistake in MISTAKES.values():
        yield mistake.bad.encode()
        yield mistake.good.encode()
    examples = Path(__file__).parents[2] / "examples"
    for example in sorted(examples.glob("*.yaml")):
        yield example.read_bytes()
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 12))
    for text in (
        bomb,
        "[" * 300,
        "{a: " * 300,
        "? " * 300,
        "- " * 300,
        '"' + "\\x41" * 300,
        "a: !!python/object:os.system x",
    ):
        yield text.encode()
    yield b"%YAML 1.2\n---\nversion: 1\n"
    yield b"version: 1\nmode: {injection: monitor}\nserver: {paths: [/mcp], hosts: [a.example], flood: off}\n"


@cache
def _file() -> Path:
    """One file for all inputs, gone with the process."""
    folder = tempfile.TemporaryDirectory(prefix="smcp-fuzz-")
    _folders.append(folder)
    path = Path(folder.name) / "policy.yaml"
    for text in (
        b"version: 1\n",
        b"version: 2\n",
        b"a: [\n",
        b"tools: {t: {schema: {type: object}}}\n",
        *(mistake.good.encode() for mistake in bad_contracts.MISTAKES.values()),
    ):
        # What is imported on first use is not part of reading a file.
        path.write_bytes(text)
        _load(path)
    sys.addaudithook(_noted)
    return path


_folders: Final[list[tempfile.TemporaryDirectory[str]]] = []


def _noted(event: str, arguments: tuple[Any, ...]) -> None:
    if _touched is None or not event.startswith(_TOUCHING) or threading.get_ident() != _reader:
        return
    if not str(arguments[:1]).startswith(_PLUG_INS):
        _touched.append(f"{event} {arguments[:1]}")


class _Sealed(dict[str, str]):
    """An environment that nobody may look into."""

    def _refuse(self, *_: object) -> NoReturn:
        expect(False, "the environment is not looked at")
        raise AssertionError

    __getitem__ = get = __contains__ = __iter__ = keys = items = values = _refuse  # type: ignore[assignment]


@contextmanager
def _watched(allowed: str) -> Iterator[list[str]]:
    """What is touched in the block, except the file itself once."""
    global _touched, _reader
    found: list[str] = []
    with mock.patch.object(os, "environ", _Sealed()):
        _touched, _reader = found, threading.get_ident()
        try:
            yield found
        finally:
            _touched = None
    opening = f"open {(allowed,)}"
    if opening in found:
        found.remove(opening)


def _load(path: Path) -> tuple[Policy | None, str | None]:
    try:
        return resolve(str(path), {}), None
    except PolicyError as error:
        return None, str(error)


def _check_error(error: str, source: str) -> None:
    lines = error.split("\n")
    expect(len(lines) <= LINES, "an error has a bounded number of lines")
    for line in lines:
        expect(line.startswith(source) and _PLACE.match(line, len(source)), "every line says where, then what")
        expect(len(line) <= LINE + len(source), "no line is longer than a reader reads")
        expect(line.isprintable(), "no control character reaches a terminal or a log")


def _check_policy(policy: Policy) -> None:
    again = Policy.from_dict(policy.model_dump(mode="json"))
    expect(again == policy, "a policy written out says the same")
    expect(again.digest == policy.digest and hash(again) == hash(policy), "the same policy has the same digest")
    expect(copied(policy.model_dump(mode="json"), "policy") is not None, "a policy is plain data")
    expect(isinstance(Places("p").shown(None), str), "a place can always be shown")
