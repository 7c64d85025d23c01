"""Our own people act through the API with their own keys: sales opens and revises, approvers decide, ops mends what parks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from demo.client import Caller, Json
from demo.course import Act, Course
from demo.fates import Visit
from demo.furnish import House, Sandbox
from demo.records import Deal, Person, PriceRise

MOST_RUNS = 5
YOURS = "(yours to answer)"  # what is opened again, for whoever looks around after the play


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
    course: Course | None = None  # of its approval, where each approver acts by name
    done: list[Act] = field(default_factory=list)  # what approvers have planned of it
    countered: int = 0  # counter-proposals that sales has taken up

    def to_do(self, version: int, holders: Collection[str]) -> list[Act]:
        """What these people do about a version, as far as they have not planned it."""
        acts = self.course.acts if self.course is not None else ()
        mine = [act for act in acts if act.by_a_person and act.version == version and act.who in holders]
        return [act for act in mine if act not in self.done]

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

    async def show_again(self, case: Case) -> str:
        """Sales opens a second deal like this one and submits it, for whoever wants to look, or to decide. Returns its name."""
        draft = case.deal.draft(self.house.book.accounts[case.deal.account]) | {"start": "provisioning"}
        account = case.sandbox.accounts[case.deal.account]
        name = f"{case.deal.name} {YOURS}"
        said = {"name": name, "account_id": account, "draft": draft}
        page = await self._owner(case).post("/v1/deals", said, once=f"again/{case.deal.account}")
        version = page["orders"][0]["version"]
        path = f"/v1/deals/{page['id']}/submit"
        await self._owner(case).post(path, {"version": version}, once=f"again/{case.deal.account}/{version}")
        return name

    async def _submit(self, case: Case, page: Json) -> None:
        version = page["orders"][0]["version"]
        await self._owner(case).post(
            f"/v1/deals/{case.id}/submit", {"version": version}, once=f"submit/{case.deal.account}/{version}"
        )

    async def submit_counter(self, case: Case, percent: str) -> None:
        """An approver proposed another discount on everything: sales looks at what that comes to, and submits it."""
        account = self.house.book.accounts[case.deal.account]
        await self._preview(case, case.deal.draft(account, discount_percent=Decimal(percent)))
        await self._submit(case, await self._owner(case).get(f"/v1/deals/{case.id}"))

    async def approve(self, case: Case, request: Json) -> None:
        """As many of those who were asked as it takes approve, those of the seller's country first."""
        people = self.house.book.people
        asked = [people[each] for each in dict.fromkeys(seat["holder"] for seat in request["seats"])]
        near = sorted(asked, key=lambda person: person.country != case.sandbox.entity.country)
        for person in near[: request["quorum"] or len(near)]:
            await self._decide(case, request, person, verb="approve", reason=f"agreed: {request['reason']}"[:200])

    async def reject(self, case: Case, request: Json, reason: str) -> None:
        """The first who was asked rejects."""
        person = self.house.book.people[request["seats"][0]["holder"]]
        await self._decide(case, request, person, verb="reject", reason=reason)

    async def decide(self, case: Case, request: Json, act: Act) -> None:
        """One decision of a course, with the approver's own key."""
        more = {"to": act.to} if act.to else {}
        await self._decide(case, request, self.house.book.people[act.who], verb=act.what, reason=act.says, **more)

    async def _decide(self, case: Case, request: Json, person: Person, *, verb: str, **said: str) -> None:
        about = {"version": request["version"], "content_hash": request["content_hash"]}
        await self.house.deciders[person.email].post(
            f"/v1/deals/{case.id}/decide",
            {**about, "verb": verb, **said},
            once=f"{verb}/{request['id']}/{person.email}",
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
