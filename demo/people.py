"""Our own people act through the API with their own keys: sales opens and revises, approvers decide, ops mends what parks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from demo.client import Caller, Json
from demo.fates import Visit
from demo.furnish import House, Sandbox
from demo.records import Deal, Person, PriceRise

MOST_RUNS = 5


@dataclass(slots=True, kw_only=True)
class Case:
    """One deal of the book with its id, once sales opened it, and what people did about it so far."""

    deal: Deal
    sandbox: Sandbox
    id: str = ""
    asked: set[str] = field(default_factory=set)  # approval requests that somebody has taken up
    answered: int = 0  # decisions on the whole deal so far
    retries: int = 0
    with_ops: int = 0  # what ops has planned and not done yet
    mended: int = 0  # how often ops took it up
    authenticated: set[str] = field(default_factory=set)  # invoices that the customer confirmed with their bank
    preview: Json = None  # what sales saw of the last draft before it was asked for
    links: list[str] = field(default_factory=list)  # that the customer found in its mails
    visits: list[Visit] = field(default_factory=list)  # that the customer has not planned yet
    at_customer: bool = False  # the customer has the link to the version in play
    replied: set[str] = field(default_factory=set)  # questions that sales has taken up
    revised: bool = False

    def __post_init__(self) -> None:
        self.visits = list(self.deal.visits or ())


class Office:
    """The people of the house; every method is one thing that one person does."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def open(self, case: Case) -> None:
        """Sales looks at what its draft comes to, opens the deal and submits its first version."""
        draft = case.deal.draft(self.house.book.accounts[case.deal.account])
        await self._preview(case, draft)
        said = {"name": case.deal.name, "account_id": case.sandbox.accounts[case.deal.account], "draft": draft}
        page = await self._owner(case).post("/v1/deals", said, once=f"open/{case.deal.account}")
        case.id = page["id"]
        await self._submit(case, page)

    async def revise(self, case: Case) -> None:
        """Sales comes back with another discount, or with a draft that the customer would take, and submits that version."""
        desk, revised = case.deal.desk, case.deal.revised
        account = self.house.book.accounts[case.deal.account]
        draft = dict(revised or case.deal.draft(account, discount_percent=desk.revise_percent if desk else None))
        await self._preview(case, draft)
        page = await self._owner(case).post(
            f"/v1/deals/{case.id}/revise", {"draft": draft}, once=f"revise/{case.deal.account}"
        )
        await self._submit(case, page)

    async def _preview(self, case: Case, draft: Mapping[str, object]) -> None:
        said = {"account_id": case.sandbox.accounts[case.deal.account], "draft": dict(draft)}
        case.preview = await self._owner(case).post("/v1/quotes/preview", said, once="preview")

    async def reply(self, case: Case, question: str) -> None:
        """Sales answers what the customer asked."""
        path = f"/v1/questions/{question}/reply"
        await self._owner(case).post(path, {"text": case.deal.reply}, once=f"reply/{question}")

    async def reach(self, case: Case, milestone: str) -> None:
        """Sales says that a milestone is reached."""
        path = f"/v1/deals/{case.id}/milestones/{milestone}/reach"
        await self._owner(case).post(path, once=f"reach/{case.deal.account}/{milestone}")

    async def raise_prices(self, rise: PriceRise, sandbox: Sandbox) -> tuple[Json, Json]:
        """The deal desk brings a new price list in, looks at what moving contracts to it changes, and moves them.

        Returns what was previewed and what came of it.
        """
        desk = next(self.house.deciders[p.email] for p in self.house.book.people.values() if p.role == "deal_desk")
        content = rise.price_book.read_bytes()
        book = await desk.post("/v1/price-books", once=f"rise/{sandbox.id}", yaml=content)
        said = {
            "name": rise.name,
            "from": rise.from_,
            "to": f"{book['name']}@{book['version']}",
            "entity": sandbox.id,
            "accounts": [sandbox.accounts[name] for name in rise.accounts if name in sandbox.accounts],
        }
        previewed = await desk.post("/v1/price-migrations", said, once=f"prepare/{sandbox.id}")
        moved, run = previewed, 0
        while moved["remaining"] and run < MOST_RUNS:
            run += 1
            path = f"/v1/price-migrations/{previewed['id']}/run"
            moved = await desk.post(path, {"most": 50}, once=f"run/{sandbox.id}/{run}")
        return previewed, moved

    async def show_again(self, case: Case) -> None:
        """Sales opens a second deal like this one and submits it: its quote stands open for whoever wants to look."""
        draft = case.deal.draft(self.house.book.accounts[case.deal.account]) | {"start": "provisioning"}
        account = case.sandbox.accounts[case.deal.account]
        said = {"name": f"{case.deal.name} (yours to answer)", "account_id": account, "draft": draft}
        page = await self._owner(case).post("/v1/deals", said, once=f"again/{case.deal.account}")
        version = page["orders"][0]["version"]
        path = f"/v1/deals/{page['id']}/submit"
        await self._owner(case).post(path, {"version": version}, once=f"again/{case.deal.account}/{version}")

    async def _submit(self, case: Case, page: Json) -> None:
        version = page["orders"][0]["version"]
        await self._owner(case).post(
            f"/v1/deals/{case.id}/submit", {"version": version}, once=f"submit/{case.deal.account}/{version}"
        )

    async def decide(self, case: Case, request: Mapping[str, Json], *, group: str, reject: str = "") -> None:
        """A member of `group` approves, or rejects with a reason."""
        said = {
            "version": request["version"],
            "content_hash": request["content_hash"],
            "approve": not reject,
            "reason": reject or f"agreed: {request['reason']}"[:200],
        }
        person = self._member(case, group)
        await self.house.deciders[person.email].post(
            f"/v1/deals/{case.id}/decide", said, once=f"decide/{request['id']}"
        )

    async def retry(self, case: Case, subject: str = "") -> None:
        """Ops brings back what is parked, or has an open invoice charged again."""
        case.retries += 1
        await self._ops().post(
            f"/v1/deals/{case.id}/retry", {"subject": subject}, once=f"retry/{case.deal.account}/{case.retries}"
        )

    async def retry_parked(self, case: Case) -> None:
        """Ops tries once more, unless it mended itself meanwhile."""
        case.with_ops -= 1
        if (await self._ops().get(f"/v1/deals/{case.id}"))["parked"]:
            await self.retry(case)

    async def cancel(self, case: Case, reason: str) -> None:
        """Ops gives a deal up."""
        case.with_ops -= 1
        await self._ops().post(f"/v1/deals/{case.id}/cancel", {"reason": reason}, once=f"cancel/{case.deal.account}")

    def _owner(self, case: Case) -> Caller:
        return self.house.staff[case.deal.owner]

    def _ops(self) -> Caller:
        return next(self.house.staff[p.email] for p in self.house.book.people.values() if p.role == "ops")

    def _member(self, case: Case, group: str) -> Person:
        """Somebody of the group, of the seller's country where there is one; never the owner."""
        people = [person for person in self.house.people_of(group) if person.email != case.deal.owner]
        near = [person for person in people if person.country == case.sandbox.entity.country]
        return (near or people)[0]
