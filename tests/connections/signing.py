"""Keys of clients, and what they sign with them."""

import json
import time
import uuid
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.conf import settings
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class SigningKey:
    """A private key, its name, and how it signs."""

    private: Any
    key_id: str
    algorithm: str = "RS256"

    def public(self) -> dict[str, Any]:
        """Return the public part as a client publishes it."""
        kind = ECAlgorithm if self.algorithm.startswith("ES") else RSAAlgorithm
        key = json.loads(kind.to_jwk(self.private.public_key()))
        return {**key, "kid": self.key_id, "use": "sig", "alg": self.algorithm}

    def assertion(self, client_id: str, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """Sign an assertion of a client for the token endpoint; ``claims`` that are None are left out."""
        said = {
            "iss": client_id,
            "sub": client_id,
            "aud": f"{settings.BASE_URL}/token",
            "exp": int(time.time()) + 300,
            "iat": int(time.time()),
            "jti": uuid.uuid4().hex,
            **claims,
        }
        kept = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(kept, self.private, self.algorithm, headers=header or {"kid": self.key_id})


@cache
def rsa_key(key_id: str = "rsa-1", bits: int = 2048) -> SigningKey:
    return SigningKey(rsa.generate_private_key(public_exponent=65537, key_size=bits), key_id)


@cache
def ec_key(key_id: str = "ec-1") -> SigningKey:
    return SigningKey(ec.generate_private_key(ec.SECP256R1()), key_id, "ES256")


def key_set(*keys: SigningKey) -> dict[str, Any]:
    """Return a key set of the public parts of these keys."""
    return {"keys": [key.public() for key in keys]}
