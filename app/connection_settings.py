"""Where the brokers are and how they are talked to: the settings for it, the choices there are, and which go together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

__all__ = ["ConnectionSettings", "SaslMechanism", "SecurityProtocol"]


class SecurityProtocol(StrEnum):
    """Encrypted or not, with or without a user."""

    PLAINTEXT = "plaintext"
    SSL = "ssl"
    SASL_PLAINTEXT = "sasl_plaintext"
    SASL_SSL = "sasl_ssl"


class SaslMechanism(StrEnum):
    """How a user proves to know the password. SCRAM never sends it."""

    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"
    PLAIN = "PLAIN"


ENCRYPTED: Final = (SecurityProtocol.SASL_SSL, SecurityProtocol.SSL)
WITH_USER: Final = (SecurityProtocol.SASL_SSL, SecurityProtocol.SASL_PLAINTEXT)
_PURPOSES: Final = (("tls_", ENCRYPTED), ("sasl_", WITH_USER))
_BROKER: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):[0-9]{1,5}").fullmatch


def _brokers(text: str) -> str:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if _BROKER(name) is None or not 0 < int(name.rpartition(":")[2]) <= 65535:
            raise ValueError(f"host:port is meant, several separated by commas, not {name!r}")
    return ",".join(names)


class ConnectionSettings(BaseModel):
    """What every client of Kafka needs to know. Read from the environment by `app.settings`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    brokers: Annotated[str, AfterValidator(_brokers)] = Field(
        "localhost:9092", description="Kafka brokers to begin with, host:port separated by commas"
    )
    security_protocol: SecurityProtocol = Field(
        SecurityProtocol.PLAINTEXT,
        description="plaintext, ssl, sasl_plaintext or sasl_ssl; `deploy/security.md` says what each needs",
    )
    tls_ca_file: Path | None = Field(
        None, description="PEM with the CAs that may have signed the brokers' certificates; unset: the system's"
    )
    tls_cert_file: Path | None = Field(
        None, description="PEM with the client certificate, where brokers ask for one; it may hold the key as well"
    )
    tls_key_file: Path | None = Field(None, description="PEM with the client certificate's key, without a passphrase")
    sasl_mechanism: SaslMechanism = Field(
        SaslMechanism.SCRAM_SHA_512, description="SCRAM-SHA-256, SCRAM-SHA-512 or (with sasl_ssl only) PLAIN"
    )
    sasl_username: str | None = Field(None, description="the user's name, for sasl_plaintext and sasl_ssl")
    sasl_password_file: Path | None = Field(
        None,
        description="file with the user's password alone, such as a mounted secret; a newline at its end is not part of it",
    )
    sasl_password: SecretStr | None = Field(
        None, description="the password itself, where there is no file: other users of the machine may see it"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if wrong := list(_wrong_together(self)):
            raise ValueError("\n".join(wrong))
        return self


def _wrong_together(settings: ConnectionSettings) -> Iterator[str]:
    """A line for each thing that does not fit, naming the variables: none of them is left without effect in silence."""
    protocol = settings.security_protocol
    chosen = f"AUTOREFUND_SECURITY_PROTOCOL={protocol}"
    for prefix, protocols in _PURPOSES:
        for name in sorted(settings.model_fields_set):
            if name.startswith(prefix) and protocol not in protocols:
                yield f"AUTOREFUND_{name.upper()} has no effect with {chosen}; it is for {' and '.join(protocols)}"
    if settings.tls_key_file and not settings.tls_cert_file:
        yield "AUTOREFUND_TLS_KEY_FILE needs AUTOREFUND_TLS_CERT_FILE, the certificate that the key is of"
    if protocol not in WITH_USER:
        return
    if not settings.sasl_username:
        yield f"AUTOREFUND_SASL_USERNAME is needed with {chosen}"
    passwords = "AUTOREFUND_SASL_PASSWORD_FILE or AUTOREFUND_SASL_PASSWORD"
    if not (settings.sasl_password_file or settings.sasl_password):
        yield f"{passwords} is needed with {chosen}"
    if settings.sasl_password_file and settings.sasl_password:
        yield f"{passwords}: one of them, not both"
    if protocol is SecurityProtocol.SASL_PLAINTEXT and settings.sasl_mechanism is SaslMechanism.PLAIN:
        yield f"AUTOREFUND_SASL_MECHANISM=PLAIN would send the password unencrypted with {chosen}; sasl_ssl, or SCRAM"
