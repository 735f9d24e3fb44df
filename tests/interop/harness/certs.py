"""A root, and certificates that are good or bad in one way each."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM


class Authority:
    """A root of our own. Keys are RSA, which TLS 1.0 knows as well."""

    def __init__(self, folder: Path):
        self.folder, self.key, self.name = folder, new_key(), named("Interop Root")
        made = builder(self.name, self.name, self.key, days=(-30, 30))
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.file = folder / "root.pem"
        self.file.write_bytes(made.sign(self.key, hashes.SHA256()).public_bytes(PEM))

    def leaf(self, name: str, hosts: list[str], days: tuple[int, int] = (-1, 1), by_itself: bool = False) -> None:
        """Writes NAME.pem and NAME.key."""
        key, subject = new_key(), named(name)
        made = builder(subject, subject if by_itself else self.name, key, days)
        made = made.add_extension(x509.SubjectAlternativeName([host(text) for text in hosts]), critical=False)
        signed = made.sign(key if by_itself else self.key, hashes.SHA256())
        (self.folder / f"{name}.pem").write_bytes(signed.public_bytes(PEM))
        text = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (self.folder / f"{name}.key").write_bytes(text)


def builder(subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, days: tuple[int, int]):
    """Valid from so many days from now to so many."""
    first, last = (datetime.now(UTC) + timedelta(days=number) for number in days)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number())
    return made.not_valid_before(first).not_valid_after(last)


def named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)
