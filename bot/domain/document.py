"""Whether two posts are one document: their addresses and their texts, reduced to what counts."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import parse_qsl, urlencode, urlsplit

from w3lib.url import canonicalize_url

from bot.domain.text import read

_TRACKING = re.compile(
    r"utm_\w+|fbclid|gclid|igshid|si|ref|ref_src|feature|rdt|share_id|mc_cid|mc_eid|oc|sid|spm|share"
)
_HOST_PREFIX = re.compile(r"^(?:www|m|mobile|amp)\.")


def url_key(url: str) -> str:
    """An address reduced to what names the document; "" for none or a broken one.

    Canonical by w3lib, without scheme, "www." and the like, "/amp", fragments and parameters that
    only track.
    """
    try:
        parts = urlsplit(canonicalize_url(url.strip()))
    except ValueError:
        return ""
    if not parts.hostname:
        return ""
    host = _HOST_PREFIX.sub("", parts.hostname)
    query = urlencode([(k, v) for k, v in parse_qsl(parts.query) if not _TRACKING.fullmatch(k)])
    path = parts.path
    while path.endswith(("/", "/amp")):
        path = path.removesuffix("/").removesuffix("/amp")
    return f"{host}{path}{'?' if query else ''}{query}"


_NOISE = re.compile(r"https?://\S+|[@#]\w+|\bRT\b|\[[^\]]{1,20}\]", re.IGNORECASE)
_MARKS = re.compile(r"\W+")


def fingerprint(title: str, text: str) -> str:
    """The same for texts that differ only in addresses, tags, marks and spacing; "" when short."""
    words = _MARKS.sub(" ", _NOISE.sub(" ", read(f"{title} {text}").norm)).strip()
    return (
        hashlib.sha1(words.encode(), usedforsecurity=False).hexdigest() if len(words) > 40 else ""
    )
