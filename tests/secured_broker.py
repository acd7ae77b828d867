"""A real Kafka that trusts nobody: TLS with a CA of its own, users with passwords, and nothing allowed that no ACL allows.

Two doors: SASL_SSL for users with passwords, SSL for client certificates, whose common name is the user's.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.kafka_broker import Broker
from tests.worker_process import free_port

__all__ = ["ADMIN", "SecuredBroker", "password_of"]

ADMIN = "admin"
"""May do everything."""
SCRAM = ("SCRAM-SHA-512", "SCRAM-SHA-256")
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_LOGIN = "org.apache.kafka.common.security"
_PROPERTIES = """
listeners=SASL_SSL://127.0.0.1:{{port}},SSL://127.0.0.1:{certificates_port},CONTROLLER://127.0.0.1:{{next_port}}
advertised.listeners=SASL_SSL://127.0.0.1:{{port}},SSL://127.0.0.1:{certificates_port}
listener.security.protocol.map=SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=SSL
ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.store
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.pem
listener.name.ssl.ssl.client.auth=required
ssl.principal.mapping.rules=RULE:^CN=(.*)$/$1/
sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={login}.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config={login}.scram.ScramLoginModule required;
listener.name.sasl_ssl.plain.sasl.jaas.config={login}.plain.PlainLoginModule required {plain};
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{admin};User:broker;User:ANONYMOUS
"""
# ANONYMOUS is the broker itself, on its controller's door, which is on loopback and no client's.


class SecuredBroker(Broker):
    """A one-node Kafka with these users and ADMIN; `address` is the door for passwords."""

    def __init__(self, directory: Path, users: Iterable[str]) -> None:
        super().__init__(directory)
        everybody = (ADMIN, *users)
        self.folder = directory / "tls"
        self.folder.mkdir(parents=True)
        self.ca = self.folder / "ca.pem"
        self.certificates_address = f"127.0.0.1:{free_port()}"
        self._make_ca("ca")
        self._make_ca("other-ca")
        for name in ("broker", *everybody):
            self._sign(name)
        key, certificate = self.client_certificate("broker")
        (self.folder / "broker.store").write_text(key.read_text() + certificate.read_text())
        self._environment["AUTOREFUND_KAFKA_BY"] = "java"
        self._environment["AUTOREFUND_KAFKA_EXTRA"] = _PROPERTIES.format(
            certificates_port=self.certificates_address.rpartition(":")[2],
            folder=self.folder,
            login=_LOGIN,
            plain=" ".join(f'user_{name}="{password_of(name)}"' for name in everybody),
            admin=ADMIN,
        )
        self._environment["AUTOREFUND_KAFKA_FORMAT"] = " ".join(
            f"--add-scram {mechanism}=[name={name},password={password_of(name)}]"
            for name in everybody
            for mechanism in SCRAM
        )

    @property
    def other_ca(self) -> Path:
        """A CA that did not sign the broker's certificate."""
        return self.folder / "other-ca.pem"

    def client_certificate(self, user: str) -> tuple[Path, Path]:
        """The user's key and certificate."""
        return self.folder / f"{user}.key", self.folder / f"{user}.pem"

    def environment(self, user: str) -> dict[str, str]:
        """The settings under which a process is this user, by password."""
        password = self.folder / f"{user}.password"
        password.write_text(f"{password_of(user)}\n")
        return {
            "AUTOREFUND_BROKERS": self.address,
            "AUTOREFUND_SECURITY_PROTOCOL": "sasl_ssl",
            "AUTOREFUND_TLS_CA_FILE": str(self.ca),
            "AUTOREFUND_SASL_MECHANISM": SCRAM[0],
            "AUTOREFUND_SASL_USERNAME": user,
            "AUTOREFUND_SASL_PASSWORD_FILE": str(password),
        }

    def client_properties(self, user: str) -> str:
        """What Kafka's own tools need to be this user."""
        return (
            f"security.protocol=SASL_SSL\nsasl.mechanism={SCRAM[0]}\nssl.truststore.type=PEM\n"
            f"ssl.truststore.location={self.ca}\nsasl.jaas.config={_LOGIN}.scram.ScramLoginModule required "
            f'username="{user}" password="{password_of(user)}";\n'
        )

    def _make_ca(self, name: str) -> None:
        self._openssl("req", "-x509", *_KEY, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}")

    def _sign(self, name: str) -> None:
        self._openssl("req", *_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (self.folder / "names").write_text("subjectAltName=IP:127.0.0.1")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-out", f"{name}.pem")
        self._openssl("x509", "-req", "-in", f"{name}.csr", *signed)

    def _openssl(self, *arguments: str) -> None:
        done = subprocess.run(
            ["openssl", *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"openssl {arguments[0]}: {done.stderr}")


def password_of(user: str) -> str:
    """One that nothing else looks like, so that it is found wherever it leaks."""
    return f"hush-{user}-hush"
