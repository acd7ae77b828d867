"""Who gets in, and what those are told who do not: one line, exit code 1, and the setting to look at."""

from __future__ import annotations

import pytest

from app.kafka.acls import User
from tests.integration.secured.conftest import Place
from tests.secured_broker import password_of

pytestmark = pytest.mark.integration

NOBODY_BY_NAME: dict[str, str | None] = {
    "sasl_username": None,
    "sasl_password_file": None,
    "sasl_mechanism": None,
}


def by_certificate(place: Place, user: str, **change: str | None) -> dict[str, str | None]:
    key, certificate = place.broker.client_certificate(user)
    door = {"brokers": place.broker.certificates_address, "security_protocol": "ssl"}
    return NOBODY_BY_NAME | door | {"tls_cert_file": str(certificate), "tls_key_file": str(key)} | change


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"])
def test_a_user_gets_in_by_password(topics: Place, mechanism: str) -> None:
    code, said = topics.run(User.TOPICS, "topics", "--check", sasl_mechanism=mechanism)
    assert (code, "18 topics with 3 partitions" in said) == (0, True), said


def test_a_user_gets_in_by_password_from_the_environment(topics: Place) -> None:
    given = {"sasl_password_file": None, "sasl_password": password_of(User.TOPICS)}
    assert topics.run(User.TOPICS, "topics", "--check", **given)[0] == 0


def test_a_user_gets_in_by_certificate(topics: Place) -> None:
    code, said = topics.run(User.TOPICS, "topics", "--check", **by_certificate(topics, User.TOPICS))
    assert code == 0, said


def refused(place: Place, **change: str | None) -> str:
    """What was said: one line, without the password."""
    code, said = place.run(User.TOPICS, "topics", "--check", **change)
    assert code == 1
    (line,) = said.splitlines()
    assert password_of(User.TOPICS) not in line
    return line


def test_a_wrong_password_is_told(place: Place) -> None:
    said = refused(place, sasl_password_file=None, sasl_password="a wrong one")  # noqa: S106 - it is one that fails
    assert "user autorefund-topics is unknown, or has another password (AUTOREFUND_SASL_USERNAME" in said
    assert "a wrong one" not in said


def test_an_unknown_user_is_told(place: Place) -> None:
    assert "user nobody is unknown" in refused(place, sasl_username="nobody")


@pytest.mark.parametrize("ca", ["another", "the system's"])
def test_a_certificate_of_a_ca_that_is_not_trusted_is_told(place: Place, ca: str) -> None:
    said = refused(place, tls_ca_file=str(place.broker.other_ca) if ca == "another" else None)
    assert "its certificate is not trusted" in said
    assert "AUTOREFUND_TLS_CA_FILE" in said


def test_a_certificate_of_another_host_is_told(place: Place) -> None:
    said = refused(place, brokers=place.broker.address.replace("127.0.0.1", "localhost"))
    assert "its certificate is not trusted: Hostname mismatch" in said


@pytest.mark.parametrize("protocol", ["plaintext", "sasl_plaintext"])
def test_a_port_that_speaks_tls_is_told(place: Place, protocol: str) -> None:
    who = NOBODY_BY_NAME if protocol == "plaintext" else {}
    said = refused(place, security_protocol=protocol, tls_ca_file=None, **who)
    assert f"it speaks TLS there, AUTOREFUND_SECURITY_PROTOCOL is {protocol}" in said


def test_a_port_that_asks_for_a_user_is_told(place: Place) -> None:
    said = refused(place, security_protocol="ssl", **NOBODY_BY_NAME)
    assert "does it ask for a user" in said
    assert "AUTOREFUND_SECURITY_PROTOCOL" in said


def test_a_port_that_asks_for_a_certificate_is_told(place: Place) -> None:
    none = by_certificate(place, User.TOPICS, tls_cert_file=None, tls_key_file=None)
    assert "AUTOREFUND_TLS_CERT_FILE" in refused(place, **none)


def test_a_client_certificate_of_another_ca_is_told(place: Place) -> None:
    foreign = {
        "tls_cert_file": str(place.broker.other_ca),
        "tls_key_file": str(place.broker.other_ca.with_suffix(".key")),
    }
    said = refused(place, **by_certificate(place, User.TOPICS, **foreign))
    assert "it does not accept our certificate" in said
