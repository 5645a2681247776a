from __future__ import annotations

import tomllib

import pytest

from lazur.services.base import masks

PLAIN = """
host = "0.0.0.0" # ask me@example.org
allowed_origins = ["https://a.example.org:8443", "https://b.example.org"]
database = "postgresql+psycopg://lazur@localhost/lazur?sslmode=require"

[oidc.entra]
client_secret_file = "/run/secrets/entra"
"""


class TestSettings:
    def test_without_passwords_they_stay_to_the_byte(self) -> None:
        assert masks.settings(PLAIN) == (PLAIN, [])

    @pytest.mark.parametrize(
        "value, kept",
        [
            ("postgresql://u:s3cret@h/db", "postgresql://u:***@h/db"),
            ("postgresql://u:it's s3cret/@x@h/db", "postgresql://u:***@h/db"),
            ("postgresql://h/db?user=u&password=s3cret&x=1", None),
            ("host=h password=s3cret", None),
            ("https://s3cret@lineage.example.org/api", "https://***@lineage.example.org/api"),
            ("https://lineage.example.org/api?api_key=s3cret", None),
        ],
    )
    def test_they_are_masked_wherever_a_url_has_them(self, value: str, kept: str | None) -> None:
        made, names = masks.settings(f'a = 1\nt = [ "{value}" ]\n')
        assert names == ["t"]
        assert "s3cret" not in made
        found = tomllib.loads(made)
        assert found["a"] == 1
        if kept is not None:
            assert found["t"] == [kept]

    def test_tables_and_kinds_of_values_are_kept(self) -> None:
        text = """
            n = 2
            f = 1.5
            b = true
            s = "a \\"quoted\\" é\\n"
            x = {y = ["1", 2]}
            [oidc."a b"]
            client_secret = "s3cret"
            [oidc."a b".groups]
            "6f-x" = "vision"
        """
        made, names = masks.settings(text)
        assert names == ["oidc.a b.client_secret"]
        expected = tomllib.loads(text)
        expected["oidc"]["a b"]["client_secret"] = "***"
        assert tomllib.loads(made) == expected

    def test_a_password_in_a_comment_goes_with_the_comments(self) -> None:
        made, names = masks.settings('# database = "postgresql://u:s3cret@h/db"\nport = 1\n')
        assert ("s3cret" in made, names) == (False, [])
        assert tomllib.loads(made) == {"port": 1}
