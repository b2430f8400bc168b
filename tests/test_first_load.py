"""What a first visit weighs, and what a second one need not fetch again."""

import gzip
import re
from collections.abc import Callable
from urllib.parse import unquote

import pytest
from werkzeug.test import TestResponse

from mailroom.service import Service
from tests.house import Browser
from tests.live import prepare_records

Client = Callable[[str], Browser]
COMPRESSED = {"Accept-Encoding": "gzip, br"}
FOR_EVER = "public, max-age=31536000, immutable"
# A page with everything it needs, compressed, as it comes over the line.
MOST_BYTES = 60_000


@pytest.fixture(autouse=True)
def filled(service: Service) -> None:
    prepare_records(service)


def fetch(browser: Browser, url: str, **headers: str) -> TestResponse:
    return browser.http.get(url, headers=COMPRESSED | headers, buffered=True)


def text(answer: TestResponse) -> str:
    assert answer.headers["Content-Encoding"] == "gzip"
    return gzip.decompress(answer.data).decode()


def needed(page: str) -> set[str]:
    """The addresses of the files that a page needs, without the part behind the #."""
    return {unquote(found.replace("&amp;", "&")) for found in re.findall(r'"(/static/[^"#]+)', page)}


@pytest.mark.parametrize("url", ["/", "/send/", "/batches/1", "/history/1", "/reports/", "/templates/1/edit"])
def test_a_first_visit_is_light(client: Client, url: str) -> None:
    browser = client("adi")
    page = fetch(browser, url)
    files = [fetch(browser, file) for file in needed(text(page))]
    assert len(files) >= 5
    assert sum(len(answer.data) for answer in (page, *files)) < MOST_BYTES


def test_a_file_is_kept_for_ever_under_an_address_that_changes_with_it(client: Client) -> None:
    browser = client("adi")
    for url in needed(text(fetch(browser, "/"))):
        assert fetch(browser, url).headers["Cache-Control"] == FOR_EVER, url
        old = fetch(browser, url.partition("?")[0] + "?v=0123456789ab")
        assert (old.status_code, old.headers["Cache-Control"]) == (200, "no-cache"), url


def test_a_compressed_file_is_the_file(client: Client) -> None:
    browser = client("adi")
    packed = fetch(browser, "/static/mailroom.css")
    plain = fetch(browser, "/static/mailroom.css", **{"Accept-Encoding": "identity"})
    assert text(packed).encode() == plain.data
    assert plain.headers.get("Content-Encoding") is None
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]


def test_a_page_another_site_asks_for_is_not_compressed(client: Client) -> None:
    browser = client("adi")
    for site, packed in (("none", True), ("same-origin", True), ("same-site", False), ("cross-site", False)):
        answer = fetch(browser, "/history/?q=tagihan", **{"Sec-Fetch-Site": site})
        assert ("Content-Encoding" in answer.headers) is packed, site


def test_a_download_is_streamed_as_it_is_made(client: Client) -> None:
    with client("adi").http.get("/reports/mails.csv", headers=COMPRESSED) as answer:
        assert answer.is_streamed
        assert "Content-Encoding" not in answer.headers
        assert "Content-Length" not in answer.headers


def test_a_short_answer_and_one_without_content_stay_as_they_are(client: Client) -> None:
    browser = client("adi")
    assert "Content-Encoding" not in fetch(browser, "/static/print.js").headers
    known = fetch(browser, "/static/mailroom.css", **{"Accept-Encoding": "identity"}).headers["ETag"]
    again = fetch(browser, "/static/mailroom.css", **{"If-None-Match": known})
    assert (again.status_code, again.data) == (304, b"")
