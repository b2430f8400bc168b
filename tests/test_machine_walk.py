"""The page Machine in a browser: it renews itself, and is all there without scripts."""

from pathlib import Path

from tests.browser import chromium, tab
from tests.faults.dashboard import Dashboard, prepare_folder
from tests.house import CAST
from tests.sandbox_server import running_sandbox


def test_it_renews_itself_and_is_all_there_without_scripts(tmp_path: Path) -> None:
    with running_sandbox("--limit", "0") as sandbox, chromium() as browser:
        prepare_folder(tmp_path / "data", sandbox)
        dashboard = Dashboard(tmp_path / "data", sandbox)
        dashboard.start()
        try:
            with tab(browser) as page:
                page.clock.install()
                page.goto(f"{dashboard.address}/sign-in?next=/settings/machine/")
                page.fill("#f-email", CAST["adi"].email)
                page.fill("#f-password", CAST["adi"].password)
                page.click("main button")
                page.wait_for_selector("text=Sending with “Utama”")
                for _ in range(2):
                    with page.expect_response("**/settings/machine/") as renewed:
                        page.clock.fast_forward(11_000)
                    assert "<html" not in renewed.value.text()
                assert page.locator("#now").count() == 1
                assert page.locator("h1").inner_text() == "Machine"
                cookies = page.context.cookies()
            with tab(browser, script=False) as page:
                page.context.add_cookies(cookies)  # type: ignore[arg-type]
                page.goto(f"{dashboard.address}/settings/machine/")
                assert page.locator("h1").inner_text() == "Machine"
                assert page.locator("text=Sending with “Utama”").count() == 1
        finally:
            dashboard.close()
