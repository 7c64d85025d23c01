"""The only reader of the environment: every setting is a variable Q2C_NAME, and the two roots (worker.py, api/app.py) read it once.

`q2c up` sets all of these for its children; set them yourself to run the same code against outside servers
(managed PostgreSQL, a Temporal cluster or Temporal Cloud, Stripe with a key).
"""

from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SHORTEST_SECRET = 16


class Settings(BaseSettings):
    """Values come from the environment; unknown Q2C_ names are ignored, a malformed value is an error at start."""

    model_config = SettingsConfigDict(env_prefix="Q2C_", extra="ignore", frozen=True, env_ignore_empty=True)

    database_url: SecretStr = Field(description="postgresql://user:password@host:port/database")

    temporal_address: str = Field(default="127.0.0.1:7233", description="host:port of the gRPC front end")
    temporal_namespace: str = "default"
    temporal_tls: bool = Field(default=False, description="TLS to Temporal; an API key switches it on as well")
    temporal_api_key: SecretStr | None = Field(default=None, description="Temporal Cloud")
    task_queue: str = "q2c"
    workflow_sandbox: bool = Field(
        default=False, description="SDK's sandbox around workflow code: on in tests; it costs a fifth of a worker's CPU"
    )

    stripe_url: str | None = Field(default=None, description="base address of the sandbox; None is Stripe itself")
    stripe_key: SecretStr | None = Field(default=None, description="a live key, for entities that are no sandbox copy")
    stripe_webhook_secret: SecretStr = SecretStr("")
    signature_url: str = "http://127.0.0.1:8090/signature"
    signature_secret: SecretStr = SecretStr("")
    provisioner_url: str = "http://127.0.0.1:8090/provisioner"
    bank_url: str = "http://127.0.0.1:8090/bank"
    bank_secret: SecretStr = SecretStr("")

    link_secret: SecretStr = Field(
        default=SecretStr(""),
        description="signs share links; several, apart by commas: the first signs, all open (16 characters or more each)",
    )

    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=8025, ge=1, le=65535)
    mail_from: str = "billing@quote-to-cash.example"

    slack_url: SecretStr = Field(
        default=SecretStr(""),
        description="Slack-compatible incoming webhook, {channel} where it has one for each; none: notices go by mail only",
    )
    slack_hooks: SecretStr = Field(
        default=SecretStr(""),
        description="channels with a webhook of their own, and people (@name) with one that they alone read: name=URL, apart by commas",
    )

    public_url: str = Field(default="http://127.0.0.1:8080", description="where the outside reaches our API")
    data: Path = Field(default=Path(".q2c"), description="the folder of `q2c up`")
    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8080, ge=1, le=65535)

    @field_validator("link_secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr) -> SecretStr:
        if any(len(key) < SHORTEST_SECRET for key in _split(secret)):
            raise ValueError(f"each secret has at least {SHORTEST_SECRET} characters")
        return secret

    @property
    def link_secrets(self) -> tuple[str, ...]:
        """The secrets of share links, the one that signs first; empty: links cannot be made."""
        return _split(self.link_secret)

    @field_validator("slack_hooks")
    @classmethod
    def _named(cls, hooks: SecretStr) -> SecretStr:
        if any(not name or not url.startswith(("https://", "http://")) for name, url in _hooks(hooks).items()):
            raise ValueError("write name=URL, apart by commas")
        urls = list(_hooks(hooks).values())
        if any(name.startswith("@") and urls.count(url) > 1 for name, url in _hooks(hooks).items()):
            raise ValueError("the webhook of a person (@name) is nobody else's")
        return hooks

    @property
    def slack_hook_of(self) -> dict[str, str]:
        """The webhook of each channel that has one of its own."""
        return _hooks(self.slack_hooks)

    @property
    def uses_tls(self) -> bool:
        """Whether to speak TLS to Temporal: asked for, or needed by an API key."""
        return self.temporal_tls or self.temporal_api_key is not None


def _split(secret: SecretStr) -> tuple[str, ...]:
    return tuple(key for key in secret.get_secret_value().replace(",", " ").split() if key)


def _hooks(hooks: SecretStr) -> dict[str, str]:
    return {name: url for name, _, url in (hook.partition("=") for hook in _split(hooks))}


def load() -> Settings:
    """The settings of this process; raises pydantic's ValidationError, which names each missing or malformed one."""
    return Settings()
