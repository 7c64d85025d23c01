"""An approver with a browser: approves, proposes something else, hands on. On a desk and on a phone, without script."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.api.approving import Asked, asked, people
from tests.api.house import DRAFT, POLICY, House
from tests.api.sharing import rows, until
from tests.browser.looks import readable

WIDTHS = [1280, 360]
PICTURES = os.environ.get("Q2C_PICTURES", "")  # a folder: the pages are kept there, to be looked at


@pytest.fixture(scope="module")
async def desk(home: House, account: str) -> str:
    await people(home)
    return account


@asynccontextmanager
async def page_of(browser: Browser, ask: Asked, width: int) -> AsyncIterator[Page]:
    """The page in a window of its own; whatever the policy of the page blocks fails the test."""
    context = await browser.new_context(
        base_url=ask.house.settings.public_url,
        viewport={"width": width, "height": 800},
        java_script_enabled=False,
    )
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    answer = await page.goto(ask.path)
    assert answer is not None
    assert answer.status == 200
    yield page
    assert [each for each in complaints if "422" not in each] == []
    await context.close()


async def picture(page: Page, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


async def fits(page: Page) -> None:
    """Nothing is wider than the window."""
    window = page.viewport_size
    assert window is not None
    for element in await page.locator("main *:visible").all():
        box = await element.bounding_box()
        assert box is None or box["x"] + box["width"] <= window["width"] + 1, await element.inner_text()


async def ends_alike(page: Page) -> None:
    """The figures of a column end at one line, so that they can be compared."""
    rows = await page.locator(".earned tbody tr").all()
    cells = [await each.locator("td.number").all() for each in rows]
    for column in zip(*cells, strict=True):
        boxes = [await each.bounding_box() for each in column]
        assert len({round(box["x"] + box["width"]) for box in boxes if box is not None}) == 1


@pytest.mark.parametrize("width", WIDTHS)
async def test_an_approver_reads_why_and_approves(browser: Browser, home: House, desk: str, width: int) -> None:
    ask = await asked(home, desk)
    async with page_of(browser, ask, width) as page:
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Globex: 20 seats")
        await expect(page.locator(".lead")).to_contain_text(
            "Sam Sales asks for your approval of this quote to Globex S.p.A."
        )
        figures = page.locator(".figures dd")  # what matters first comes before everything else
        await expect(figures).to_have_text([re.compile("2,400.00.EUR.*a year"), re.compile("20.%"), "not known"])
        await expect(figures.last).to_be_in_viewport()
        await expect(page.locator(".ask")).to_contain_text("discount of 20 % is over 10 %")
        await expect(page.locator(".limits .asks")).to_contain_text(
            re.compile("Discount.*20.%.*over 10.%.*met", re.DOTALL)
        )
        await expect(page.get_by_role("button", name="Approve", exact=True)).to_be_in_viewport(ratio=1)
        await expect(page.locator(".earned .in-all")).to_contain_text(re.compile("In all.*3,000.00.*20.%.*2,400.00"))
        await fits(page)
        await ends_alike(page)
        await picture(page, f"approve-{width}")

        await page.get_by_label("Why (kept with the decision").fill("Strategic account.")
        await page.get_by_role("button", name="Approve", exact=True).click()

        await expect(page.get_by_role("status")).to_contain_text(
            "You approved this version. That was the last word it needed."
        )
        await expect(page.get_by_role("button")).to_have_count(0)
        await readable(page)
        await picture(page, f"approved-{width}")
    await until(home, "SELECT status FROM approval_requests WHERE deal_id = :id", "approved", id=ask.deal_id)


@pytest.mark.parametrize("width", WIDTHS)
async def test_an_approver_proposes_another_discount(browser: Browser, home: House, desk: str, width: int) -> None:
    ask = await asked(home, desk)
    async with page_of(browser, ask, width) as page:
        if width == WIDTHS[0]:  # one click from the bar, that opens the form
            await page.locator(".act").get_by_role("link", name="Ask for changes").click()
        else:
            await page.locator("summary", has_text="Ask for changes").click()
        await page.get_by_label("What should be different?").fill("Twelve is what others have.")
        await page.get_by_label("Acme Team").fill("a dozen")
        await page.get_by_role("button", name="Ask for changes").click()
        await expect(page.get_by_role("alert")).to_contain_text("A percentage from 0 to 100")
        await expect(page).to_have_title(re.compile("^Please look at this again"))
        await expect(page.get_by_label("Acme Team")).to_be_focused()
        await expect(page.get_by_label("What should be different?")).to_have_value("Twelve is what others have.")
        await fits(page)
        await readable(page)
        await picture(page, f"counter-{width}")

        await page.get_by_label("Acme Team").fill("12")
        await page.get_by_role("button", name="Ask for changes").click()

        await expect(page.get_by_role("status")).to_contain_text("You asked for changes.")
    drafts = "SELECT by, content -> 'lines' -> 0 ->> 'discount_percent' FROM quote_drafts WHERE deal_id = :id ORDER BY created_at"
    assert await rows(home, drafts, id=ask.deal_id) == [("sam@acme.example", "20"), ("dana@acme.example", "12")]


@pytest.mark.parametrize("width", WIDTHS)
async def test_an_approver_hands_on(browser: Browser, home: House, desk: str, width: int) -> None:
    ask = await asked(home, desk)
    async with page_of(browser, ask, width) as page:
        await page.locator("summary", has_text="Hand on").click()
        await page.get_by_label("Their e-mail address").fill("olga@acme.example")
        await page.keyboard.press("Tab")  # the list of people closes: open, it may take the next click for itself
        await fits(page)
        await picture(page, f"delegate-{width}")
        await page.get_by_role("button", name="Hand on").click()
        await expect(page.get_by_role("status")).to_contain_text("You handed this on.")
    olga = await ask.for_("olga@acme.example")
    async with page_of(browser, olga, width) as page:
        await expect(page.locator(".ask")).to_contain_text("you speak for Dana Desk")


async def test_the_page_is_built_for_a_screen_reader_and_a_keyboard(browser: Browser, home: House, desk: str) -> None:
    ask = await asked(home, desk, "denis@acme.example")
    async with page_of(browser, ask, 360) as page:
        await expect(page.locator("html")).to_have_attribute("lang", "fr")
        await expect(page.get_by_role("heading", level=1)).to_have_count(1)
        await expect(page.get_by_role("main")).to_have_count(1)
        for field in await page.locator("input:not([type=hidden]), textarea").all():
            name = await field.get_attribute("id") or ""
            assert await page.locator(f'label[for="{name}"]').count() == 1, name
        for table in await page.get_by_role("table").all():
            assert await table.locator("caption").count() == 1
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Aller à la décision")).to_be_focused()
        await picture(page, "approve-fr-360")

        for key in ("Enter", "Tab"):  # to the decision, into its one field
            await page.keyboard.press(key)
        await page.keyboard.type("Un client de référence.")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("button", name="Approuver", exact=True)).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("C’était le dernier accord nécessaire.")


MATRIX = {
    "name": "standard",
    "rules": [
        {
            "name": "steep discount",
            "when": {"discount_percent_over": "10"},
            "require": [{"level": 1, "group": "sales_manager"}, {"level": 2, "group": "vp"}],
            "remind_after": "4 business_hours",
            "escalate": [{"after": "2 business_days", "to": "manager"}, {"after": "5 days", "to": "sales"}],
        },
        {
            "name": "long payment",
            "when": {"net_days_over": 30},
            "require": [{"level": 1, "group": "sales_manager"}],
            "remind_after": "4 business_hours",
            "escalate": [{"after": "2 business_days", "to": "manager"}],
        },
    ],
}


@pytest.mark.parametrize("width", WIDTHS)
async def test_the_second_level_reads_what_the_first_said_and_what_differs(
    browser: Browser, home: House, desk: str, width: int
) -> None:
    assert (await home.as_["admin"].post("/v1/policies/approval", POLICY)).status_code in {200, 201}
    ask = await asked(home, desk)
    assert (await ask.send("approve", reason="A reference we want.")).status_code == 303
    await until(home, "SELECT status FROM approval_requests WHERE deal_id = :id", "approved", id=ask.deal_id)
    assert (await home.as_["admin"].post("/v1/policies/approval", MATRIX)).status_code in {200, 201}
    lines = [{"product": "team", "quantity": 30, "discount_percent": "25"}]
    draft = {**DRAFT, "lines": lines, "method": "transfer", "net_days": 45}
    assert (await home.as_["sales"].post(f"/v1/deals/{ask.deal_id}/revise", {"draft": draft})).status_code == 200
    assert (await home.as_["sales"].post(f"/v1/deals/{ask.deal_id}/submit", {"version": 2})).status_code == 200
    first = await ask.for_("dana@acme.example", version=2)
    assert (await first.send("comment", reason="@vera their lawyers want 45 days.")).status_code == 303
    assert (await first.send("approve", reason="Thirty seats are worth it.")).status_code == 303
    waits = "SELECT count(*) FROM approval_requests WHERE deal_id = :id AND level = 2"
    await until(home, waits, 1, id=ask.deal_id)
    vera = await ask.for_("vera@acme.example", version=2)
    async with page_of(browser, vera, width) as page:
        await expect(page.get_by_role("heading", name="What differs from version 1")).to_be_visible()
        await expect(page.get_by_role("row", name="Acme Team").first).to_contain_text("discount 20 % → 25 %")
        await expect(page.locator("main")).not_to_contain_text("{")
        await expect(page.locator("#so-far ~ .thread")).to_contain_text("Dana Desk approved")
        await expect(page.locator(".clock")).to_contain_text("Without an answer, the managers are asked as well.")
        await expect(page.locator(".asked", has_text="@vera their lawyers want 45 days.")).to_be_visible()
        await fits(page)
        await readable(page)
        await picture(page, f"second-{width}")
    if PICTURES:
        paper = await home.as_["finance"].get(f"/v1/deals/{ask.deal_id}/evidence.pdf")
        (Path(PICTURES) / "evidence.pdf").write_bytes(paper.content)


@pytest.mark.parametrize("width", WIDTHS)
async def test_the_sandbox_s_inbox_is_readable_by_day_and_by_night(browser: Browser, home: House, width: int) -> None:
    button = {"type": "button", "text": {"type": "plain_text", "text": "Look"}, "url": "https://acme.example/a/x"}
    head = {"type": "header", "text": {"type": "plain_text", "text": "Your approval"}}
    blocks = [head, {"type": "actions", "elements": [button]}]
    said = {"text": "Your approval: https://acme.example/a/x", "blocks": blocks}
    assert (await home.client.post(f"{home.outside.url}/slack/{'desk-' * 8}{width}", json=said)).status_code == 200
    page = await browser.new_page(viewport={"width": width, "height": 800})
    await page.goto(f"{home.outside.url}/inbox")
    await expect(page.get_by_role("link", name="Look").first).to_be_visible()
    await fits(page)
    for each in await page.locator("select").all():
        box = await each.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width
    await readable(page)
    await page.close()
