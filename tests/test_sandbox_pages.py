"""The sandbox's pages for a person, also as a browser sees them."""

from collections.abc import Iterator
from html import unescape

import pytest
import requests
from playwright.sync_api import Page

from tests.browser import chromium
from tests.sandbox_server import Sandbox, mail_form, running_sandbox

HOSTILE = (
    "</iframe><script>parent.document.title='taken'</script><svg onload=\"top.document.title='taken'\">"
    '<img src=x onerror="top.document.title=1"><a href="/" target=_top>out</a><p>the mail</p>'
)


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with running_sandbox("--limit", "0") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    server.reset_faults()
    server.clear()
    return server


@pytest.fixture(scope="module")
def window() -> Iterator[Page]:
    with chromium() as started:
        yield started.new_page()


@pytest.fixture
def browser(window: Page) -> Iterator[Page]:
    """A page whose console has to stay empty."""
    said: list[str] = []

    def listen(message: object) -> None:
        said.append(str(message))

    window.on("console", listen)
    window.on("pageerror", listen)
    yield window
    window.remove_listener("console", listen)
    window.remove_listener("pageerror", listen)
    assert said == []


def send(sandbox: Sandbox, *, attachment: tuple[str, bytes] | None = None, **changes: str) -> str:
    """Sends one mail and returns its id."""
    headers = {"Authorization": f"Bearer {sandbox.token()}"}
    files = {"attachment": attachment} if attachment else None
    url = f"{sandbox.url}/email/v2/send-single"
    answer = requests.post(url, data=mail_form(**changes), files=files, headers=headers, timeout=30)
    return str(answer.json()["msg_id"])


def page(sandbox: Sandbox, path: str) -> str:
    response = requests.get(f"{sandbox.url}{path}", timeout=30)
    assert response.ok
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    assert "script-src" not in response.headers["Content-Security-Policy"]
    return response.text


def test_an_empty_mailbox_says_what_to_do(sandbox: Sandbox) -> None:
    assert "Get a token" in page(sandbox, "/")


def test_the_mailbox_shows_50_mails_newest_first_and_leads_to_older_ones(sandbox: Sandbox) -> None:
    ids = [send(sandbox, email="pending@sandbox.test", subject=f"Tagihan {number}") for number in range(52)]
    newest = page(sandbox, "/")
    assert newest.index(ids[51]) < newest.index(ids[50])
    assert newest.count("/mail/") == 50
    older = unescape(newest).split('href="/?before=')[1].split('"')[0]
    assert [msg_id for msg_id in ids if msg_id in page(sandbox, f"/?before={older}")] == ids[:2]
    assert "no older mails" in page(sandbox, "/?before=1")


def test_a_mail_of_strange_texts_is_shown_escaped(sandbox: Sandbox) -> None:
    msg_id = send(sandbox, subject="<script>1</script>", sender_name='"><b>', html=HOSTILE)
    for path in ("/", f"/mail/{msg_id}"):
        text = page(sandbox, path)
        assert "<script" not in text
        assert "&lt;script&gt;1&lt;/script&gt;" in text


def test_an_attachment_downloads_and_never_opens_in_the_page(sandbox: Sandbox) -> None:
    msg_id = send(sandbox, attachment=("../tagihan\u00e9.html", b"<script>1</script>"))
    response = requests.get(f"{sandbox.url}/mail/{msg_id}/attachment", timeout=30)
    assert response.content == b"<script>1</script>"
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Disposition"].startswith("attachment; filename=.._tagihane.html;")


def test_what_was_never_sent_is_not_found(sandbox: Sandbox) -> None:
    plain = send(sandbox)
    for path in ("/mail/nobody", "/mail/nobody/attachment", f"/mail/{plain}/attachment"):
        assert requests.get(f"{sandbox.url}{path}", timeout=30).status_code == 404


def test_a_person_reads_a_mail_in_its_own_styles(sandbox: Sandbox, browser: Page) -> None:
    html = "<style>p { color: rgb(1, 2, 3) }</style><p style='text-indent: 7px'>Halo</p>"
    send(sandbox, subject="Tagihan Siti", html=html)
    browser.goto(f"{sandbox.url}/")
    browser.get_by_text("Tagihan Siti").click()
    paragraph = browser.frame_locator("iframe").locator("p")
    assert paragraph.evaluate("p => getComputedStyle(p).color") == "rgb(1, 2, 3)"
    assert paragraph.evaluate("p => getComputedStyle(p).textIndent") == "7px"


def test_a_hostile_mail_runs_nothing_and_leaves_its_frame_nowhere(sandbox: Sandbox, window: Page) -> None:
    url = f"{sandbox.url}/mail/{send(sandbox, subject='Hostile', html=HOSTILE)}"
    fetched: list[str] = []
    window.on("response", lambda answer: fetched.append(answer.url))  # not what the policy kept back
    window.goto(url)
    frame = window.frame_locator("iframe")
    frame.get_by_text("the mail").wait_for()
    frame.get_by_text("out").click()
    assert window.title() == "Hostile · Sandbox gateway"
    assert window.url == url
    assert {address for address in fetched if not address.startswith("data:")} == {
        url,
        f"{sandbox.url}/static/sandbox.css",
    }


def test_the_token_button_downloads_a_token_that_works(sandbox: Sandbox, browser: Page) -> None:
    browser.goto(f"{sandbox.url}/")
    with browser.expect_download() as download:
        browser.get_by_role("link", name="Get your token").click()
    assert download.value.suggested_filename == "oca-email-token.txt"
    headers = {"Authorization": f"Bearer {download.value.path().read_text().strip()}"}
    assert requests.get(f"{sandbox.url}/email/v2/email/history", headers=headers, timeout=30).ok


def test_the_form_shows_the_switches_sets_them_and_resets_them(sandbox: Sandbox, browser: Page) -> None:
    before = sandbox.faults(latency_jitter_ms=0.5)
    browser.goto(f"{sandbox.url}/faults")
    browser.get_by_role("button", name="Save").click()
    assert sandbox.control("GET", "faults") == before
    browser.get_by_label("body_dash").check()
    browser.get_by_label("next").fill("500_after, ok")
    browser.get_by_label("window").select_option("sliding")
    browser.get_by_label("status", exact=True).check()
    browser.get_by_role("button", name="Save").click()
    assert browser.get_by_role("status").is_visible()
    changes = {
        "body_dash": True,
        "next": ["500_after", "ok"],
        "window": "sliding",
        "faults_on": ["send", "status"],
    }
    assert sandbox.control("GET", "faults") == {**before, **changes}
    browser.get_by_role("button", name="back to normal").click()
    assert sandbox.control("GET", "faults")["body_dash"] is False


def test_a_wrong_switch_is_named_and_what_was_typed_is_kept(sandbox: Sandbox) -> None:
    form = {"next": "nonsense", "429": "many", "window": "<b>"}
    response = requests.post(f"{sandbox.url}/faults", data=form, timeout=30)
    assert response.status_code == 422
    assert "takes a" in response.text
    assert "Nothing was changed" in response.text
    assert 'value="nonsense"' in response.text
    assert "<b>" not in response.text


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_the_window(sandbox: Sandbox, browser: Page, width: int, scheme: str) -> None:
    long = "panjang" * 30
    files = (f"{long}.pdf", b"x")
    msg_id = send(sandbox, subject=long, email=f"{long}@contoh.id", sender_name=long, attachment=files)
    browser.set_viewport_size({"width": width, "height": 800})
    browser.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for path in ("/", f"/mail/{msg_id}", "/faults"):
        browser.goto(f"{sandbox.url}{path}")
        assert browser.evaluate("document.documentElement.scrollWidth") == width
        assert browser.locator("h1").count() == 1
