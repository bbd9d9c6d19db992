"""Headers that say how long to stay away."""

import time
from email.utils import formatdate

import pytest
from multidict import CIMultiDict

from bot.domain.errors import NotAllowed, NotFound, RateLimited
from bot.sources.freshness import MAX_INTERVAL, min_interval
from bot.sources.status import raise_for_status, retry_after

DATE = "Tue, 24 Nov 2026 07:00:00 GMT"
LATER = "Tue, 24 Nov 2026 07:02:00 GMT"
EPOCH = 1_795_503_600  # what DATE is in seconds since 1970


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": " 7 "}, 7),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": LATER, "Date": DATE}, 120),
        ({"Retry-After": DATE, "Date": LATER}, 0),
        ({"X-RateLimit-Reset": "30"}, 30),
        ({"X-RateLimit-Reset": str(EPOCH + 45), "Date": DATE}, 45),
        ({"X-RateLimit-Reset": "299.5"}, 299.5),
        ({"Retry-After": "5", "X-RateLimit-Reset": "30"}, 5),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "30"}, 30),
        ({}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "9" * 30}, None),
        ({"Retry-After": "٣"}, None),
        ({"X-RateLimit-Reset": "tomorrow"}, None),
    ],
)
def test_how_long_to_wait(headers, seconds):
    assert retry_after(CIMultiDict(headers)) == seconds


def test_without_a_date_the_wait_is_measured_from_now():
    wait = retry_after(CIMultiDict({"Retry-After": formatdate(time.time() + 100, usegmt=True)}))
    assert wait == pytest.approx(100, abs=3)


@pytest.mark.parametrize("status", [429, 503])
def test_being_asked_to_wait_carries_the_wait(status):
    with pytest.raises(RateLimited) as caught:
        raise_for_status(status, CIMultiDict({"retry-after": "9"}), "http://a.example/")
    assert caught.value.retry_after == 9


@pytest.mark.parametrize(("status", "gone"), [(404, False), (410, True)])
def test_gone_is_told_from_not_found(status, gone):
    with pytest.raises(NotFound) as caught:
        raise_for_status(status, CIMultiDict(), "http://a.example/")
    assert caught.value.gone is gone


@pytest.mark.parametrize("status", [403, 429, 503])
def test_a_challenge_is_a_refusal_whatever_its_status(status):
    with pytest.raises(NotAllowed, match="challenge"):
        raise_for_status(status, CIMultiDict({"CF-Mitigated": "challenge"}), "http://a.example/")


@pytest.mark.parametrize("status", [200, 203, 226, 304])
def test_good_answers_pass(status):
    raise_for_status(status, CIMultiDict(), "http://a.example/")


@pytest.mark.parametrize(
    ("headers", "ttl", "seconds"),
    [
        ({}, None, None),
        ({}, 600, 600),
        ({}, 7200, MAX_INTERVAL),
        ({"Cache-Control": "max-age=300"}, None, 300),
        ({"Cache-Control": "public, Max-Age = 300"}, None, 300),
        ({"Cache-Control": 'max-age="300"'}, None, 300),
        ({"Cache-Control": "max-age=300, no-cache"}, None, None),
        ({"Cache-Control": "no-store,max-age=300"}, None, None),
        ({"Cache-Control": "max-age=0"}, None, None),
        ({"Cache-Control": "s-maxage=300"}, None, None),
        ({"Cache-Control": "max-age=999999999"}, None, MAX_INTERVAL),
        ({"Cache-Control": "max-age=300"}, 900, 900),
        ({"Cache-Control": "max-age=900"}, 300, 900),
        ({"Cache-Control": "no-cache, max-age=900"}, 300, 300),
        ({"Expires": LATER, "Date": DATE}, None, 120),
        ({"Expires": DATE, "Date": LATER}, None, None),
        ({"Expires": "0", "Date": DATE}, None, None),
        ({"Expires": "-1"}, None, None),
        ({"Cache-Control": "max-age=60", "Expires": LATER, "Date": DATE}, None, 60),
        ({"Cache-Control": "no-cache", "Expires": LATER, "Date": DATE}, None, None),
    ],
)
def test_how_often_a_publisher_wants_to_be_asked(headers, ttl, seconds):
    assert min_interval(CIMultiDict(headers), ttl) == seconds
