"""Addresses as entries give them, made absolute and safe to show."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from w3lib.url import safe_url_string

from bot.sources.entries import MAX_URL

#: An address that can be shown as it is, which most are as they stand.
_READY = re.compile(r"https?://[a-zA-Z0-9._-]+(?::[0-9]{1,5})?(?:[/?#][!#-;=?-Z_a-z~%\[\]]*)?")


def absolute(base: str, address: str) -> str:
    """`address` resolved against `base`; "" unless that is an http(s) address of sane length."""
    address = "".join(address.split())
    if not address or len(address) > MAX_URL:
        return ""
    if _READY.fullmatch(address):
        return address
    try:
        url = urlsplit(urljoin(base, address)).geturl()
        if not _READY.fullmatch(url):
            url = safe_url_string(url)
    except ValueError:  # a bracket without its mate, an impossible host name
        return ""
    return url if _READY.fullmatch(url) and len(url) <= MAX_URL else ""


def rehomed(url: str, home: str) -> str:
    """`url` on the host of `home` where a publisher's machine calls itself "localhost"."""
    if "://localhost" not in url and "://127.0.0.1" not in url:
        return url
    parts = urlsplit(url)
    if parts.hostname not in ("localhost", "127.0.0.1"):
        return url
    there = urlsplit(home)
    return parts._replace(scheme=there.scheme, netloc=there.netloc).geturl() if there.netloc else ""
