"""A customer with a browser: reads the quote, picks an offer, accepts; declines; asks and reads the answer. On a desk and on a phone."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.api.house import House
from tests.api.sharing import ALTERNATIVES, Shown, shown
from tests.browser.looks import readable

WIDTHS = [1280, 360]
PICTURES = os.environ.get("Q2C_PICTURES", "")  # a folder: the pages are kept there, to be looked at


@asynccontextmanager
async def page_of(browser: Browser, quote: Shown, width: int, *, language: str = "en") -> AsyncIterator[Page]:
    """The quote in a window of its own, without script; whatever the policy of the page blocks fails the test."""
    context = await browser.new_context(
        base_url=quote.house.settings.public_url,
        viewport={"width": width, "height": 800},
        locale=language,
        java_script_enabled=False,
    )
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "410 (Gone)" not in message.text else None)
    page.on("requestfailed", lambda request: complaints.append(request.url))
    answer = await page.goto(quote.path)
    assert answer is not None
    assert answer.status == 200
    yield page
    assert complaints == []
    await context.close()


async def picture(page: Page, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


async def fits(page: Page) -> None:
    """Nothing is wider than the window: nobody scrolls sideways to read a price."""
    window = page.viewport_size
    assert window is not None
    for element in await page.locator("main *:visible").all():
        box = await element.bounding_box()
        assert box is None or box["x"] + box["width"] <= window["width"] + 1, await element.inner_text()


@pytest.mark.parametrize("width", WIDTHS)
async def test_the_customer_picks_an_offer_and_accepts(browser: Browser, home: House, account: str, width: int) -> None:
    quote = await shown(home, account, alternatives=ALTERNATIVES)
    async with page_of(browser, quote, width) as page:
        await expect(page).to_have_title(re.compile("Quote .* · Trial"))
        await expect(page.get_by_role("radio", name="Better")).to_be_checked()
        await fits(page)
        await readable(page)
        await picture(page, f"alternatives-{width}")

        await page.get_by_role("radio", name="Good").check()
        await page.get_by_label("Your name").fill("Gina Globex")
        await page.get_by_label("I accept this quote").check()
        await page.get_by_role("button", name="Accept the quote").click()

        await expect(page.get_by_role("status")).to_contain_text("Thank you. You accepted the quote")
        await expect(page.get_by_role("button", name="Accept the quote")).to_have_count(0)
        await picture(page, f"accepted-{width}")
        await page.reload()
        await expect(page.get_by_role("status")).to_contain_text("Thank you.")
    assert [said for _, said in await quote.timeline() if "accepted" in said] == [
        "Gina Globex accepted version 1 (good)"
    ]


async def test_the_browser_itself_asks_for_what_is_missing(browser: Browser, home: House, account: str) -> None:
    quote = await shown(home, account)
    async with page_of(browser, quote, 1280) as page:
        await page.get_by_role("button", name="Accept the quote").click()

        await expect(page.get_by_label("Your name")).to_be_focused()
    assert await quote.status() == "presented"


@pytest.mark.parametrize("width", WIDTHS)
async def test_the_customer_declines_with_a_reason(browser: Browser, home: House, account: str, width: int) -> None:
    quote = await shown(home, account)
    async with page_of(browser, quote, width) as page:
        await page.get_by_text("Decline this quote").click()
        await page.get_by_label("Why?").fill("Too dear for us.")
        await fits(page)
        await page.get_by_role("button", name="Decline the quote").click()

        await expect(page.get_by_role("status")).to_contain_text("You declined the quote.")
        await picture(page, f"declined-{width}")
    assert (await quote.timeline())[-1] == (
        "gina@globex.example",
        "gina@globex.example declined version 1: Too dear for us.",
    )


@pytest.mark.parametrize("width", WIDTHS)
async def test_the_customer_asks_and_reads_the_answer(browser: Browser, home: House, account: str, width: int) -> None:
    quote = await shown(home, account, language="fr")
    async with page_of(browser, quote, width) as page:
        await page.get_by_label("Votre question").fill("Peut-on commencer en juin ?")
        await page.get_by_role("button", name="Envoyer la question").click()
        await expect(page.get_by_role("status")).to_contain_text("Votre question est envoyée.")
        await expect(page.locator(".thread")).to_contain_text("pas encore de réponse")

        (question,) = (await home.as_["sales"].get(f"/v1/deals/{quote.deal_id}/shares")).json()["questions"]
        said = await home.as_["sales"].post(f"/v1/questions/{question['id']}/reply", {"text": "Oui, dès le 1er."})
        assert said.status_code == 200, said.text
        await page.goto(quote.path)

        await expect(page.locator(".thread")).to_contain_text("Oui, dès le 1er.")
        await fits(page)
        await picture(page, f"asked-{width}")


async def test_a_link_that_was_taken_back_is_a_page_that_says_so(browser: Browser, home: House, account: str) -> None:
    quote = await shown(home, account)
    async with page_of(browser, quote, 360) as page:
        await home.as_["sales"].post(f"/v1/share-links/{quote.share_id}/revoke")
        await page.get_by_label("Your name").fill("Gina")
        await page.get_by_label("I accept this quote").check()
        await page.get_by_role("button", name="Accept the quote").click()

        await expect(page.get_by_role("heading", name="This link was taken back")).to_be_visible()
        await expect(page.get_by_role("link", name="sam@acme.example")).to_be_visible()
        await picture(page, "revoked-360")
    assert await quote.status() == "presented"


async def test_the_page_is_built_for_a_screen_reader(browser: Browser, home: House, account: str) -> None:
    quote = await shown(home, account, alternatives=ALTERNATIVES)
    async with page_of(browser, quote, 1280) as page:
        await expect(page.locator("html")).to_have_attribute("lang", "en")
        await expect(page.get_by_role("heading", level=1)).to_have_count(1)
        await expect(page.get_by_role("main")).to_have_count(1)
        await expect(page.get_by_role("group", name="Choose your offer").get_by_role("radio")).to_have_count(3)
        for field in await page.locator("input:not([type=hidden]), textarea").all():
            name = await field.get_attribute("id") or ""
            labelled = (
                await page.locator(f'label[for="{name}"]').count()
                if name
                else await field.locator("xpath=ancestor::label").count()
            )
            assert labelled == 1
        for table in await page.get_by_role("table").all():
            assert await table.locator("caption").count() == 1
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the quote")).to_be_focused()
