"""Making a request that shows a difference as small as it will go, so that a failure can be read."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

from graphql import (
    REMOVE,
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    Node,
    ObjectFieldNode,
    OperationDefinitionNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

from tests.equality.gateways import Request

_REMOVABLE = (
    *(OperationDefinitionNode, FieldNode, InlineFragmentNode, FragmentSpreadNode),
    *(ArgumentNode, ObjectFieldNode, DirectiveNode),
)
_MOST_TRIALS = 500


async def shrink(request: Request, fails: Callable[[Request], Awaitable[bool]]) -> Request:
    """Take away whatever the failure does not need: operations, selections, arguments, directives, variables.

    A smaller request that is no longer valid is refused by both executors alike, so it does not fail and is not kept.
    """
    trials = 0
    shrunk = True
    while shrunk and trials < _MOST_TRIALS:
        shrunk = False
        for candidate in _smaller(request):
            trials += 1
            if await fails(candidate):
                request = candidate
                shrunk = True
                break
            if trials >= _MOST_TRIALS:
                break
    return request


def _smaller(request: Request) -> Iterator[Request]:
    document = parse(request.query)
    count = _Counter()
    visit(document, count)
    for place in range(count.seen):
        candidate = _tidy(visit(document, _Remover(place)))
        if candidate is not None:
            declared = {each.variable.name.value for each in _nodes(candidate, VariableDefinitionNode)}
            kept = {name: value for name, value in (request.variables or {}).items() if name in declared}
            yield replace(request, query=print_ast(candidate), variables=kept or None)


class _Counter(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.seen = 0

    def enter(self, node: Node, *_: Any) -> Any:
        self.seen += isinstance(node, _REMOVABLE)


class _Remover(_Counter):
    def __init__(self, place: int) -> None:
        super().__init__()
        self._place = place

    def enter(self, node: Node, *_: Any) -> Any:
        super().enter(node)
        return REMOVE if isinstance(node, _REMOVABLE) and self.seen == self._place + 1 else None


class _Collector(Visitor):
    def __init__(self, kind: type[Node]) -> None:
        super().__init__()
        self._kind = kind
        self.found: list[Any] = []

    def enter(self, node: Node, *_: Any) -> Any:
        if isinstance(node, self._kind):
            self.found.append(node)


def _nodes(node: Node, kind: type[Node]) -> list[Any]:
    collector = _Collector(kind)
    visit(node, collector)
    return collector.found


def _tidy(document: DocumentNode) -> DocumentNode | None:
    """Drop fragments and declarations that nothing uses any more; None when no operation is left."""
    if not any(isinstance(each, OperationDefinitionNode) for each in document.definitions):
        return None
    spread = {each.name.value for each in _nodes(document, FragmentSpreadNode)}
    declared = {id(each.variable) for each in _nodes(document, VariableDefinitionNode)}
    used = {each.name.value for each in _nodes(document, VariableNode) if id(each) not in declared}

    class Tidier(Visitor):
        def enter(self, node: Node, *_: Any) -> Any:
            if isinstance(node, FragmentDefinitionNode) and node.name.value not in spread:
                return REMOVE
            if isinstance(node, VariableDefinitionNode) and node.variable.name.value not in used:
                return REMOVE
            return None

    tidied: DocumentNode = visit(document, Tidier())
    return tidied if len(tidied.definitions) == len(document.definitions) else _tidy(tidied)
