"""Golden cases: what a document answers, and which SQL it costs on each database.

A case is `golden/<name>.graphql`, its answer `<name>.json`, its statements `<name>.<dialect>.sql`. A lost index, a
query per item or a changed answer is a difference in review. `pytest tests/gateway/test_golden.py --update-golden`
writes both anew: read the difference before you commit it.
"""

import re
from pathlib import Path

import orjson
import pytest
from graphql import FieldNode, OperationDefinitionNode, parse

from gateway.schema import build_schema
from tests.gateway.execution import Answer, Caller

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(GOLDEN.glob("*.graphql"))
DOCUMENTS = {case: case.read_text() for case in CASES}

_CLAUSES = re.compile(
    r" (?=(?:FROM|WHERE|GROUP BY|ORDER BY|LIMIT|UNION ALL|INNER JOIN|VALUES|ON CONFLICT|ON DUPLICATE)\b)"
    r"|(?<!INNER) (?=JOIN\b)"
)


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether files are written instead of compared."""
    return bool(request.config.getoption("--update-golden"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
async def test_golden_case(caller: Caller, case: Path, update: bool) -> None:
    """GQ2, GQ6; the same on both drivers of MariaDB."""
    document = DOCUMENTS[case]
    if "mutation" not in document:
        await caller.run(document)  # what the caches of namespaces and audiences learn once is not the document's cost
    answer = await caller.run(document)
    expect(case.with_suffix(".json"), answer_text(answer), update=update)
    expect(case.with_suffix(f".{caller.database.dialect_name}.sql"), statements_text(answer), update=update)


def test_every_root_field_has_a_golden_case() -> None:
    schema = build_schema()._schema
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    found: set[str] = set()
    for case in CASES:
        (operation,) = parse(DOCUMENTS[case]).definitions
        assert isinstance(operation, OperationDefinitionNode)
        found |= {field.name.value for field in operation.selection_set.selections if isinstance(field, FieldNode)}
    assert found == {*schema.query_type.fields, *schema.mutation_type.fields}


def test_no_golden_file_is_left_over() -> None:
    suffixes = (".graphql", ".json", ".sqlite.sql", ".mariadb.sql")
    assert {path.name for path in GOLDEN.iterdir()} == {case.stem + suffix for case in CASES for suffix in suffixes}


def answer_text(answer: Answer) -> str:
    """The answer, laid out for reading; stored JSON stands in it as it is."""
    assert answer.errors == []
    return orjson.dumps(answer.data, option=orjson.OPT_INDENT_2).decode() + "\n"


def statements_text(answer: Answer) -> str:
    """The statements in the order of their texts, because loaders run at the same time."""
    return "".join(f"{layout(sql)};\n\n" for sql in sorted(answer.statements)) or "-- no statement\n"


def layout(sql: str) -> str:
    """Break a statement into lines at its clauses."""
    one_line = re.sub(r"\s+", " ", sql).strip()
    return _CLAUSES.sub("\n", one_line)


def expect(path: Path, text: str, *, update: bool) -> None:
    if update:
        path.write_text(text)
    assert path.read_text() == text, (
        f"{path.name} differs; when that is meant: pytest {Path(__file__).name} --update-golden"
    )
