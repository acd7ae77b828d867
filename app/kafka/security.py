"""What every Kafka client is given besides the brokers' addresses: TLS, and who we are. Made here and nowhere else."""

from __future__ import annotations

import ssl
from typing import Any, Final, NoReturn

from app.connection_settings import ENCRYPTED, WITH_USER
from app.errors import UsageError
from app.settings import Settings

__all__ = ["client_security"]

PASSWORD_BYTES_MAX: Final = 10_000
"""A file with more in it is not a password's."""


def client_security(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for aiokafka's clients; none for plaintext. Never show them: the password is among them.

    Reads the files anew, so a start takes what was rotated. Raises UsageError, naming the variable, where one cannot be
    used.
    """
    protocol = settings.security_protocol
    found: dict[str, Any] = {}
    if protocol in ENCRYPTED:
        found["ssl_context"] = _tls(settings)
    if protocol in WITH_USER:
        found |= {
            "sasl_mechanism": settings.sasl_mechanism.value,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": _password(settings),
        }
    return found and {"security_protocol": protocol.name} | found


def _tls(settings: Settings) -> ssl.SSLContext:
    """Certificate and name of a broker are always checked; there is no setting to leave that out."""
    ca = settings.tls_ca_file
    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise UsageError(f"AUTOREFUND_TLS_CA_FILE={ca}: {_why(error)}") from None
    if certificate := settings.tls_cert_file:
        names = f"AUTOREFUND_TLS_CERT_FILE={certificate}"
        if settings.tls_key_file:
            names += f", AUTOREFUND_TLS_KEY_FILE={settings.tls_key_file}"
        try:
            context.load_cert_chain(certificate, settings.tls_key_file, password=_no_passphrase)
        except OSError as error:
            raise UsageError(f"{names}: {_why(error)}") from None
        except _PassphraseAsked:
            raise UsageError(f"{names}: the key has a passphrase; one without is needed") from None
    return context


class _PassphraseAsked(Exception):  # noqa: N818 - what happened
    pass


def _no_passphrase() -> NoReturn:
    """Instead of asking for it on the terminal."""
    raise _PassphraseAsked


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return f"no certificate in PEM, or not the key of it ({error.reason or 'nothing that could be one'})"
    return error.strerror or str(error)


def _password(settings: Settings) -> str:
    if settings.sasl_password is not None:
        return settings.sasl_password.get_secret_value()
    path = settings.sasl_password_file
    assert path is not None  # noqa: S101 - the settings were checked together
    try:
        with path.open("rb") as file:
            raw = file.read(PASSWORD_BYTES_MAX + 1)
        password = raw.decode().removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise UsageError(f"AUTOREFUND_SASL_PASSWORD_FILE={path}: {why}") from None
    if not password or len(raw) > PASSWORD_BYTES_MAX or "\n" in password:
        raise UsageError(f"AUTOREFUND_SASL_PASSWORD_FILE={path}: one line with the password is meant")
    return password
