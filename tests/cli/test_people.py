from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from knack.util import CLIError

from lazur.cli import admin
from tests.cli.conftest import Cli

_PROVIDER = "/providers/Microsoft.MachineLearningServices"
_HERE = "in the workspace default"


@pytest.fixture
def bea(lazur: Cli) -> str:
    """A user for one test."""
    name = f"bea-{lazur.folder.name}"
    lazur.ok("user", "create", "-n", name)
    return name


def as_somebody(lazur: Cli, token: str, *words: str) -> tuple[int, str]:
    url = lazur.ok("server", "status")["url"]
    done = lazur(*words, LAZUR_SERVER=url, LAZUR_TOKEN=token)
    return done.code, done.out + done.err


class TestUsers:
    def test_are_made_shown_changed_and_deleted(self, lazur: Cli, bea: str) -> None:
        changed = lazur.ok("user", "update", "-n", bea, "--email", "bea@example.org")
        assert changed["email"] == "bea@example.org"
        assert lazur.ok("user", "update", "-n", bea, "--email", "")["email"] is None
        assert bea in [user["name"] for user in lazur.ok("user", "list")]
        assert lazur.ok("user", "show", "-n", bea)["groups"] == []
        assert lazur("user", "delete", "-n", bea).code == 1
        assert lazur("user", "delete", "-n", bea, "--yes").code == 0
        assert lazur("user", "show", "-n", bea).code == 3

    def test_who_is_disabled_is_out_within_a_second(self, lazur: Cli, bea: str) -> None:
        made = ("token", "create", "--for", bea, "--role", "Reader", "--scope", "/")
        token = lazur(*made, "-o", "tsv", "--query", "token").out.strip()
        assert as_somebody(lazur, token, "me")[0] == 0
        assert lazur.ok("user", "update", "-n", bea, "--disable")["disabled"]
        time.sleep(1.1)
        assert as_somebody(lazur, token, "me")[0] == 1
        assert not lazur.ok("user", "update", "-n", bea, "--enable")["disabled"]
        assert as_somebody(lazur, token, "me")[0] == 0

    def test_nothing_to_change_is_said(self, lazur: Cli, bea: str) -> None:
        assert "Nothing to change" in lazur("user", "update", "-n", bea).err
        both = lazur("user", "update", "-n", bea, "--enable", "--disable")
        assert "Either --disable or --enable" in both.err

    def test_the_last_owner_is_told_how_to_go(self, lazur: Cli) -> None:
        owner = lazur.ok("me")["name"]
        refused = lazur("user", "delete", "-n", owner, "--yes")
        assert refused.code == 1
        assert "lazur role assignment create --assignee NAME --role Owner --scope /" in refused.err


class TestGroups:
    def test_members_come_and_go(self, lazur: Cli, bea: str) -> None:
        group, robot = f"team-{lazur.folder.name}", f"robot-{lazur.folder.name}"
        lazur.ok("group", "create", "-n", group)
        lazur.ok("service", "create", "-n", robot)
        added = lazur.ok("group", "member", "add", "-n", group, "--member", bea, robot)
        assert {member["name"] for member in added} == {bea, robot}
        assert lazur.ok("user", "show", "-n", bea)["groups"] == [group]
        table = lazur("group", "member", "list", "-n", group, "-o", "table").out
        assert table.splitlines()[0].split() == ["Name", "Kind", "By"]
        left = lazur.ok("group", "member", "remove", "-n", group, "--member", robot)
        assert [member["name"] for member in left] == [bea]

    def test_their_verbs_alone_show_help(self, lazur: Cli) -> None:
        done = lazur("group", "member")
        assert (done.code, done.err) == (0, "")
        assert "lazur group member" in done.out


class TestAssignments:
    def test_hold_in_the_workspace_in_use(self, lazur: Cli, bea: str) -> None:
        done = lazur("role", "assignment", "create", "--assignee", bea, "--role", "reader")
        assert done.json()["scope"] == "/workspaces/default"
        assert done.err == f"{bea} is Reader in the workspace default.\n"
        shown = lazur.ok("role", "assignment", "list", "--assignee", bea)
        assert [row["role"] for row in shown] == ["Reader"]

    @pytest.mark.parametrize(
        "scope, where",
        [
            ("/", "on the whole server"),
            ("default", _HERE),
            ("/workspaces/default", _HERE),
            (f"/subscriptions/s/resourceGroups/g{_PROVIDER}/workspaces/default", _HERE),
        ],
    )
    def test_hold_where_they_are_said_to(
        self, lazur: Cli, bea: str, scope: str, where: str
    ) -> None:
        given = ("--assignee", bea, "--role", "Reader", "--scope", scope)
        assert lazur("role", "assignment", "create", *given).err == f"{bea} is Reader {where}.\n"
        gone = lazur("role", "assignment", "delete", *[word.lower() for word in given])
        assert gone.err == f"{bea} is no longer Reader {where}.\n"
        assert lazur.ok("role", "assignment", "list", "--all", "--assignee", bea) == []

    def test_hold_nowhere_that_is_not_here(self, lazur: Cli, bea: str) -> None:
        given = ("--assignee", bea, "--role", "Reader")
        place = ("--scope", "/subscriptions/s/resourceGroups/g")
        done = lazur("role", "assignment", "create", *given, *place)
        assert done.code == 1
        assert "resource groups are not known here" in done.err
        assert lazur.ok("role", "assignment", "list", "--all", "--assignee", bea) == []

    def test_what_is_not_there_is_told_apart_by_the_place(self, lazur: Cli, bea: str) -> None:
        given = ("--assignee", bea, "--role", "Reader")
        lazur.ok("role", "assignment", "create", *given, "--scope", "/")
        here = lazur("role", "assignment", "delete", *given)
        assert here.code == 3
        assert f"{bea} has no role 'Reader' in the workspace default." in here.err
        shown = lazur.ok("role", "assignment", "list", "--include-inherited", "--assignee", bea)
        assert [row["scope"] for row in shown] == ["/"]
        one = ("--ids", shown[0]["id"], "--scope", "/")
        assert lazur("role", "assignment", "delete", *one).code == 0

    def test_all_are_taken_away_only_when_meant(self, lazur: Cli, bea: str) -> None:
        for role in ("Reader", "Contributor"):
            lazur.ok("role", "assignment", "create", "--assignee", bea, "--role", role)
        asked = lazur("role", "assignment", "delete", "--assignee", bea)
        assert asked.code == 1
        assert "--yes" in asked.err
        assert lazur("role", "assignment", "delete", "--assignee", bea, "--yes").code == 0
        assert lazur.ok("role", "assignment", "list", "--assignee", bea) == []


class TestDefinitions:
    def test_are_azures_json(self, lazur: Cli) -> None:
        name = f"Submitter {lazur.folder.name}"
        actions = ["Microsoft.MachineLearningServices/workspaces/jobs/write"]
        spec = {"Name": name, "IsCustom": True, "Actions": actions, "AssignableScopes": ["/s"]}
        (lazur.folder / "role.json").write_text(json.dumps(spec))
        create = ("role", "definition", "create", "--role-definition")
        assert lazur.ok(*create, "@role.json")["actions"] == actions
        assert "lazur role definition update" in lazur(*create, "@role.json").err
        spec["NotActions"] = ["*/delete"]
        changed = ("role", "definition", "update", "--role-definition", json.dumps(spec))
        assert lazur.ok(*changed)["not_actions"] == ["*/delete"]
        own = lazur.ok("role", "definition", "list", "--custom-role-only", "--query", "[].name")
        assert name in own
        assert "Owner" not in own
        table = lazur("role", "definition", "show", "-n", name, "-o", "table").out
        assert "workspaces/jobs/write" in table
        assert "Microsoft" not in table
        assert lazur("role", "definition", "delete", "-n", name, "--yes").code == 0
        assert lazur("role", "definition", "show", "-n", name).code == 3

    @pytest.mark.parametrize("text, said", [("{", "is no JSON"), ("[]", "is no JSON|mapping")])
    def test_what_is_no_definition_is_said(self, lazur: Cli, text: str, said: str) -> None:
        done = lazur("role", "definition", "create", "--role-definition", text)
        assert done.code == 1
        assert any(words in done.err for words in said.split("|"))


class TestTokens:
    def test_the_secret_is_alone_on_standard_output(self, lazur: Cli) -> None:
        done = lazur("token", "create", "-o", "tsv", "--query", "token")
        token = done.out.strip()
        assert token.startswith("lzr_")
        assert "shown this once" in done.err
        assert token not in done.err + json.dumps(lazur.ok("token", "list"))
        assert as_somebody(lazur, token, "me")[0] == 0

    def test_one_may_be_good_for_less(self, lazur: Cli) -> None:
        limits = ("--role", "Reader", "--scope", "/workspaces/default", "--days", "1")
        made = lazur.ok("token", "create", "--label", "less", *limits)
        assert (made["role"], made["workspace"]) == ("Reader", "default")
        code, told = as_somebody(lazur, made["token"], "me", "-o", "table")
        assert code == 0
        assert "Reader, the workspace default" in told
        code, told = as_somebody(lazur, made["token"], "user", "list")
        assert code == 1
        assert "This token is good for Reader in default and no more." in told

    def test_a_deleted_one_is_dead(self, lazur: Cli) -> None:
        made = lazur.ok("token", "create", "--label", "short")
        assert lazur("token", "delete", "--ids", made["id"], "--yes").code == 0
        time.sleep(1.1)
        assert as_somebody(lazur, made["token"], "me")[0] == 1
        assert lazur("token", "delete", "--ids", made["id"], "--yes").code == 3

    def test_somebody_new_is_let_in_by_one_command(self, lazur: Cli) -> None:
        name = f"kim-{lazur.folder.name}"
        done = lazur("token", "create", "--for", name, "--role", "Reader", "--scope", "default")
        assert f"{name} is Reader in the workspace default." in done.err
        code, told = as_somebody(lazur, done.json()["token"], "me")
        assert code == 0
        assert json.loads(told)["name"] == name
        assert lazur("token", "delete", "--all-of", name, "--yes").code == 0

    def test_for_somebody_else_says_for_what(self, lazur: Cli) -> None:
        assert "--role NAME --scope" in lazur("token", "create", "--for", "kim").err


class TestMe:
    def test_says_what_one_may_where(self, lazur: Cli) -> None:
        shown = lazur.ok("me")
        assert [(role["role"], role["where"]) for role in shown["roles"]] == [
            ("Owner", "the whole server")
        ]
        assert shown["workspace_in_use"] == "default"


class TestRecover:
    def test_who_was_shut_out_is_an_owner_again(self, alone: Cli) -> None:
        owner = alone.ok("me")["name"]
        alone.ok("token", "create", "--for", "zoe", "--role", "Owner", "--scope", "/")
        alone.ok("user", "update", "-n", owner, "--disable")
        time.sleep(1.1)
        assert alone("me").code == 1
        done = alone.ok("admin", "recover")
        assert (done["name"], done["enabled"], done["token_is_new"]) == (owner, True, False)
        assert alone.ok("me")["name"] == owner
        newest = alone.ok("audit", "list", "--all", "-r", "1")[0]
        assert (newest["who"], newest["from"]) == ("admin on this machine", "this machine")
        assert newest["action"] == "recovered"

    def test_another_one_gets_the_homes_token(self, alone: Cli) -> None:
        alone.ok("server", "start")
        alone("server", "stop")
        before = (alone.home / "token").read_text()
        done = alone("admin", "recover", "-n", "kurt")
        assert done.json()["token_is_new"]
        token = alone.home / "token"
        assert token.read_text() != before
        assert token.stat().st_mode & 0o777 == 0o600
        assert token.read_text().strip() not in done.out + done.err
        assert alone.ok("me")["name"] == "kurt"
        assert alone.ok("audit", "verify", "--all")["whole"]

    def test_a_group_is_nobody(self, alone: Cli) -> None:
        alone.ok("group", "create", "-n", "team")
        assert "is a group" in alone("admin", "recover", "-n", "team").err

    def test_where_no_server_ran_nothing_is_made(self, alone: Cli) -> None:
        done = alone("admin", "recover")
        assert done.code == 3
        assert "lazur server start" in done.err
        assert not (alone.home / "lazur.db").exists()

    def test_files_of_another_account_are_left_alone(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("os.geteuid", lambda: home.stat().st_uid + 1)
        with pytest.raises(CLIError, match=r"belongs to .* sudo -u"):
            admin.recover()
