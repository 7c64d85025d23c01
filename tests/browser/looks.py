"""What the browser tests see of a page's looks: text that is hard to read on what is behind it, in the scheme that is on."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

# Each text's colour on the nearest background behind it; WCAG 2.2 AA: 4.5, and 3 where it is large (24 px, or 18.66 px bold).
_HARD_TO_READ = r"""
() => {
  const channels = (said) => {
    const [first, ...rest] = said.match(/[\d.]+(e-\d+)?/g).map(Number);
    const share = said.startsWith("color(srgb");
    const all = [first, ...rest];
    return { rgb: all.slice(0, 3).map((each) => (share ? each : each / 255)), alpha: all.length > 3 ? all[3] : 1 };
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const found = channels(getComputedStyle(each).backgroundColor);
      if (found.alpha === 1) return found.rgb;
    }
    return [1, 1, 1];
  };
  const hard = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!(own || element.matches("input, textarea")) || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const pair = [luminance(channels(style.color).rgb), luminance(behind(element))].sort((a, b) => a - b);
    const ratio = (pair[1] + 0.05) / (pair[0] + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) hard.push(`${ratio.toFixed(2)}: ${element.textContent.trim().slice(0, 60)}`);
  }
  return hard;
}
"""
_BACK = """
() => [document.documentElement, document.body].map((each) => getComputedStyle(each).backgroundColor)
  .find((each) => each !== "rgba(0, 0, 0, 0)")
"""


async def readable(page: Page) -> None:
    """Everything on the page is readable by day and by night, and the night is dark."""
    backs: list[Any] = []
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        assert await page.evaluate(_HARD_TO_READ) == [], scheme
        backs.append(await page.evaluate(_BACK))
    assert backs == ["rgb(244, 245, 247)", "rgb(18, 22, 29)"]
    await page.emulate_media(color_scheme="light")
