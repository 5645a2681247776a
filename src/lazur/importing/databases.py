"""From a query to Parquet files with an `MLTable` beside them, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ._tools import Address, Failed, Progress, address, need, say
from .tables import Writer

_BATCH = 20_000
_NAMES = {
    "azure_postgres_db": "postgresql",
    "azure_my_sql_db": "mysql",
    "azure_sql_db": "mssql",
    "azure_synapse_analytics": "mssql",
    "snowflake": "snowflake",
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "mssql": "mssql",
    "sqlserver": "mssql",
    "sqlite": "sqlite",
}
Given = Mapping[str, str]


def copy(asked: dict[str, Any], given: Given, folder: Path) -> None:
    source = asked["source"]
    where = address(given["target"])
    kind = _NAMES.get(source["connection_type"]) or _NAMES.get(where.scheme)
    if kind is None:
        raise Failed(
            f"A connection of type {source['connection_type']} to {where.scheme or '?'}:// is no"
            f" database that is known. Known: {', '.join(sorted(set(_NAMES.values())))}; of a"
            " `custom` connection, the target says which: postgresql://host/database"
        )
    link = _OPEN[kind](where, given)
    try:
        rows = _run(link, kind, _query(source, kind), folder)
    except Failed:
        raise
    except Exception as error:
        raise Failed(f"The database refused: {_reason(error, given)}") from None
    finally:
        link.close()
    say(f"Imported {rows:,} rows.")


def _run(link: Any, kind: str, query: str, folder: Path) -> int:
    """A cursor of the server's where there is one: the answer is never in memory as a whole."""
    progress = Progress("rows")
    with Writer(folder) as writer:
        cursor = _cursor(link, kind)
        cursor.execute(query)
        if cursor.description is None:
            raise Failed("The query gives no rows: a SELECT is needed.")
        writer.begin([str(column[0]) for column in cursor.description])
        while rows := cursor.fetchmany(_BATCH):
            writer.add(rows)
            progress(writer.rows)
        return writer.rows


def _cursor(link: Any, kind: str) -> Any:
    if kind == "postgresql":
        return link.cursor("lazur_import")
    if kind == "mysql":
        return link.cursor(need("pymysql.cursors", "pymysql", "MySQL").SSCursor)
    return link.cursor()


def _query(source: dict[str, Any], kind: str) -> str:
    if query := source.get("query"):
        return str(query)
    if table := source.get("table_name"):
        return f"SELECT * FROM {_quoted(str(table), kind)}"  # noqa: S608 - it is quoted
    parameters = source.get("stored_procedure_params") or []
    if kind != "mssql":
        raise Failed("Stored procedures are called in SQL Server alone; write a query.")
    named = ", ".join(f"@{_word(p['name'])} = {_literal(p)}" for p in parameters)
    return f"EXEC {_quoted(str(source['stored_procedure']), kind)} {named}".strip()


def _quoted(name: str, kind: str) -> str:
    """A table's name, with its schema's in front."""
    mark = "`" if kind == "mysql" else '"'
    parts = [part.strip().strip('"`[]') for part in name.split(".")]
    return ".".join(f"{mark}{part.replace(mark, mark * 2)}{mark}" for part in parts)


def _word(name: Any) -> str:
    word = str(name).lstrip("@")
    if not word.isidentifier():
        raise Failed(f"{name!r} is no name of a parameter.")
    return word


def _literal(parameter: dict[str, Any]) -> str:
    value = parameter.get("value")
    if value is None:
        return "NULL"
    if str(parameter.get("type", "")).lower() in {"int", "int32", "int64", "double", "decimal"}:
        return str(float(value)) if "." in str(value) else str(int(value))
    return "N'" + str(value).replace("'", "''") + "'"


def _sqlite(where: Address, given: Given) -> Any:
    path = Path(f"/{where.database.lstrip('/')}")
    if not path.is_file():
        raise Failed(f"There is no file {path} where this job runs.")
    return need("sqlite3", "sqlite3", "SQLite").connect(f"{path.as_uri()}?mode=ro", uri=True)


def _postgresql(where: Address, given: Given) -> Any:
    driver = need("psycopg", "psycopg[binary]", "PostgreSQL")
    options = dict(where.options or {})
    mode = options.get("sslmode")
    return _connected(
        driver.connect,
        given,
        host=where.host or options.get("host"),
        port=where.port or 5432,
        dbname=where.database,
        user=_user(given),
        password=given.get("password"),
        **({"sslmode": mode} if mode else {}),
    )


def _mysql(where: Address, given: Given) -> Any:
    driver = need("pymysql", "pymysql", "MySQL")
    return _connected(
        driver.connect,
        given,
        host=where.host,
        port=where.port or 3306,
        database=where.database,
        user=_user(given),
        password=given.get("password") or "",
    )


def _mssql(where: Address, given: Given) -> Any:
    driver = need("pymssql", "pymssql", "SQL Server")
    return _connected(
        driver.connect,
        given,
        server=where.host,
        port=where.port or 1433,
        database=where.database,
        user=_user(given),
        password=given.get("password"),
    )


def _snowflake(where: Address, given: Given) -> Any:
    """`jdbc:snowflake://<account>.snowflakecomputing.com/?db=…&warehouse=…&role=…`."""
    driver = need("snowflake.connector", "snowflake-connector-python", "Snowflake")
    options = {key.lower(): value for key, value in (where.options or {}).items()}
    named = {key: options[key] for key in ("warehouse", "role", "schema") if options.get(key)}
    return _connected(
        driver.connect,
        given,
        account=where.host.removesuffix(".snowflakecomputing.com"),
        database=options.get("db") or where.database or None,
        user=_user(given),
        password=given.get("password"),
        **named,
    )


def _user(given: Given) -> str | None:
    if given.get("client_secret"):
        raise Failed(
            "A service principal cannot sign in to a database here. Give the connection"
            " credentials of type username_password."
        )
    return given.get("username")


def _connected(connect: Callable[..., Any], given: Given, **arguments: Any) -> Any:
    try:
        return connect(**{key: value for key, value in arguments.items() if value is not None})
    except Exception as error:
        raise Failed(
            f"The database at {arguments.get('host') or arguments.get('server') or 'the target'}"
            f" cannot be connected to: {_reason(error, given)}"
        ) from None


def _reason(error: Exception, given: Given) -> str:
    """Without what was secret, whoever put it there."""
    text = " ".join(str(error).split()) or type(error).__name__
    for name, value in given.items():
        if value and name not in {"target", "username"}:
            text = text.replace(value, "***")
    return text[:500]


_OPEN: dict[str, Callable[[Address, Given], Any]] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
    "mysql": _mysql,
    "mssql": _mssql,
    "snowflake": _snowflake,
}
