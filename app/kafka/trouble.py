"""Why Kafka does not let us, in one line: which broker, certificate, user or authorization, and which setting to look at.

aiokafka's clients say of whatever kept them from starting that they could not start. So, once one could not, its way in
is gone again here, step by step.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from aiokafka import errors
from aiokafka.conn import create_conn
from aiokafka.protocol.metadata import MetadataRequest

__all__ = ["WHERE", "in_words", "nobody_answers", "why_no_start"]

TRY_SECONDS_MAX: Final = 5.0
CLOSE_SECONDS_MAX: Final = 1.0
WHERE: Final = "deploy/security.md lists what each user needs"
_RESOURCES: Final[dict[type[Exception], str]] = {
    errors.TopicAuthorizationFailedError: "topic",
    errors.GroupAuthorizationFailedError: "group",
    errors.TransactionalIdAuthorizationFailed: "transactional id",
    errors.ClusterAuthorizationFailedError: "cluster",
}


def in_words(error: BaseException) -> str:
    """The error in one line; a refusal, wherever it is among the causes, by the name of what was refused."""
    return _refusal(error) or " ".join(repr(error).split())


def _refusal(error: BaseException) -> str | None:
    for one in _causes(error):
        for kind, resource in _RESOURCES.items():
            if isinstance(one, kind):
                name = _names(one.args) or f"({' '.join(str(error).split())})"
                return f"not authorized for {resource} {name} ({WHERE})"
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and all that it came of. Faust raises errors from themselves, which leaves the cause in their context."""
    waiting, seen = [error], set()
    while waiting:
        one = waiting.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, *(one.exceptions if isinstance(one, BaseExceptionGroup) else ())]


def _names(args: Collection[Any]) -> str:
    return ", ".join(sorted(set(_texts(args))))


def _texts(args: Collection[Any]) -> Iterator[str]:
    """aiokafka names a topic, a topic-partition, or a set of them."""
    for one in args:
        if isinstance(one, str):
            yield one
        elif isinstance(one, Collection):
            yield from _texts(one)


async def why_no_start(error: Exception, brokers: str, client_security: Mapping[str, Any]) -> str:
    """Why a client could not start on these brokers, asked for anew at each; the first that answers at all decides."""
    if reason := _refusal(error):
        return f"Kafka at {brokers}: {reason}"
    for broker in brokers.split(","):
        if reason := await _why_not(broker, client_security):
            return f"Kafka at {broker}: {reason}"
    return nobody_answers(brokers)


def nobody_answers(brokers: str) -> str:
    """What `why_no_start` says where nothing refuses us, and nobody is there: it may pass."""
    return f"no Kafka broker answers at {brokers} (is it running? AUTOREFUND_BROKERS names it)"


async def _why_not(broker: str, client_security: Mapping[str, Any]) -> str | None:
    """None = nobody is there, or nothing is wrong with our way in."""
    host, _, port = broker.rpartition(":")
    try:
        async with asyncio.timeout(TRY_SECONDS_MAX):
            connection = await create_conn(host.strip("[]"), int(port), **client_security)
            try:
                await connection.send(MetadataRequest([]))
            finally:
                connection.close()
    except (OSError, TimeoutError, errors.KafkaError, ValueError, AssertionError) as error:
        return await _reason(error, host.strip("[]"), int(port), client_security)
    return None


async def _reason(error: Exception, host: str, port: int, client_security: Mapping[str, Any]) -> str | None:
    user = client_security.get("sasl_plain_username")
    mechanism = client_security.get("sasl_mechanism")
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message} (AUTOREFUND_TLS_CA_FILE names the CAs that are)"
        if isinstance(cause, ssl.SSLError) and "CERTIFICATE" in (cause.reason or ""):
            return f"it does not accept our certificate: {cause.reason} (AUTOREFUND_TLS_CERT_FILE, AUTOREFUND_TLS_KEY_FILE)"
        if isinstance(cause, errors.SaslAuthenticationFailed):
            return f"user {user} is unknown, or has another password (AUTOREFUND_SASL_USERNAME, AUTOREFUND_SASL_PASSWORD_FILE)"
        if isinstance(cause, errors.UnsupportedSaslMechanismError):
            return f"it does not know users by {mechanism} (AUTOREFUND_SASL_MECHANISM)"
        if isinstance(cause, errors.IllegalSaslStateError):
            return "it asks for no user there (AUTOREFUND_SECURITY_PROTOCOL)"
    speaks_tls = await _speaks_tls(host, port)
    if speaks_tls is None:
        return None
    if speaks_tls != ("ssl_context" in client_security):
        ours = client_security.get("security_protocol", "PLAINTEXT").lower()
        return f"it speaks {'TLS' if speaks_tls else 'no TLS'} there, AUTOREFUND_SECURITY_PROTOCOL is {ours}"
    if isinstance(error, errors.KafkaConnectionError) and user is None:
        return "it hangs up on us: does it ask for a user, or a certificate? (AUTOREFUND_SECURITY_PROTOCOL)"
    return f"it does not let us in: {in_words(error)}"


async def _speaks_tls(host: str, port: int) -> bool | None:
    """Whether a TLS handshake gets an answer, whoever answers: nothing is sent. None = nobody is there."""
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(TRY_SECONDS_MAX):
            _, plain = await asyncio.open_connection(host, port)
            plain.close()
    except (OSError, TimeoutError):
        return None
    try:
        async with asyncio.timeout(TRY_SECONDS_MAX):
            _, writer = await asyncio.open_connection(host, port, ssl=anybody)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await writer.wait_closed()
    return True
