"""How brokers are talked to: what goes together, what does not, and that a password is never shown."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.connection_settings import SaslMechanism, SecurityProtocol
from app.errors import UsageError
from app.kafka.security import client_security
from app.settings import Settings, load_settings
from app.worker import layer_settings

HUSH = "hush-hush"
SASL = {"SECURITY_PROTOCOL": "sasl_ssl", "SASL_USERNAME": "me", "SASL_PASSWORD": HUSH}


def load(**given: str) -> Settings:
    return load_settings({f"AUTOREFUND_{name}": value for name, value in given.items()})


def test_without_security_a_client_is_given_nothing() -> None:
    assert client_security(load()) == {}


def test_a_user_over_tls_is_what_clients_are_given() -> None:
    given = client_security(load(**SASL))
    assert given.pop("ssl_context").verify_mode is ssl.CERT_REQUIRED
    assert given == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "me",
        "sasl_plain_password": HUSH,
    }


def test_tls_checks_certificate_and_name_and_no_version_before_1_2() -> None:
    context = client_security(load(SECURITY_PROTOCOL="ssl"))["ssl_context"]
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"TLS_CA_FILE": "ca.pem"}, ["TLS_CA_FILE", "SECURITY_PROTOCOL=plaintext"]),
        ({"SASL_USERNAME": "me"}, ["SASL_USERNAME", "SECURITY_PROTOCOL=plaintext"]),
        ({"SASL_MECHANISM": "PLAIN"}, ["SASL_MECHANISM", "SECURITY_PROTOCOL=plaintext"]),
        ({"SECURITY_PROTOCOL": "ssl", "SASL_PASSWORD": HUSH}, ["SASL_PASSWORD", "SECURITY_PROTOCOL=ssl"]),
        (SASL | {"SECURITY_PROTOCOL": "sasl_plaintext", "TLS_CERT_FILE": "x"}, ["TLS_CERT_FILE", "sasl_plaintext"]),
        ({"SECURITY_PROTOCOL": "ssl", "TLS_KEY_FILE": "key.pem"}, ["TLS_KEY_FILE", "TLS_CERT_FILE"]),
        ({"SECURITY_PROTOCOL": "sasl_ssl", "SASL_PASSWORD": HUSH}, ["SASL_USERNAME", "sasl_ssl"]),
        ({"SECURITY_PROTOCOL": "sasl_ssl", "SASL_USERNAME": "me"}, ["SASL_PASSWORD_FILE", "SASL_PASSWORD", "sasl_ssl"]),
        (SASL | {"SASL_PASSWORD_FILE": "file"}, ["SASL_PASSWORD_FILE", "SASL_PASSWORD", "not both"]),
        (
            SASL | {"SECURITY_PROTOCOL": "sasl_plaintext", "SASL_MECHANISM": "PLAIN"},
            ["SASL_MECHANISM=PLAIN", "sasl_plaintext"],
        ),
    ],
)
def test_what_does_not_go_together_is_told_with_its_variables(given: dict[str, str], named: list[str]) -> None:
    with pytest.raises(UsageError) as error:
        load(**given)
    (line,) = str(error.value).splitlines()
    assert all(name in line for name in named)
    assert HUSH not in line


def test_all_that_does_not_go_together_is_told_at_once() -> None:
    with pytest.raises(UsageError) as error:
        load(TLS_CA_FILE="ca.pem", SASL_USERNAME="me")
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("name", "kinds"), [("SECURITY_PROTOCOL", SecurityProtocol), ("SASL_MECHANISM", SaslMechanism)]
)
def test_an_unknown_choice_is_told_with_those_there_are(name: str, kinds: type[SecurityProtocol]) -> None:
    with pytest.raises(UsageError, match=f"AUTOREFUND_{name}=else: ") as error:
        load(**{name: "else"})
    assert all(f"'{kind}'" in str(error.value) for kind in kinds)


# ------------------------------------------------------------------ the password


def password_in(path: Path, raw: bytes) -> str:
    path.write_bytes(raw)
    given = SASL | {"SASL_PASSWORD_FILE": str(path)}
    del given["SASL_PASSWORD"]
    return str(client_security(load(**given))["sasl_plain_password"])


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_password_file_may_end_in_a_newline(tmp_path: Path, end: bytes) -> None:
    assert password_in(tmp_path / "file", b" two  words " + end) == " two  words "


@pytest.mark.parametrize("raw", [b"", b"\n", b"one\ntwo\n", b"x" * 20_000])
def test_a_file_that_is_no_passwords_is_told(tmp_path: Path, raw: bytes) -> None:
    with pytest.raises(UsageError, match=r"AUTOREFUND_SASL_PASSWORD_FILE=.*one line with the password is meant"):
        password_in(tmp_path / "file", raw)


def test_a_password_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"AUTOREFUND_SASL_PASSWORD_FILE=.*: not UTF-8"):
        password_in(tmp_path / "file", b"\xff")
    with pytest.raises(UsageError, match=r"AUTOREFUND_SASL_PASSWORD_FILE=.*: Is a directory"):
        client_security(
            Settings(security_protocol=SecurityProtocol.SASL_SSL, sasl_username="me", sasl_password_file=tmp_path)
        )


def test_a_password_keeps_the_spaces_at_its_ends() -> None:
    given = client_security(load(**SASL | {"SASL_PASSWORD": f" {HUSH} "}))
    assert given["sasl_plain_password"] == f" {HUSH} "


def test_a_password_is_shown_nowhere() -> None:
    settings = load(**SASL)
    layer = layer_settings(settings, 3)
    assert layer.client_security["sasl_plain_password"] == HUSH
    for shown in (repr(settings), str(settings), settings.model_dump_json(), repr(layer), repr(settings.model_dump())):
        assert HUSH not in shown


@pytest.mark.parametrize("change", [{"PARTITIONS": "0"}, {"SASL_USERNAME": ""}, {"SASL_MECHANISM": "x"}])
def test_a_bad_setting_beside_a_password_does_not_show_it(change: dict[str, str]) -> None:
    with pytest.raises(UsageError) as error:
        load(**SASL | change)
    assert HUSH not in str(error.value)


def test_settings_made_in_code_do_not_show_it_either() -> None:
    with pytest.raises(ValidationError) as error:
        Settings(sasl_password=HUSH, partitions=0)  # type: ignore[arg-type]
    assert HUSH not in str(error.value)
    with pytest.raises(ValidationError) as error:
        Settings(sasl_password=HUSH)  # type: ignore[arg-type]
    assert HUSH not in str(error.value)


def test_a_misspelt_password_variable_is_told_without_its_value() -> None:
    with pytest.raises(UsageError, match=r"AUTOREFUND_SASL_PASWORD") as error:
        load(SASL_PASWORD=HUSH)
    assert HUSH not in str(error.value)


# ------------------------------------------------------------------ certificates


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def certificate(folder: Path, name: str, *more: str) -> tuple[str, str]:
    """Certificate and key."""
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", f"/CN={name}")
    openssl(folder, *new, "-keyout", f"{name}.key", "-out", f"{name}.pem", *(more or ("-nodes",)))
    return str(folder / f"{name}.pem"), str(folder / f"{name}.key")


def test_a_client_certificate_is_taken_with_its_key_or_both_from_one_file(tmp_path: Path) -> None:
    pem, key = certificate(tmp_path, "me")
    client_security(load(SECURITY_PROTOCOL="ssl", TLS_CA_FILE=pem, TLS_CERT_FILE=pem, TLS_KEY_FILE=key))
    both = tmp_path / "both.pem"
    both.write_text(Path(pem).read_text() + Path(key).read_text())
    client_security(load(SECURITY_PROTOCOL="ssl", TLS_CERT_FILE=str(both)))


def test_the_key_of_another_certificate_is_told(tmp_path: Path) -> None:
    pem, _ = certificate(tmp_path, "me")
    _, key = certificate(tmp_path, "you")
    with pytest.raises(UsageError, match=r"AUTOREFUND_TLS_CERT_FILE=.*AUTOREFUND_TLS_KEY_FILE=.*KEY_VALUES_MISMATCH"):
        client_security(load(SECURITY_PROTOCOL="ssl", TLS_CERT_FILE=pem, TLS_KEY_FILE=key))


def test_a_key_with_a_passphrase_is_told_and_nobody_is_asked_for_it(tmp_path: Path) -> None:
    pem, key = certificate(tmp_path, "me", "-passout", "pass:secret")
    with pytest.raises(UsageError, match="the key has a passphrase"):
        client_security(load(SECURITY_PROTOCOL="ssl", TLS_CERT_FILE=pem, TLS_KEY_FILE=key))


@pytest.mark.parametrize("name", ["TLS_CA_FILE", "TLS_CERT_FILE"])
def test_a_file_that_is_no_certificate_is_told(tmp_path: Path, name: str) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    with pytest.raises(UsageError, match=f"AUTOREFUND_{name}=.*no certificate in PEM"):
        client_security(load(**{"SECURITY_PROTOCOL": "ssl", name: str(empty)}))
    with pytest.raises(UsageError, match=f"AUTOREFUND_{name}=.*: No such file"):
        client_security(load(**{"SECURITY_PROTOCOL": "ssl", name: str(tmp_path / "none.pem")}))
