"""Rules about spellings that YAML 1.1 and 1.2 read in two ways: what is loaded here is not what another tool sees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Fix, Found
from smcp_security.lint.registry import rule
from smcp_security.policy.places import Path

_TRUTH: Final = re.compile(r"(?i:yes|no|on|off|y|n)", re.ASCII)
_OCTAL: Final = re.compile(r"[-+]?0[0-9_]+", re.ASCII)
_SEXAGESIMAL: Final = re.compile(r"[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?", re.ASCII)
# Keys for which the policy itself has the word: `flood: off`.
_WORDS: Final = frozenset({"off"})
_NUMERIC: Final = frozenset({"range", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})


def _quoted(document: Document, path: Path, spelt: str) -> Fix:
    return Fix((document.replaced(path, f'"{spelt}"'),))


@rule("POL003", "yaml-truth-word", "low", reads="raw policy", fixes="safe")
def yaml_truth_word(document: Document) -> Iterator[Found]:
    """A text is written yes, no, on or off without quotes.

    Why:
        YAML 1.2, which is read here, has true and false alone, so it is a text. YAML 1.1, which most other tools and
        editors read, takes it for a truth value: a list of countries loses Norway.
    Bad:
        tools:
          find_book:
            arguments: {language: {kind: enum, values: [en, no]}}
    Good:
        tools:
          find_book:
            arguments: {language: {kind: enum, values: [en, "no"]}}
    Fix:
        Put quotes around the text, or write true or false where that was meant.
    See: https://yaml.org/type/bool.html https://yaml.org/spec/1.2.2/#1032-tag-resolution
    """
    for path, spelt in document.plain_scalars:
        own = spelt in _WORDS and path[-1:] != () and not isinstance(path[-1], int)
        if _TRUTH.fullmatch(spelt) and isinstance(document.at(path), str) and not own:
            told = f"{spelt} is a text here and a truth value for YAML 1.1; put quotes around it"
            yield Found(path, told, fix=_quoted(document, path, spelt))


@rule("POL004", "yaml-octal", "low", reads="raw policy")
def yaml_octal(document: Document) -> Iterator[Found]:
    """A number begins with a zero.

    Why:
        YAML 1.2 reads 0755 as 755, YAML 1.1 as octal, which is 493.
    Bad:
        server: {max_depth: 064}
    Good:
        server: {max_depth: 64}
    Fix:
        Leave the zero out, or put quotes around it where a text is meant.
    See: https://yaml.org/type/int.html https://yaml.org/spec/1.2.2/#1032-tag-resolution
    """
    for path, spelt in document.plain_scalars:
        if _OCTAL.fullmatch(spelt):
            yield Found(path, f"{spelt} is {document.at(path)} here and octal for YAML 1.1; leave the zero out")


@rule("POL005", "yaml-sexagesimal", "low", reads="raw policy", fixes="safe")
def yaml_sexagesimal(document: Document) -> Iterator[Found]:
    """Numbers with colons between them stand without quotes.

    Why:
        YAML 1.2 reads 12:30 as a text, YAML 1.1 as a number to the base of 60, which is 750. So becomes of a host with
        its port or of a time something else.
    Bad:
        tools:
          set_alarm:
            arguments: {at: {kind: enum, values: [12:30, 18:45]}}
    Good:
        tools:
          set_alarm:
            arguments: {at: {kind: enum, values: ["12:30", "18:45"]}}
    Fix:
        Put quotes around it.
    See: https://yaml.org/type/int.html https://yaml.org/spec/1.2.2/#1032-tag-resolution
    """
    for path, spelt in document.plain_scalars:
        if _SEXAGESIMAL.fullmatch(spelt):
            told = f"{spelt} is a text here and a number for YAML 1.1; put quotes around it"
            yield Found(path, told, fix=_quoted(document, path, spelt))


@rule("POL006", "unquoted-version", "low", reads="raw policy")
def unquoted_version(document: Document) -> Iterator[Found]:
    """A number with a fraction loses the way it is written.

    Why:
        1.10 is the number 1.1, so a condition or a list of values that means the version 1.10 never fits it.
    Bad:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev:
            allow: [{tools: [deploy], when: [{argument: version, equals: 1.10}]}]
    Good:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev:
            allow: [{tools: [deploy], when: [{argument: version, equals: "1.10"}]}]
    Fix:
        Put quotes around a version; write a number as short as it is.
    See: https://yaml.org/spec/1.2.2/#1032-tag-resolution
    """
    for path, spelt in document.plain_scalars:
        value = document.at(path)
        shortened = isinstance(value, float) and spelt.endswith("0") and repr(value) != spelt
        # Where numbers are meant, quotes would be wrong.
        if shortened and "e" not in spelt.lower() and _NUMERIC.isdisjoint(path):
            yield Found(path, f"{spelt} is the number {value!r}; put quotes around it if the spelling counts")
