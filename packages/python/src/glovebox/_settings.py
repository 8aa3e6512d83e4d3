"""Where the server is and who asks: arguments first, then the environment, then what is usual."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Optional
from urllib.parse import urlsplit

from .errors import invalid

DEFAULT_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Settings:
    base_url: str
    """Without a slash at its end; may have a path."""
    token: Optional[str]
    timeout: float
    """Seconds for the answer of one request; runs have their own."""
    retries: int


def read_settings(
    base_url: Optional[str], token: Optional[str], timeout: float, retries: int
) -> Settings:
    """Raises ``GloveboxError`` ``INVALID_ARGUMENT`` for what could never work."""
    if not timeout > 0:
        raise invalid("timeout must be above 0, in seconds.")
    if not isinstance(retries, int) or retries < 0:
        raise invalid("retries must be 0 or more.")
    url = base_url or os.environ.get("GLOVEBOX_URL") or DEFAULT_URL
    return Settings(_checked_url(url), _checked_token(_find_token(token)), timeout, retries)


def _checked_url(url: str) -> str:
    example = "Give an address such as http://127.0.0.1:8000 as base_url or in GLOVEBOX_URL."
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise invalid("The server's address must begin with http:// or https://.", example)
    if parts.username is not None or parts.password is not None:
        raise invalid("The address must hold no name and no password.", "Pass the token as token.")
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def _find_token(given: Optional[str]) -> Optional[str]:
    if given is not None:
        return given
    told = os.environ.get("GLOVEBOX_TOKEN")
    path = os.environ.get("GLOVEBOX_TOKEN_FILE")
    if told or not path:
        return told
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise invalid(
            f"The token in {path} cannot be read: {reason}.",
            "GLOVEBOX_TOKEN_FILE names a file that holds the token and nothing else.",
        ) from None


def _checked_token(token: Optional[str]) -> Optional[str]:
    stripped = (token or "").strip()
    if not all("!" <= character <= "~" for character in stripped):
        raise invalid("The token must be printable ASCII without spaces.")
    return stripped or None
