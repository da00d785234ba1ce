"""Clients' public keys (RFC 7517): which of those that a client gives are used, and what is kept of them."""

from typing import Any

from jwt import PyJWK, PyJWTError

ALGORITHMS = ("RS256", "ES256")
MOST_KEYS = 20
RSA_BITS = range(2048, 8193)
LONGEST_KEY_ID = 200
# In base64 characters: with longer ones each look at a signature takes its time.
LONGEST_MODULUS = 1366
LONGEST_EXPONENT = 6
#: The public members of the two kinds of keys. Whatever else a client sends, a private part even, is not kept.
_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}
_ALGORITHM_OF = {"RSA": "RS256", "EC": "ES256"}


def usable_keys(key_set: Any) -> list[dict[str, str]]:
    """Return the public parts of those of a client's key set (JWKS) that can check a signature of ``ALGORITHMS``."""
    keys = key_set.get("keys") if isinstance(key_set, dict) else None
    if not isinstance(keys, list):
        return []
    usable = (_public_part(key) for key in keys[:MOST_KEYS] if isinstance(key, dict))
    return [key for key in usable if key is not None]


def pick_key(keys: list[dict[str, str]], algorithm: str, key_id: str | None) -> PyJWK | None:
    """Return the key that a signature names; one that names none is of the only key that there is."""
    fitting = [key for key in keys if _ALGORITHM_OF[key["kty"]] == algorithm]
    named = [key for key in fitting if key.get("kid") == key_id] if key_id is not None else fitting
    return PyJWK(named[0], algorithm) if len(named) == 1 else None


def _public_part(key: dict[str, Any]) -> dict[str, str] | None:
    kind = key.get("kty")
    if not isinstance(kind, str) or kind not in _MEMBERS:
        return None
    if key.get("use", "sig") != "sig" or key.get("alg", _ALGORITHM_OF[kind]) != _ALGORITHM_OF[kind]:
        return None
    members = [*_MEMBERS[kind], *(["kid"] if "kid" in key else [])]
    public = {"kty": kind}
    for name in members:
        value = key.get(name)
        if not isinstance(value, str) or not value.isprintable():
            return None
        public[name] = value
    return public if len(public.get("kid", "")) <= LONGEST_KEY_ID and _is_strong(public) else None


def _is_strong(public: dict[str, str]) -> bool:
    if public["kty"] == "EC" and public["crv"] != "P-256":
        return False
    if len(public.get("n", "")) > LONGEST_MODULUS or len(public.get("e", "")) > LONGEST_EXPONENT:
        return False
    try:
        key = PyJWK(public, _ALGORITHM_OF[public["kty"]]).key
    except (PyJWTError, ValueError):
        return False
    return key.key_size in RSA_BITS if public["kty"] == "RSA" else True
