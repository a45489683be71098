"""An identity provider on loopback: real keys, real HTTP, able to rotate and to be dead."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

AUDIENCE = "hylla-shop"


class Provider:
    """Signs tokens with keys made for the test, and publishes the public half."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {}
        self.fetched = 0
        self.dead = False
        self.issuer = ""

    def rotate(self, kid: str, *, curve: bool = False) -> None:
        """From now on there is the key `kid`, and no other."""
        make_rsa = rsa.generate_private_key
        key = ec.generate_private_key(ec.SECP256R1()) if curve else make_rsa(65537, 2048)
        self.keys = {kid: key}

    def token(self, subject: str = "customer-1", *, kid: str | None = None, **claims: Any) -> str:
        kid = kid or next(iter(self.keys))
        key = self.keys[kid]
        algorithm = "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256"
        said = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": subject,
            "exp": int(time.time()) + 300,
            **claims,
        }
        return jwt.encode(said, key, algorithm=algorithm, headers={"kid": kid})

    def published(self) -> dict[str, Any]:
        return {"keys": [self._public(kid, key) for kid, key in self.keys.items()]}

    @staticmethod
    def _public(kid: str, key: Any) -> dict[str, Any]:
        curve = isinstance(key, ec.EllipticCurvePrivateKey)
        kind: Any = ECAlgorithm if curve else RSAAlgorithm
        return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}

    def page(self, path: str) -> dict[str, Any] | None:
        if self.dead:
            return None
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
        self.fetched += 1
        return self.published()


@contextmanager
def a_provider() -> Iterator[Provider]:
    provider = Provider()

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = provider.page(self.path)
            self.send_response(200 if page else 503)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(page).encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    provider.rotate("first")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
