"""Which parties a legal entity reaches: a virtual one (a sandbox copy) never gets live ones."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from gateways import http, stripe
from gateways.email import SmtpMailer
from gateways.ports import Mailer, PaymentGateway, Provisioner, SignatureProvider
from gateways.provisioner import ProvisionerGateway
from gateways.signature import SignatureGateway


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the parties are. URLs name the party's root (`.../stripe`, `.../signature`, `.../provisioner`)."""

    stripe_url: str | None  # the sandbox; None is Stripe itself
    signature_url: str
    provisioner_url: str
    smtp_host: str
    smtp_port: int
    mail_from: str
    stripe_key: str = ""  # a live key: real entities are then charged at Stripe itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Everyone outside, for one legal entity."""

    payments: PaymentGateway
    signatures: SignatureProvider
    provisioner: Provisioner
    mailer: Mailer


class LiveParty(ValueError):
    """A virtual entity was about to reach a party that moves real money."""


class PartiesFor:
    """Parties by entity, made once; connections are shared, so keep one per process and event loop."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._stripe, self._http = stripe.http_client(), http.http_client()
        self._mailer = SmtpMailer(host=addresses.smtp_host, port=addresses.smtp_port, sender=addresses.mail_from)
        self._known: dict[tuple[str, bool], Parties] = {}

    def entity(self, entity_id: str, virtual: bool) -> Parties:
        """The parties of one entity under its account `sk_<entity id>`. Raises LiveParty."""
        found = self._known.get((entity_id, virtual))
        if found is None:
            found = self._known[entity_id, virtual] = self._make(entity_id, virtual)
        return found

    def _make(self, entity_id: str, virtual: bool) -> Parties:
        token = f"sk_{entity_id}"
        return Parties(
            payments=self._payments(token, virtual),
            signatures=SignatureGateway(
                name="signature", url=self._addresses.signature_url, token=token, client=self._http
            ),
            provisioner=ProvisionerGateway(
                name="provisioner", url=self._addresses.provisioner_url, token=token, client=self._http
            ),
            mailer=self._mailer,
        )

    def _payments(self, token: str, virtual: bool) -> PaymentGateway:
        if self._addresses.stripe_key and not virtual:
            return stripe.StripeGateway(key=self._addresses.stripe_key, client=self._stripe)
        url = self._addresses.stripe_url
        if not url or (urlsplit(url).hostname or "").endswith("stripe.com"):
            raise LiveParty(f"{token} may only reach a sandbox gateway, not {url or 'Stripe itself'}")
        return stripe.StripeGateway(key=token, url=url, client=self._stripe)

    async def close(self) -> None:
        """Close the shared connections."""
        await self._stripe.close_async()  # type: ignore[no-untyped-call]
        await self._http.aclose()
