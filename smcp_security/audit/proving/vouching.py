"""Who vouches for a line: its own MAC, or the next signature of the same append. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from smcp_security.audit.proof import SIG, Proof
from smcp_security.audit.proving.findings import Findings
from smcp_security.audit.proving.report import Place
from smcp_security.audit.proving.streams import Stream, Vouched
from smcp_security.audit.reading.plain import plain
from smcp_security.audit.reading.shape import Line
from smcp_security.errors import AuditError

_SIGNED: Final = b',"sig":"'


@dataclass(frozen=True, slots=True)
class Run:
    """Lines of a stream that no signature vouches for yet, and where the first of them stands.

    `claims` is what they say of the chain itself: it counts once a signature vouches for them.
    """

    stream: Stream
    place: Place
    seq: int
    claims: list[Callable[[], None]] = field(default_factory=list)

    def believe(self) -> None:
        """A signature vouches for all of them."""
        for claim in self.claims:
            claim()


class Vouching:
    """What is proved of the lines so far. `other_key` is the fingerprint of a key that is not the one given.

    `signed`: the key has made a signature in this log, so that its writers may be killed before they make one.
    """

    def __init__(self, proof: Proof, findings: Findings) -> None:
        self.other_key = ""
        self.verified = self.signed = False
        self.run: Run | None = None
        self._proof, self._findings = proof, findings

    @property
    def proved_so_far(self) -> bool:
        """Whether the line before is proved by itself, so that it was not changed."""
        return not self._proof.keyless and self.run is None

    def forget(self) -> None:
        """The chain is broken here: what vouched for the lines before may be gone."""
        self.run = None

    def kind_of(self, line: Line) -> Vouched:
        """What vouches for the lines of the stream that this line begins: its form says it, else its open."""
        if self._proof.keyless:
            return "nothing"
        if line.maced or line.signed:
            return "mac" if line.maced else "sig"
        return "mac" if line.kind == "open" and (line.fields() or {}).get("signature") == "hmac" else "sig"

    def of(self, line: Line, stream: Stream | None) -> bool | None:
        """Whether the line is proved; None where no more than its place in the chain is known.

        Raises `AuditError` where the key that was given is of the wrong sort.
        """
        kind = self.kind_of(line) if stream is None else stream.vouched
        if kind == "nothing":
            return None
        right = self._mac(line) if kind == "mac" else self._signature(line)
        self.verified = self.verified or right is True
        self.signed = self.signed or (kind == "sig" and right is True)
        return right

    def check_of(self, stream: Stream) -> Callable[[bytes, int], bool]:
        """The quick check of a usual line of the stream."""
        macs, signatures = self._proof.macs, self._proof.signatures
        if stream.vouched == "mac" and macs is not None:
            return lambda line, number: macs(line)
        if stream.vouched == "nothing" or signatures is None:
            return lambda line, number: line.endswith(b"}")

        def signed(line: bytes, number: int) -> bool:
            run = self.run
            if run is not None and run.stream is not stream:
                return False
            if line.startswith(_SIGNED, len(line) + SIG):
                right = signatures(line)
                if right:
                    self.verified = self.signed = True
                    self._vouched()
                return right
            if run is None:
                self.run = Run(stream, self._findings.place(number), stream.next)
            return line.endswith(b"}")

        return signed

    def took(self, line: Line, number: int, stream: Stream, proved: bool | None) -> None:
        """The line is part of the chain now."""
        run = self.run
        if run is not None and run.stream is not stream:
            self._left(run, line, stream)
        if stream.vouched != "sig" or proved:
            self._vouched()
        elif self.run is None:
            self.run = Run(stream, self._findings.place(number), line.seq)

    def heed(self, claim: Callable[[], None]) -> None:
        """The line that was taken last says something of the chain: `claim` makes it count, once it is proved."""
        if self.run is None:
            claim()
        else:
            self.run.claims.append(claim)

    def changed(self, line: Line, number: int) -> None:
        """Its proof is not right."""
        self.run = None
        said = line.fields() or {}
        if line.kind == "open" and said.get("key") != self._proof.fingerprint:
            self.other_key = self.other_key or plain(str(said.get("key"))[:32])
        what = "signature" if line.signed else "MAC"
        missing = "" if line.signed or line.maced else "it has none: "
        detail = f"its {what} is not right: {missing}one of its bytes is another one, or who wrote it had no key"
        self._findings.add("changed", detail, self._findings.place(number), line)

    def left_over(self, run: Run) -> None:
        """Lines at the end without a signature."""
        self._findings.add(
            "unsigned", f"from here on no signature vouches for stream {run.stream.name}: cut, or put in", run.place
        )

    def killed(self, run: Run) -> None:
        """Lines without a signature before a fragment, or before the `torn` record of who found them."""
        name, count = run.stream.name, run.stream.next - run.seq
        self._findings.report.unsigned += count
        self._findings.note(
            f"{count} records of stream {name} from {run.place} on have no signature: their writer was killed"
            " before it signed them, or somebody without the key put them there"
        )

    def _left(self, run: Run, line: Line, stream: Stream) -> None:
        self.run = None
        if line.kind == "torn" and (self.signed or stream.vouched == "sig"):
            self.killed(run)
        else:
            self.left_over(run)

    def _vouched(self) -> None:
        run, self.run = self.run, None
        if run is not None:
            run.believe()

    def _mac(self, line: Line) -> bool:
        if self._proof.macs is None:
            raise AuditError(
                "these records have MACs (signature: hmac), which a public key cannot check; give the secret"
            )
        return line.maced and self._proof.macs(line.text)

    def _signature(self, line: Line) -> bool | None:
        if not line.signed:
            return None
        if self._proof.signatures is None:
            raise AuditError("these records are signed with Ed25519; give --public-key, or the secret")
        return self._proof.signatures(line.text)
