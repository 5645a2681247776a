"""HTTPS without a bought certificate: a local authority, made on first use, signs the server's
own.

Clients trust `tls/ca.pem` and nothing else, so an expired, foreign or wrongly named certificate is
refused by them.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import socket
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lazur.server.settings import Settings, is_wildcard

AUTHORITY_LIFE = dt.timedelta(days=3650)
SERVER_LIFE = dt.timedelta(days=365)
RENEW_BEFORE = dt.timedelta(days=30)
_SKEW = dt.timedelta(hours=1)
"""Clocks of clients may be behind ours."""
Key = ec.EllipticCurvePrivateKey


def certificate(settings: Settings, now: dt.datetime | None = None) -> tuple[str, str]:
    """Paths of the certificate chain and its key, made or renewed when it is time or a name is
    new."""
    now = now or dt.datetime.now(dt.UTC)
    folder = settings.home / "tls"
    folder.mkdir(mode=0o700, exist_ok=True)
    chain, key = folder / "server.pem", folder / "server-key.pem"
    names = _alternatives(settings)
    if not _serves(chain, key, names, now):
        authority, signer = _authority(folder, now)
        _issue(chain, key, names, authority, signer, now)
    return str(chain), str(key)


def _alternatives(settings: Settings) -> list[x509.GeneralName]:
    names = {*settings.hosts, socket.gethostname().lower()}
    return [_general(name) for name in sorted(names) if name and not is_wildcard(name)]


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _serves(chain: Path, key: Path, names: list[x509.GeneralName], now: dt.datetime) -> bool:
    """Whether what is there is whole, ours, of these names, and good for a while."""
    try:
        held = x509.load_pem_x509_certificate(chain.read_bytes())
        issuer = x509.load_pem_x509_certificate((chain.parent / "ca.pem").read_bytes())
        held.verify_directly_issued_by(issuer)
        ours = _load_key(key).public_key() == held.public_key()
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False
    known = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return ours and list(known) == names and held.not_valid_after_utc - now > RENEW_BEFORE


def _authority(folder: Path, now: dt.datetime) -> tuple[x509.Certificate, Key]:
    """Kept for ten years; made anew only when there is none, or it would end before its
    certificates."""
    path, key_path = folder / "ca.pem", folder / "ca-key.pem"
    if path.exists() and key_path.exists():
        held = x509.load_pem_x509_certificate(path.read_bytes())
        if held.not_valid_after_utc - now > SERVER_LIFE:
            return held, _load_key(key_path)
    signer = ec.generate_private_key(ec.SECP256R1())
    name = f"Lazur local authority on {socket.gethostname()}"[:64]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    authority = (
        _builder(subject, subject, signer, now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(signer, hashes.SHA256())
    )
    _write(key_path, _key_pem(signer))
    _write(path, _pem(authority))
    return authority, signer


def _issue(
    chain: Path,
    key: Path,
    names: list[x509.GeneralName],
    authority: x509.Certificate,
    signer: Key,
    now: dt.datetime,
) -> None:
    own = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Lazur server")])
    server_only = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    made = (
        _builder(subject, authority.subject, own, now, SERVER_LIFE, signer)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(server_only, critical=False)
        .sign(signer, hashes.SHA256())
    )
    _write(key, _key_pem(own))
    _write(chain, _pem(made) + _pem(authority))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: Key,
    now: dt.datetime,
    life: dt.timedelta,
    signer: Key | None = None,
) -> x509.CertificateBuilder:
    """With the key identifiers that strict verifiers (Python 3.13) ask for."""
    signer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key((signer or key).public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(signer_id, critical=False)
    )


def _pem(held: x509.Certificate) -> bytes:
    return held.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _load_key(path: Path) -> Key:
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, Key):
        raise TypeError(f"{path} holds a key of another kind")
    return key


def _write(path: Path, content: bytes) -> None:
    """Never readable by others, not even for a moment, and never half there."""
    partial = path.with_suffix(".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    partial.replace(path)
