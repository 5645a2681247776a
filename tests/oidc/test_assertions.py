"""Services that sign (RFC 7523): S43's rules for them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from lazur.errors import Invalid, Unauthenticated
from lazur.services.people.oidc import assertions, signatures
from tests.oidc.forging import NOW, Signer, keyed, unsigned

US = "https://lazur.example.org/api/v1/token"
TRUE = {"iss": "robot", "sub": "robot", "aud": US, "exp": NOW + 300, "iat": NOW, "jti": "1"}


@pytest.fixture(scope="module")
def signers() -> dict[str, Signer]:
    return {alg: Signer.make(alg, "k") for alg in ("RS256", "ES256", "ES384", "EdDSA")}


def pem(signer: Signer) -> str:
    public = signer.private.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def check(signer: Signer, token: str, **given: Any) -> assertions.Assertion:
    keys = [assertions.public_key(pem(signer))]
    return assertions.check(token, "robot", keys, [US, "https://lazur.example.org"], NOW, **given)


class TestTrue:
    @pytest.mark.parametrize("alg", ["RS256", "ES256", "ES384", "EdDSA"])
    def test_each_kind_of_key(self, signers: dict[str, Signer], alg: str) -> None:
        signer = signers[alg]
        found = check(signer, signer.sign(TRUE))
        assert found == assertions.Assertion("robot", "1", NOW + 360)

    def test_one_rsa_key_signs_in_two_ways(self, signers: dict[str, Signer]) -> None:
        signer = signers["RS256"]
        token = Signer("PS256", "k", signer.private).sign(TRUE, x5t="as Azure's clients send")
        assert check(signer, token).client_id == "robot"

    def test_who_it_says_it_is_may_be_looked_up_first(self, signers: dict[str, Signer]) -> None:
        assert assertions.claimed(signers["ES256"].sign(TRUE)) == "robot"
        for claims in ({**TRUE, "sub": None}, {**TRUE, "sub": ["robot"]}):
            with pytest.raises(Unauthenticated):
                assertions.claimed(signers["ES256"].sign(claims))

    def test_iat_may_be_missing(self, signers: dict[str, Signer]) -> None:
        claims = {key: value for key, value in TRUE.items() if key != "iat"}
        assert check(signers["ES256"], signers["ES256"].sign(claims))


class TestForged:
    @pytest.mark.parametrize(
        "change, why",
        [
            ({"iss": "other"}, "another service"),
            ({"sub": "other"}, "another service"),
            ({"sub": None}, "names no service"),
            ({"aud": "https://other.example.org"}, "somebody else"),
            ({"aud": [US, "https://other.example.org"]}, "somebody else"),
            ({"aud": None}, "somebody else"),
            ({"aud": []}, "somebody else"),
            ({"exp": NOW - 60}, "has expired"),
            ({"exp": None}, "no time 'exp'"),
            ({"exp": NOW + 961}, "more than 900 seconds"),
            ({"iat": NOW + 61}, "from the future"),
            ({"nbf": NOW + 61}, "from the future"),
            ({"jti": None}, "no jti"),
            ({"jti": ""}, "no jti"),
            ({"jti": "x" * 256}, "no jti"),
        ],
        ids=str,
    )
    def test_each_must_fit(
        self, signers: dict[str, Signer], change: dict[str, Any], why: str
    ) -> None:
        signer = signers["ES256"]
        with pytest.raises(Unauthenticated, match=why):
            check(signer, signer.sign({**TRUE, **change}))

    def test_another_key_is_another(self, signers: dict[str, Signer]) -> None:
        token = Signer.make("ES256", "k").sign(TRUE)
        with pytest.raises(Unauthenticated, match="not by a key"):
            check(signers["ES256"], token)

    def test_no_signature_and_shared_secrets_are_refused(self, signers: dict[str, Signer]) -> None:
        signer = signers["RS256"]
        for token in (
            unsigned(TRUE, alg="none"),
            keyed(TRUE, pem(signer).encode(), alg="HS256"),
            keyed(TRUE, b"", alg="HS256"),
        ):
            with pytest.raises(Unauthenticated, match="was agreed on"):
                check(signer, token)

    def test_an_id_token_is_no_assertion(self, signers: dict[str, Signer]) -> None:
        signer = signers["ES256"]
        with pytest.raises(Unauthenticated, match="another kind"):
            check(signer, signer.sign(TRUE, typ="at+jwt"))

    def test_who_has_no_keys_proves_nothing(self, signers: dict[str, Signer]) -> None:
        with pytest.raises(Unauthenticated, match="not by a key"):
            assertions.check(signers["ES256"].sign(TRUE), "robot", [], [US], NOW)


class TestPublicKey:
    def test_a_certificate_will_do(self, signers: dict[str, Signer]) -> None:
        signer = signers["ES256"]
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "robot")])
        start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(signer.private.public_key())
            .serial_number(1)
            .not_valid_before(start)
            .not_valid_after(start + dt.timedelta(days=1))
            .sign(signer.private, hashes.SHA256())
        )
        text = made.public_bytes(Encoding.PEM).decode()
        assert assertions.public_key(text) == assertions.public_key(pem(signer))

    def test_its_name_is_its_thumbprint(self) -> None:
        """RFC 7638, 3.1."""
        jwk = {
            "kty": "RSA",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1"
            "L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-"
            "65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyr"
            "dkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnq"
            "DKgw",
            "e": "AQAB",
        }
        assert signatures.thumbprint(jwk) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

    def test_a_private_key_is_not_taken(self, signers: dict[str, Signer]) -> None:
        text = signers["ES256"].private.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        with pytest.raises(Invalid, match="private one") as caught:
            assertions.public_key(text.decode())
        assert "BEGIN" not in str(caught.value)

    @pytest.mark.parametrize("text", ["", "ssh-ed25519 AAAA", "-----BEGIN PUBLIC KEY-----\nx"])
    def test_what_is_no_key_is_refused(self, text: str) -> None:
        with pytest.raises(Invalid, match="not in PEM form"):
            assertions.public_key(text)

    def test_weak_and_odd_ones_are_refused(self) -> None:
        short = Signer.make("RS256", "k", bits=1024)
        with pytest.raises(Invalid, match="too short"):
            assertions.public_key(pem(short))
        for private in (dsa.generate_private_key(1024), ec.generate_private_key(ec.SECP256K1())):
            with pytest.raises(Invalid, match="will not do"):
                assertions.public_key(pem(Signer("ES256", "k", private)))
