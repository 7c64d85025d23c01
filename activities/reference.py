"""What a step needs and does not find in the books."""

from __future__ import annotations

from dataclasses import dataclass

from domain.errors import NotFound
from domain.order import Order
from workflows.stubs import Perform


@dataclass(kw_only=True, eq=False)
class MissingReference(NotFound):
    """A price book, a policy, a draft, a tax rate … is not there; the step parks until it is, and is retried."""

    what: str
    hint: str = "load it through the API, then revise or retry"

    @property
    def text(self) -> str:
        return f"{self.what} is not there"


def order_of(command: Perform) -> Order:
    """The order that the step is about. Raises MissingReference."""
    order = command.deal.order(command.step.subject)
    if order is None:
        raise MissingReference(what=f"the order {command.step.subject}")
    return order
