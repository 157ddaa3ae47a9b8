"""An issuer on a loopback socket that answers as the test says, and a clock that stands still until it is moved."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def key(name: str, kind: str = "EC") -> Key:
    """A key of that name, always the same one. RSA is slow to make, so EC where the kind does not matter."""
    return _made(name, kind)


@cache
def _made(name: str, kind: str) -> Key:
    make: dict[str, Callable[[], Key]] = {
        "EC": lambda: ECKey.generate_key("P-256"),
        "RSA": lambda: RSAKey.generate_key(2048),
        "OKP": lambda: OKPKey.generate_key("Ed25519"),
    }
    return make[kind]()


def public(name: str, kind: str = "EC", **members: Any) -> dict[str, Any]:
    """The JWK of the public half, named as the key."""
    return {**key(name, kind).as_dict(private=False), "kid": name, "use": "sig", **members}


def jwks(*names: str) -> bytes:
    """A set of the keys of these names."""
    return json.dumps({"keys": [public(name) for name in names]}).encode()


class Issuer:
    """One HTTP server. `answer` is called for each request with its handler; by default it sends `body` as JSON."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.status = 200
        self.headers: dict[str, str] = {"Content-Type": "application/json"}
        self.requests: list[tuple[str, str, Mapping[str, str], bytes]] = []
        self.over = threading.Event()
        self.gate = threading.Event()
        self.gate.set()
        self.answer: Callable[[BaseHTTPRequestHandler], None] = self.send
        self.port = 0
        self.scheme = "http"

    @property
    def count(self) -> int:
        """Requests so far."""
        return len(self.requests)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://127.0.0.1:{self.port}/jwks.json"

    def send(self, to: BaseHTTPRequestHandler) -> None:
        """The plain answer, once the gate is open."""
        self.gate.wait(20)
        to.send_response(self.status)
        for name, value in {"Content-Length": str(len(self.body)), **self.headers}.items():
            to.send_header(name, value)
        to.end_headers()
        to.wfile.write(self.body)


@contextmanager
def serving(body: bytes = b"{}", tls: Path | None = None, port: int = 0) -> Iterator[Issuer]:
    """An issuer that runs; `tls` is a file with its certificate and key."""
    issuer = Issuer(body)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            issuer.requests.append((self.command, self.path, dict(self.headers), sent))
            # The client goes away, which some tests are about.
            with suppress(OSError):
                issuer.answer(self)

        do_POST = do_CONNECT = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a handshake that the client refuses

        def finish_request(self, request: Any, client_address: Any) -> None:
            if tls is None:
                return super().finish_request(request, client_address)
            with context.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)  # type: ignore[arg-type]

    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)
        issuer.scheme = "https"
    server = Server(("127.0.0.1", port), Handler)
    issuer.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield issuer
    finally:
        issuer.over.set()
        issuer.gate.set()
        server.shutdown()
        thread.join()
        server.server_close()


def closed_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


_SIGNING = x509.KeyUsage(
    digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
    data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
)  # fmt: skip


def certificate(folder: Path, name: str) -> Path:
    """A file with a certificate for `name`, signed by itself, and its key."""
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        # Newer releases of Python insist on these (VERIFY_X509_STRICT).
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(private.public_key()), critical=False)
        .add_extension(_SIGNING, critical=True)
        .sign(private, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    encoding = serialization.Encoding.PEM
    path.write_bytes(
        made.public_bytes(encoding)
        + private.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path
