"""Amounts leave as whole minor units, with their currency and their text: no figure of an answer is a float."""

from pydantic import Field

from api.schema import Out
from domain import money


class AmountOut(Out):
    minor: int = Field(examples=[123450])
    currency: str = Field(examples=["EUR"])
    text: str = Field(examples=["1,234.50 EUR"])


def amount(minor: int, currency: str) -> AmountOut:
    """Minor units with their text."""
    return AmountOut(minor=minor, currency=currency, text=money.text(money.Money(minor, currency)))
