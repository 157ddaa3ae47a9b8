"""The benchmark of masks counts what it says it counts, on rows of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import redaction
from tests.redaction.samples import made


def row(text: str, label: str, category: str, source: str = "x/rules/github.go") -> str:
    return json.dumps({"text": text, "label": label, "category": category, "context": "text", "source": source})


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    secrets = [
        row(made("token ghp_<a36>"), "attack", "secret_leak"),
        row("the token is lost", "attack", "secret_leak"),
        row('token := "', "attack", "secret_leak"),
        row("ghp_xxxx", "benign", "benign_text"),
    ]
    (tmp_path / "gitleaks_rules.jsonl").write_text("\n".join(secrets) + "\n", encoding="utf-8")
    honest = [
        row("a quiet afternoon", "benign", "benign_text", "y"),
        row("ann@example.com", "benign", "benign_text", "y"),
    ]
    (tmp_path / "letters.jsonl").write_text("\n".join(honest) + "\n", encoding="utf-8")
    return tmp_path


def test_shares_are_counted_by_group(corpora: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert redaction.main(["--corpora", str(corpora), "--misses", "9"]) == 0
    said = capsys.readouterr().out
    lines = [line.replace(" ", "") for line in said.splitlines()]
    assert "|secrets|2|1|50.00|95.0|" in lines
    assert "|secrets,cutoffinthesource|1|0|0.00|-|" in lines
    assert "|honesttexts|2|1|50.00|0.5|" in lines
    assert "secrets: gitleaks_rules github 'the token is lost'" in said


def test_the_table_goes_between_its_marks(corpora: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- redaction:texts -->\nold\n<!-- /redaction:texts -->\nz\n", encoding="utf-8")
    assert redaction.main(["--corpora", str(corpora), "--write", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("a\n<!--") and text.endswith("-->\nz\n") and "secrets" in text and "old" not in text
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="needs the marks"):
        redaction.write(page, "table")
    capsys.readouterr()


def test_a_folder_without_a_corpus_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert redaction.main(["--corpora", str(tmp_path / "none")]) == 2
    assert "no corpus" in capsys.readouterr().err
