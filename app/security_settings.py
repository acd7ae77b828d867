"""How brokers are talked to: the choices there are, and which settings go together."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from app.settings import Settings

__all__ = ["SaslMechanism", "SecurityProtocol", "wrong_together"]


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


def wrong_together(settings: Settings) -> Iterator[str]:
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
