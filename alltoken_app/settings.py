"""All settings, read once from the environment and `.env`; `.env.example` explains each."""

import os
import shlex
import sys
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class ExtraModel(BaseModel):
    """A model of a server added by settings.

    Prices: USD per million tokens or characters, per minute of sound, per search unit. Images and
    sound among a chat's messages cost what its other input costs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slug: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._:-]*$")
    upstream: str
    name: str = ""
    kind: Literal["chat", "embeddings", "transcription", "speech", "moderation", "rerank"] = "chat"
    context: int = Field(default=8192, gt=0)
    max_output: int = Field(default=4096, gt=0)
    input_modalities: tuple[Literal["text", "image", "audio", "file", "video"], ...] = ()
    input_price: str = ""
    output_price: str = "0"
    minute_price: str = ""
    characters_price: str = ""
    unit_price: str = ""

    @model_validator(mode="after")
    def _priced(self) -> Self:
        if self.kind in ("chat", "embeddings") and not self.input_price:
            raise ValueError("input_price is missing")
        return self


class ExtraProvider(BaseModel):
    """An OpenAI-compatible server added by settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    base_url: str
    key: SecretStr = SecretStr("")
    models: tuple[ExtraModel, ...]


class Settings(BaseSettings):
    """Frozen. Durations are seconds, sizes bytes, money whole US dollars where a name says so."""

    model_config = SettingsConfigDict(
        env_file=ROOT / ".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    # Where it listens and keeps its state
    host: str = "127.0.0.1"
    port: int = Field(default=3000, ge=1, le=65535)
    public_url: str = ""
    extra_origins: Annotated[tuple[str, ...], NoDecode] = ()
    allow_plain_http: bool = False
    proxy_hops: int = Field(default=0, ge=0, le=8)
    var: Path = ROOT / "var"
    database_url: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    # Payments
    stripe_secret_key: SecretStr = SecretStr("")
    stripe_webhook_secret: SecretStr = SecretStr("")
    sandbox_providers: Annotated[tuple[str, ...], NoDecode] = ("local", "fault")
    payment_timeout: float = Field(default=10.0, gt=0)

    # Mail
    smtp_url: SecretStr = SecretStr("")
    mail_from: str = "AllToken <no-reply@localhost>"

    # Providers
    local_models: bool = True
    local_threads: int = Field(default=1, ge=1, le=64)
    speech_command: str = ""
    fault_provider: bool = False
    fault_delay_scale: float = Field(default=1.0, ge=0, le=100)
    extra_providers: tuple[ExtraProvider, ...] = ()
    insecure_upstreams: Annotated[tuple[str, ...], NoDecode] = ()
    egress_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    egress_timeout: float = Field(default=10.0, gt=0)

    # Keys of providers, and their addresses where they are not the published ones
    alltoken_openai_key: SecretStr = SecretStr("")
    alltoken_anthropic_key: SecretStr = SecretStr("")
    alltoken_google_key: SecretStr = SecretStr("")
    alltoken_azure_key: SecretStr = SecretStr("")
    alltoken_mistral_key: SecretStr = SecretStr("")
    alltoken_deepseek_key: SecretStr = SecretStr("")
    alltoken_meta_key: SecretStr = SecretStr("")
    alltoken_cohere_key: SecretStr = SecretStr("")
    alltoken_groq_key: SecretStr = SecretStr("")
    alltoken_together_key: SecretStr = SecretStr("")
    alltoken_fireworks_key: SecretStr = SecretStr("")
    alltoken_xai_key: SecretStr = SecretStr("")
    alltoken_openrouter_key: SecretStr = SecretStr("")
    alltoken_cerebras_key: SecretStr = SecretStr("")
    alltoken_perplexity_key: SecretStr = SecretStr("")
    alltoken_vllm_key: SecretStr = SecretStr("")
    alltoken_llama_cpp_key: SecretStr = SecretStr("")
    provider_urls: dict[str, str] = {}

    # Vertex: a project, where it is served, and a service account's key file or its JSON
    vertex_project: str = ""
    vertex_location: str = "global"
    vertex_credentials: SecretStr = SecretStr("")

    # AWS: Bedrock's region, and an API key for it or an access key
    aws_region: str = "us-east-1"
    aws_bearer_token_bedrock: SecretStr = SecretStr("")
    aws_access_key_id: str = ""
    aws_secret_access_key: SecretStr = SecretStr("")
    aws_session_token: SecretStr = SecretStr("")

    # Clocks of a request
    connect_timeout: float = Field(default=3.0, gt=0)
    first_token_timeout: float = Field(default=60.0, gt=0)
    inter_token_timeout: float = Field(default=60.0, gt=0)
    whole_timeout: float = Field(default=300.0, gt=0)
    reasoning_timeout: float = Field(default=600.0, gt=0)
    total_timeout: float = Field(default=1800.0, gt=0)
    keep_alive: float = Field(default=10.0, gt=0)
    hold_ttl: float = Field(default=600.0, gt=0)
    worker_grace: float = Field(default=15.0, gt=0)

    # Limits
    max_body: int = Field(default=10 * 2**20, gt=0)
    requests_per_minute: int = Field(default=600, gt=0)
    tokens_per_minute: int = Field(default=10_000_000, gt=0)
    concurrent_requests: int = Field(default=64, gt=0)
    shared_limits: bool = False
    low_balance_usd: int = Field(default=5, ge=0)
    top_up_fee_percent: int = Field(default=5, ge=0, le=100)

    @field_validator(
        "extra_origins", "sandbox_providers", "insecure_upstreams", "egress_hosts", mode="before"
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("speech_command")
    @classmethod
    def _words(cls, value: str) -> str:
        shlex.split(value)  # raises ValueError when a quote is not closed
        return value

    @property
    def origin(self) -> str:
        """The address people and links use, without a slash at its end."""
        return (self.public_url or f"http://localhost:{self.port}").rstrip("/")

    @property
    def origins(self) -> tuple[str, ...]:
        """Every origin whose pages may open the web app's socket and post its forms."""
        loopback = (f"http://localhost:{self.port}", f"http://127.0.0.1:{self.port}")
        return tuple(dict.fromkeys((self.origin, *loopback, *self.extra_origins)))

    @property
    def database(self) -> str:
        """The database's URL; SQLite in `var` unless `DATABASE_URL` says otherwise."""
        return self.database_url or f"sqlite:///{self.var.resolve() / 'alltoken.db'}"

    @property
    def book(self) -> Literal["live", "sandbox"]:
        """The book new money belongs to: live only with a live Stripe key."""
        return "live" if "_live_" in self.stripe_secret_key.get_secret_value() else "sandbox"


@lru_cache
def settings() -> Settings:
    """The process's settings, read at first use. Exits by name of the key when one is wrong."""
    try:
        return Settings()
    except ValidationError as wrong:
        lines = [f"  {'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in wrong.errors()]
        sys.exit("Wrong settings (see .env.example):\n" + "\n".join(lines))


def web_folder() -> Path:
    """Where Reflex builds the frontend (its own variable, for several builds side by side)."""
    return Path(os.environ.get("REFLEX_WEB_WORKDIR") or ROOT / ".web")
