"""Certificate authorities and certificates of test hosts."""

import base64
import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_UNUSED = (
    "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only",
)  # fmt: skip


@dataclass(frozen=True)
class Tls:
    """A CA and a certificate from it, as files."""

    ca: Path
    certificate: Path
    key: Path
    private_key: ec.EllipticCurvePrivateKey

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def x5c(self) -> list[str]:
        """The certificate in the form of a JWT's header."""
        certificate = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        return [base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()]


def make_tls(folder: Path, *names: str, days: int = 1) -> Tls:
    """Writes a new CA and a certificate from it for these host names (or addresses) to a folder.

    Negative `days` make an expired certificate.
    """
    names = names or ("localhost",)
    folder.mkdir(parents=True, exist_ok=True)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test CA")])
    pem = serialization.Encoding.PEM
    authority = _certificate(("test CA",), ca_key, issuer, ca_key, ca=True, days=1)
    (folder / "ca.crt").write_bytes(authority.public_bytes(pem))
    (folder / "tls.crt").write_bytes(_certificate(names, key, issuer, ca_key, ca=False, days=days).public_bytes(pem))
    (folder / "tls.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Tls(folder / "ca.crt", folder / "tls.crt", folder / "tls.key", key)


def _certificate(
    names: tuple[str, ...],
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
    days: int,
) -> x509.Certificate:
    end = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    usage = dict.fromkeys(_UNUSED, False)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - dt.timedelta(days=1, hours=1))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=ca, crl_sign=ca, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([_name(name) for name in (("localhost",) if ca else names)]), critical=False
        )
        .sign(issuer_key, hashes.SHA256())
    )


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
