"""Values that no resolver and no row of today gives have equal answers, too (L1)."""

import pytest

from tests.equality.odd_values import DOCUMENTS, answer


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_odd_values_have_equal_answers(document: str) -> None:
    assert await answer(document, compiled=True) == await answer(document, compiled=False)


async def test_odd_values_are_errors_where_they_cannot_be_written() -> None:
    body, status = await answer("{ odd { name } required { name } }", compiled=True)
    assert (status, b'"data":null' in body, b'"path":["required"]' in body) == (200, True, True)
