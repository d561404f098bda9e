"""Everything in which MariaDB and SQLite differ, and nothing else.

Statement builders use the constructs of this module; each compiles to the text that its database runs best.
"""

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from math import isfinite, isinf
from typing import Any

from sqlalchemy import (
    BINARY,
    DECIMAL,
    BigInteger,
    Boolean,
    CompoundSelect,
    Double,
    LargeBinary,
    Select,
    Table,
    and_,
    case,
    cast,
    collate,
    exists,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import String, TypeDecorator

from storage.identifiers import uuid_to_bytes
from storage.json_values import decode_exactly, matches_json
from storage.selectors import JsonComparison, JsonTest

JSON_IS_VALID = text("extra IS NULL OR json_valid(extra)")
"""The second line of defence behind the gateway's own check of `extra`; the same words on both databases."""


class id_text(FunctionElement[str]):  # noqa: N801 - reads as a function in SQL
    """The lower-case text of 16 bytes."""

    type = String()
    inherit_cache = True


@compiles(id_text, "mysql")
@compiles(id_text, "mariadb")
def _id_text_mariadb(element: id_text, compiler: Any, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS UUID)"


@compiles(id_text, "sqlite")
def _id_text_sqlite(element: id_text, compiler: Any, **options: Any) -> str:
    digits = f"lower(hex({compiler.process(element.clauses, **options)}))"
    slices = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    # A null stays null: joining texts with || gives null, and hex(null) is the empty text.
    column = compiler.process(element.clauses, **options)
    joined = " || '-' || ".join(f"substr({digits}, {start}, {length})" for start, length in slices)
    return f"CASE WHEN {column} IS NULL THEN NULL ELSE {joined} END"


class UuidText(TypeDecorator[str]):
    """A UUID: lower-case text in Python, 16 bytes in the database, so that byte order is text order."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """BINARY(16) on MariaDB, BLOB on SQLite."""
        return dialect.type_descriptor(BINARY(16) if dialect.name in ("mysql", "mariadb") else LargeBinary(16))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Text to bytes."""
        return None if value is None else uuid_to_bytes(value)

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Let the database write the text: twenty times cheaper than uuid.UUID in Python."""
        return id_text(column)


class bracketed(FunctionElement[bool]):  # noqa: N801 - reads as a function in SQL
    """A condition in brackets that SQLAlchemy leaves where they are."""

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """Nothing to add: the brackets are there."""
        return self


@compiles(bracketed)
def _bracketed(element: bracketed, compiler: Any, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)})"


SQLITE_FUNCTIONS: tuple[tuple[str, int, Callable[..., Any]], ...] = (("timeloom_json_matches", 4, matches_json),)
"""(name, number of arguments, function): deterministic functions that every SQLite connection registers."""


def key_range(
    columns: Sequence[ColumnElement[Any]], bound: Sequence[Any], comparison: str, dialect_name: str
) -> ColumnElement[bool]:
    """Compare an index's columns with a bound so that the index is entered at the bound itself.

    `comparison` is one of < <= > >=. MariaDB finds the range in the spelled-out form only, SQLite in the row value.
    """
    values = [
        value if isinstance(value, ColumnElement) else literal(value, column.type)
        for value, column in zip(bound, columns, strict=True)
    ]
    if dialect_name == "sqlite":
        return tuple_(*columns).op(comparison, is_comparison=True)(tuple_(*values))
    *leading, last = zip(columns, values, strict=True)
    condition: ColumnElement[bool] = last[0].op(comparison, is_comparison=True)(last[1])
    for column, value in reversed(leading):
        beyond = column.op(comparison[0], is_comparison=True)(value)
        condition = or_(beyond, and_(column == value, condition))
    return condition


def force_index(statement: Any, table: Any, index: str) -> Any:
    """Pin the index that the plan was made for; MariaDB's choice follows its statistics, SQLite's the conditions."""
    return statement.with_hint(table, f"FORCE INDEX ({index})", "mariadb")


class untaken(FunctionElement[bool]):  # noqa: N801 - reads as a function in SQL
    """A condition that is tested on what an index gives and never taken for entering one: SQLite knows no other hint.

    An index that a single value enters looks cheaper to it than one that is entered by a long list.
    """

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """Nothing to add: the brackets are there."""
        return self


@compiles(untaken)
def _untaken(element: untaken, compiler: Any, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)})"


@compiles(untaken, "sqlite")
def _untaken_sqlite(element: untaken, compiler: Any, **options: Any) -> str:
    return f"+({compiler.process(element.clauses, **options)})"


def keep_join_order(statement: Any) -> Any:
    """Read the tables in the order in which they are joined."""
    return statement.prefix_with("STRAIGHT_JOIN", dialect="mariadb")


def json_condition(extra: ColumnElement[str], test: JsonTest, dialect_name: str) -> ColumnElement[bool]:
    """Test a value inside `extra`: in SQL on MariaDB, by `json_values.matches_json` on SQLite."""
    if dialect_name == "sqlite":
        wanted = f"[{','.join(test.value)}]" if test.comparison is JsonComparison.IN else test.value
        call = func.timeloom_json_matches(extra, json.dumps(test.path), test.comparison.value, wanted)
        return call == 1
    path = "$" + "".join(f".{json.dumps(key, ensure_ascii=False)}" for key in test.path)
    value = func.json_extract(extra, path)
    match test.comparison:
        case JsonComparison.EXISTS:
            return func.json_exists(extra, path) == 1
        case JsonComparison.IS_NULL:
            return func.json_type(value) == "NULL"
        case JsonComparison.CONTAINS:
            return and_(func.json_type(value) == "STRING", func.instr(_json_string(value), test.value) > 0)
        case JsonComparison.IN:
            return _json_equals_any(value, [decode_exactly(one) for one in test.value])
        case JsonComparison.INCLUDES:
            return _json_includes(value, decode_exactly(test.value))
        case _:
            return _json_ordering(value, test.comparison.value, test.value)


def _json_equals_any(value: ColumnElement[Any], wanted: Sequence[Any]) -> ColumnElement[bool]:
    """Equality to any of the values; texts together and numbers together, so that long lists stay cheap."""
    kind = func.json_type(value)
    parts = [_json_equals(value, one) for one in wanted if not isinstance(one, (str, Decimal))]
    if texts := [one for one in wanted if isinstance(one, str)]:
        parts.append(and_(kind == "STRING", _json_string(value).in_(texts)))
    numbers = [one for one in wanted if isinstance(one, Decimal)]
    for comparable in (True, False):
        if chosen := [one for one in numbers if isfinite(float(one)) is comparable]:
            # Doubles are cheap to compare and leave few for the exact comparison; an integer of 400 digits has none.
            nearest = cast(value, Double).in_([float(one) for one in chosen]) if comparable else true()
            exactly = exact_number(value).in_([_spelled(one) for one in chosen])
            parts.append(and_(kind.in_(_NUMBER_KINDS), nearest, exactly))
    return or_(false(), *parts)


def _json_equals(value: ColumnElement[Any], wanted: Any) -> ColumnElement[bool]:
    """Equality member by member, so that numbers inside compare exactly (JSON_EQUALS compares them as doubles)."""
    kind = func.json_type(value)
    match wanted:
        case None:
            return kind == "NULL"
        case bool():
            return and_(kind == "BOOLEAN", value == ("true" if wanted else "false"))
        case dict():
            members = [(f"$.{json.dumps(key, ensure_ascii=False)}", one) for key, one in wanted.items()]
            kind_wanted = "OBJECT"
        case _:
            members = [(f"$[{index}]", one) for index, one in enumerate(wanted)]
            kind_wanted = "ARRAY"
    parts = (_json_equals_any(func.json_extract(value, path), [one]) for path, one in members)
    return and_(kind == kind_wanted, func.json_length(value) == len(members), *parts)


def _json_string(value: ColumnElement[Any]) -> ColumnElement[str]:
    # JSON_UNQUOTE gives utf8mb4_bin, for which trailing blanks do not count and which mixes with no literal of ours.
    return collate(func.json_unquote(value), "utf8mb4_nopad_bin")


def _json_includes(value: ColumnElement[Any], wanted: Any) -> ColumnElement[bool]:
    members = func.json_table(value, text("'$[*]' COLUMNS (member JSON PATH '$')")).table_valued(
        "member", name="members"
    )
    is_member = exists().select_from(members).where(_json_equals_any(members.c.member, [wanted]))
    return and_(func.json_type(value) == "ARRAY", is_member)


class exact_number(FunctionElement[str]):  # noqa: N801 - reads as a function in SQL
    """One spelling for all spellings of a JSON number: -12e-1 for -1.2 and for -120E-2; MariaDB only."""

    type = String()
    inherit_cache = True


@compiles(exact_number)
def _exact_number(element: exact_number, compiler: Any, **options: Any) -> str:
    number = compiler.process(element.clauses, **options)
    mantissa = f"SUBSTRING_INDEX(LOWER({number}), 'e', 1)"
    exponent = f"IF(INSTR(LOWER({number}), 'e'), CAST(SUBSTRING_INDEX(LOWER({number}), 'e', -1) AS SIGNED), 0)"
    digits = f"REPLACE(REPLACE({mantissa}, '.', ''), '-', '')"
    kept = f"TRIM(LEADING '0' FROM TRIM(TRAILING '0' FROM {digits}))"
    fraction = f"IF(INSTR({mantissa}, '.'), CHAR_LENGTH({mantissa}) - INSTR({mantissa}, '.'), 0)"
    zeros = f"CHAR_LENGTH({digits}) - CHAR_LENGTH(TRIM(TRAILING '0' FROM {digits}))"
    sign = f"IF(LEFT({mantissa}, 1) = '-', '-', '')"
    return f"IF({kept} = '', '0', CONCAT({sign}, {kept}, 'e', {exponent} - ({fraction}) + {zeros}))"


def _spelled(number: Decimal) -> str:
    """Spell a number as `exact_number` does."""
    sign, digits, exponent = number.as_tuple()
    written = "".join(map(str, digits)).lstrip("0")
    kept = written.rstrip("0")
    return f"{'-' if sign else ''}{kept}e{int(exponent) + len(written) - len(kept)}" if kept else "0"


_NUMBER_KINDS = ("INTEGER", "DOUBLE")
_INTEGER_DIGITS, _FRACTION_DIGITS = 34, 30
_EXACT_NUMBER: Any = DECIMAL(_INTEGER_DIGITS + _FRACTION_DIGITS + 1, _FRACTION_DIGITS)


def _json_ordering(value: ColumnElement[Any], operator: str, wanted: str) -> ColumnElement[bool]:
    """Compare numbers as doubles, which decide when they differ, else exactly, to 64 significant digits.

    Two numbers of the same double have about the same size, so both, shifted alike, fit a decimal of 34 + 30 digits.
    """
    is_number = func.json_type(value).in_(_NUMBER_KINDS)
    if isinf(float(wanted)):  # beyond all that is stored
        beyond = "<" if float(wanted) > 0 else ">"
        return and_(is_number, true() if operator.startswith(beyond) else false())
    sign, digits, exponent = Decimal(wanted).as_tuple()
    shift = Decimal(wanted).adjusted() + 1 - _INTEGER_DIGITS
    exact_wanted = cast(literal(f"{Decimal((sign, digits, int(exponent) - shift)):f}"), _EXACT_NUMBER)
    number = func.lower(value)
    own_exponent = case((func.instr(number, "e") > 0, cast(func.substring_index(number, "e", -1), BigInteger)), else_=0)
    shifted = func.concat(func.substring_index(number, "e", 1), "e", own_exponent - shift)
    nearest, nearest_wanted = cast(value, Double), cast(literal(wanted), Double)
    return and_(
        is_number,
        case(
            (nearest == nearest_wanted, _compare(cast(shifted, _EXACT_NUMBER), operator, exact_wanted)),
            else_=_compare(nearest, operator, nearest_wanted),
        ),
    )


def _compare(left: ColumnElement[Any], operator: str, right: ColumnElement[Any]) -> ColumnElement[bool]:
    return left.op(operator, is_comparison=True)(right)


def union_of_limited(branches: Sequence[Select[Any]], dialect_name: str) -> CompoundSelect[Any]:
    """Join statements that each have an order and a limit; SQLite wants them wrapped instead of in brackets."""
    if dialect_name == "sqlite":
        return union_all(*(select(branch.subquery()) for branch in branches))
    return union_all(*branches)


def insert_missing(table: Table, dialect_name: str) -> Any:
    """INSERT that leaves rows alone whose key is there. Unlike INSERT IGNORE it lets no other fault pass in silence."""
    if dialect_name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    # Never the growing key: MariaDB goes on counting from a key that is assigned here, meets keys that another writer
    # has taken meanwhile, and takes the new rows for theirs.
    kept = [column for column in table.columns if column is not table.autoincrement_column][-1]
    return mysql.insert(table).on_duplicate_key_update({kept.name: kept})


def insert_adding(table: Table, dialect_name: str, added: Sequence[str]) -> Any:
    """INSERT that, where the primary key is there, adds the values of the columns `added` to what stands there."""
    if dialect_name == "sqlite":
        addition = sqlite.insert(table)
        return addition.on_conflict_do_update(
            index_elements=list(table.primary_key.columns),
            set_={name: table.c[name] + addition.excluded[name] for name in added},
        )
    statement = mysql.insert(table)
    return statement.on_duplicate_key_update({name: table.c[name] + statement.inserted[name] for name in added})


def insert_replacing(
    table: Table,
    dialect_name: str,
    replaced: Sequence[str],
    *,
    source: Select[Any] | None = None,
    names: Sequence[str] = (),
) -> Any:
    """INSERT that, where the primary key is there, puts new values into the columns `replaced`.

    `source` gives the rows, for the columns `names`, where they do not come as parameters.
    """
    if dialect_name == "sqlite":
        insertion = sqlite.insert(table)
        if source is not None:
            insertion = insertion.from_select(list(names), source)
        return insertion.on_conflict_do_update(
            index_elements=list(table.primary_key.columns),
            set_={name: insertion.excluded[name] for name in replaced},
        )
    statement = mysql.insert(table)
    if source is not None:
        statement = statement.from_select(list(names), source)
    return statement.on_duplicate_key_update({name: statement.inserted[name] for name in replaced})


class place_text(FunctionElement[str]):  # noqa: N801 - reads as a function in SQL
    """A reference's time, event id and namespace key as one text, whose order is theirs (see problem_places.py)."""

    type = String()
    inherit_cache = True


@compiles(place_text, "mysql")
@compiles(place_text, "mariadb")
def _place_text_mariadb(element: place_text, compiler: Any, **options: Any) -> str:
    time, identifier, namespace = (compiler.process(clause, **options) for clause in element.clauses)
    return f"CONCAT(LPAD({time}, 18, '0'), HEX({identifier}), LPAD({namespace}, 10, '0'))"


@compiles(place_text, "sqlite")
def _place_text_sqlite(element: place_text, compiler: Any, **options: Any) -> str:
    time, identifier, namespace = (compiler.process(clause, **options) for clause in element.clauses)
    return f"printf('%018d%s%010d', {time}, hex({identifier}), {namespace})"


class greatest(FunctionElement[str]):  # noqa: N801 - reads as a function in SQL
    """The greatest of two or more values, none of them null."""

    type = String()
    inherit_cache = True


@compiles(greatest)
def _greatest(element: greatest, compiler: Any, **options: Any) -> str:
    return f"GREATEST({compiler.process(element.clauses, **options)})"


@compiles(greatest, "sqlite")
def _greatest_sqlite(element: greatest, compiler: Any, **options: Any) -> str:
    return f"max({compiler.process(element.clauses, **options)})"


class whole_quotient(FunctionElement[int]):  # noqa: N801 - reads as a function in SQL
    """How often the second number goes into the first, both not negative."""

    type = BigInteger()
    inherit_cache = True


@compiles(whole_quotient, "mysql")
@compiles(whole_quotient, "mariadb")
def _whole_quotient_mariadb(element: whole_quotient, compiler: Any, **options: Any) -> str:
    first, second = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(({first}) DIV {second})"


@compiles(whole_quotient, "sqlite")
def _whole_quotient_sqlite(element: whole_quotient, compiler: Any, **options: Any) -> str:
    first, second = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(({first}) / {second})"


class database_micros(FunctionElement[int]):  # noqa: N801 - reads as a function in SQL
    """The database's clock in microseconds UTC: leases trust no other."""

    type = BigInteger()
    inherit_cache = True


@compiles(database_micros, "mysql")
@compiles(database_micros, "mariadb")
def _database_micros_mariadb(_element: database_micros, _compiler: Any, **_options: Any) -> str:
    # Sessions run in UTC, so that no hour comes twice.
    return "CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)"


@compiles(database_micros, "sqlite")
def _database_micros_sqlite(_element: database_micros, _compiler: Any, **_options: Any) -> str:
    seconds, milliseconds = "strftime('%s', 'now')", "substr(strftime('%f', 'now'), 4)"
    return f"(CAST({seconds} AS INTEGER) * 1000000 + CAST({milliseconds} AS INTEGER) * 1000)"


@cache
def driver_insert(table: Table, columns: tuple[str, ...], dialect: Dialect) -> str:
    """Give the INSERT text that the driver takes with a list of tuples, for `exec_driver_sql`."""
    return str(insert(table).compile(dialect=dialect, column_keys=list(columns)))
