from __future__ import annotations

import datetime as dt
import shutil
import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509

from lazur.server import tls
from lazur.server.settings import Settings

NOW = dt.datetime.now(dt.UTC)


def settings(home: Path, *names: str) -> Settings:
    home.mkdir(mode=0o700, exist_ok=True)
    return Settings(home=home, tls=True, allowed_hosts=names)


def connect(pair: tuple[str, str], ca: Path, name: str) -> None:
    """A real handshake over a socket pair; raises what a client would raise."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*pair)
    client = ssl.create_default_context(cafile=str(ca))
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client.wrap_socket(ours, server_hostname=name).close()
    finally:
        ours.close()
        thread.join()


class TestCertificate:
    @pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "ml.example.org"])
    def test_a_client_with_our_authority_trusts_it(self, tmp_path: Path, name: str) -> None:
        pair = tls.certificate(settings(tmp_path / "h", "ml.example.org"))
        connect(pair, tmp_path / "h/tls/ca.pem", name)

    def test_the_machines_name_is_in_it(self, tmp_path: Path) -> None:
        pair = tls.certificate(settings(tmp_path / "h"))
        connect(pair, tmp_path / "h/tls/ca.pem", socket.gethostname().lower())

    def test_a_wrong_name_is_refused(self, tmp_path: Path) -> None:
        pair = tls.certificate(settings(tmp_path / "h"))
        with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
            connect(pair, tmp_path / "h/tls/ca.pem", "other.example.org")

    def test_an_expired_one_is_refused(self, tmp_path: Path) -> None:
        pair = tls.certificate(settings(tmp_path / "h"), NOW - dt.timedelta(days=400))
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            connect(pair, tmp_path / "h/tls/ca.pem", "localhost")

    def test_one_of_another_authority_is_refused(self, tmp_path: Path) -> None:
        tls.certificate(settings(tmp_path / "h"))
        foreign = tls.certificate(settings(tmp_path / "other"))
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(foreign, tmp_path / "h/tls/ca.pem", "localhost")

    def test_a_self_signed_one_is_refused(self, tmp_path: Path) -> None:
        tls.certificate(settings(tmp_path / "h"))
        tls.certificate(settings(tmp_path / "other"))
        authority = tmp_path / "other/tls"
        pair = (str(authority / "ca.pem"), str(authority / "ca-key.pem"))
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(pair, tmp_path / "h/tls/ca.pem", "localhost")

    def test_it_is_kept_while_it_is_good(self, tmp_path: Path) -> None:
        made = settings(tmp_path / "h")
        chain, key = tls.certificate(made, NOW)
        before = (Path(chain).read_bytes(), Path(key).read_bytes())
        tls.certificate(made, NOW + dt.timedelta(days=330))
        assert (Path(chain).read_bytes(), Path(key).read_bytes()) == before

    def test_it_is_renewed_in_time_under_the_same_authority(self, tmp_path: Path) -> None:
        made = settings(tmp_path / "h")
        ca = tmp_path / "h/tls/ca.pem"
        chain, _ = tls.certificate(made, NOW - dt.timedelta(days=340))
        before, authority = Path(chain).read_bytes(), ca.read_bytes()
        pair = tls.certificate(made, NOW)
        assert Path(chain).read_bytes() != before
        assert ca.read_bytes() == authority
        connect(pair, ca, "localhost")

    def test_a_new_name_makes_a_new_one(self, tmp_path: Path) -> None:
        tls.certificate(settings(tmp_path / "h"))
        pair = tls.certificate(settings(tmp_path / "h", "new.example.org"))
        connect(pair, tmp_path / "h/tls/ca.pem", "new.example.org")

    def test_an_authority_about_to_end_is_replaced(self, tmp_path: Path) -> None:
        made = settings(tmp_path / "h")
        tls.certificate(made, NOW - dt.timedelta(days=3400))
        pair = tls.certificate(made, NOW)
        connect(pair, tmp_path / "h/tls/ca.pem", "localhost")
        held = x509.load_pem_x509_certificate((tmp_path / "h/tls/ca.pem").read_bytes())
        assert held.not_valid_after_utc > NOW + dt.timedelta(days=3600)

    @pytest.mark.parametrize("name", ["server.pem", "server-key.pem"])
    @pytest.mark.parametrize("damage", [b"", b"half", None])
    def test_a_damaged_file_is_made_anew(
        self, tmp_path: Path, name: str, damage: bytes | None
    ) -> None:
        made = settings(tmp_path / "h")
        tls.certificate(made)
        file = tmp_path / "h/tls" / name
        file.unlink() if damage is None else file.write_bytes(damage)
        connect(tls.certificate(made), tmp_path / "h/tls/ca.pem", "localhost")

    def test_a_foreign_key_beside_it_is_noticed(self, tmp_path: Path) -> None:
        made = settings(tmp_path / "h")
        tls.certificate(made)
        _, foreign = tls.certificate(settings(tmp_path / "other"))
        shutil.copy(foreign, tmp_path / "h/tls/server-key.pem")
        connect(tls.certificate(made), tmp_path / "h/tls/ca.pem", "localhost")

    def test_only_the_owner_reads_the_keys(self, tmp_path: Path) -> None:
        tls.certificate(settings(tmp_path / "h"))
        folder = tmp_path / "h/tls"
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in folder.glob("*-key.pem")} == {0o600}
        assert not list(folder.glob("*.partial"))

    def test_two_installs_share_nothing(self, tmp_path: Path) -> None:
        keys = set()
        for name in ("a", "b"):
            tls.certificate(settings(tmp_path / name))
            keys |= {path.read_bytes() for path in (tmp_path / name / "tls").iterdir()}
        assert len(keys) == 8

    def test_the_authority_signs_no_further_authority(self, tmp_path: Path) -> None:
        tls.certificate(settings(tmp_path / "h"))
        held = x509.load_pem_x509_certificate((tmp_path / "h/tls/ca.pem").read_bytes())
        basic = held.extensions.get_extension_for_class(x509.BasicConstraints).value
        assert (basic.ca, basic.path_length) == (True, 0)
