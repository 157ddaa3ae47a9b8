"""An issuer of access tokens for trying `oidc_app.py`: publishes its key on port 9000 and prints a token for Ann."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from joserfc import jwt
from joserfc.jwk import ECKey

KEY = ECKey.generate_key("P-256", {"kid": "today", "use": "sig", "alg": "ES256"})
HERE, RESOURCE = "http://127.0.0.1:9000", "http://127.0.0.1:8000/mcp"


def token(subject: str = "ann", **claims: object) -> str:
    """A token that counts for an hour."""
    now = int(time.time())
    said = {"iss": HERE, "sub": subject, "aud": RESOURCE, "iat": now, "exp": now + 3600, "roles": ["reader"]}
    return jwt.encode({"alg": "ES256", "kid": "today", "typ": "at+jwt"}, {**said, "scope": "books:read", **claims}, KEY)


class Keys(BaseHTTPRequestHandler):
    """Answers everything with the public key."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({"keys": [KEY.as_dict(private=False)]}).encode())


if __name__ == "__main__":
    print(f"Authorization: Bearer {token()}", flush=True)
    ThreadingHTTPServer(("127.0.0.1", 9000), Keys).serve_forever()
