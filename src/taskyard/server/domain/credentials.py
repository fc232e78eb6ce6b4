"""Secrets: making them, and keeping only what is needed to recognise them again.

The secret of a key pair is ours and has far too much entropy to be guessed, so a salted SHA-256
recognises it; a person's password has little, so it takes scrypt. Both keep their salt beside
the hash.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
from dataclasses import dataclass, field

ALPHABET = string.ascii_letters + string.digits
ACCESS_LENGTH = 24
SECRET_LENGTH = 48
"""285 bits: out of reach of guessing, short enough for a configuration file."""

SCRYPT = {"n": 1 << 14, "r": 8, "p": 1}
"""16 MiB and about 50 ms a try."""


@dataclass(frozen=True, slots=True)
class Keys:
    """A key pair in clear. It exists only between its making and the answer that shows it."""

    access: str
    secret: str = field(repr=False)


def make_keys() -> Keys:
    """A new key pair. Only letters and digits, so that any configuration file can hold it."""
    access = "".join(secrets.choice(ALPHABET.upper()) for _ in range(ACCESS_LENGTH))
    return Keys(access, "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH)))


def hash_secret(secret: str) -> str:
    """What is kept of a secret key: quick to check, for nobody can guess what we made at random."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${_digest(salt, secret)}"


def secret_matches(secret: str, kept: str) -> bool:
    """Whether ``kept`` was made of this secret key."""
    salt, _, digest = kept.partition("$")
    return hmac.compare_digest(_digest(bytes.fromhex(salt), secret), digest)


def _digest(salt: bytes, secret: str) -> str:
    return hashlib.sha256(salt + secret.encode()).hexdigest()


def hash_password(password: str) -> str:
    """What is kept of a password: slow to check, for people choose what can be guessed."""
    salt = secrets.token_bytes(16)
    return f"scrypt${salt.hex()}${_stretch(salt, password)}"


def password_matches(password: str, kept: str) -> bool:
    """Whether ``kept`` was made of this password. Takes as long when it was not."""
    _, salt, digest = kept.split("$")
    return hmac.compare_digest(_stretch(bytes.fromhex(salt), password), digest)


def _stretch(salt: bytes, password: str) -> str:
    return hashlib.scrypt(password.encode(), salt=salt, dklen=32, **SCRYPT).hex()
