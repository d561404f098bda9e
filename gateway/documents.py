"""Documents: parsed, measured and validated once per text, and kept.

Parsing and validating a query of 24 fields takes 2 ms, looking it up next to nothing. Refused documents are kept too,
so that the same bad query does not cost its validation again and again.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    IntValueNode,
    Node,
    NonNullTypeNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    parse,
    print_ast,
)

from gateway.completion.operations import CompiledOperation
from gateway.decoding import BatchVariable
from gateway.errors import BadUserInputError, ErrorCode, QueryTooComplexError
from gateway.limits import CostWalk, DocumentLimits, as_size, require_cost, require_shape
from gateway.validation import validate

INGEST_FIELD = "ingestEvents"
_MAX_COSTS = 64


class DocumentError(Exception):
    """A document that is not executed: its errors, and the code that all of them have."""

    def __init__(self, code: ErrorCode, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message if errors else code.value)
        self.code = code
        self.errors = errors


@dataclass(slots=True)
class Operation:
    """One operation of a valid document."""

    node: OperationDefinitionNode
    batch_variable: BatchVariable | None
    compiled: CompiledOperation | None = None
    """What became of it when it was first executed."""
    _costs: OrderedDict[tuple[Any, ...], int] = field(default_factory=OrderedDict)
    _size_variables: tuple[str, ...] | None = None

    @property
    def name(self) -> str | None:
        """The name that the client gave it."""
        return self.node.name.value if self.node.name else None

    @property
    def kind(self) -> OperationType:
        """Query or mutation."""
        return self.node.operation


@dataclass(slots=True)
class Document:
    """A valid document."""

    node: DocumentNode
    operations: dict[str | None, Operation]
    fragments: Mapping[str, FragmentDefinitionNode]

    def operation(self, name: str | None) -> Operation:
        """Give the operation of that name, or the only one. Raises BadUserInputError."""
        if name is None:
            if len(self.operations) == 1:
                return next(iter(self.operations.values()))
            raise BadUserInputError("the document has several operations: operationName must say which")
        if name not in self.operations:
            raise BadUserInputError(f"the document has no operation named {name[:100]}")
        return self.operations[name]


class Documents:
    """The documents of one schema, by their text; the least recently used one goes first."""

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: DocumentLimits,
        *,
        hide_suggestions: bool = False,
        max_documents: int = 1_000,
        max_kept_characters: int = 500_000,
    ) -> None:
        """Keep up to `max_documents`, whose texts have up to `max_kept_characters` together: a parsed document takes a
        hundred times the memory of its text.
        """
        self._schema = schema
        self._limits = limits
        self._hide_suggestions = hide_suggestions
        self._max_documents = max_documents
        self._max_kept_characters = max_kept_characters
        self._kept: OrderedDict[str, Document | DocumentError] = OrderedDict()
        self._kept_characters = 0

    def prepare(self, text: str) -> Document:
        """Give the document of a text. Raises DocumentError when it is not to be executed."""
        found = self._kept.get(text)
        if found is None:
            found = self._build(text)
            self._keep(text, found)
        else:
            self._kept.move_to_end(text)
        if isinstance(found, DocumentError):
            raise found.with_traceback(None)
        return found

    def _keep(self, text: str, document: Document | DocumentError) -> None:
        if len(text) > self._max_kept_characters // 5:
            return  # one alone should not cost all others their place
        self._kept[text] = document
        self._kept_characters += len(text)
        while len(self._kept) > self._max_documents or self._kept_characters > self._max_kept_characters:
            gone, _ = self._kept.popitem(last=False)
            self._kept_characters -= len(gone)

    def require_affordable(self, document: Document, operation: Operation, variables: Mapping[str, Any]) -> None:
        """Raise QueryTooComplexError when the operation with these variables can ask for too many values."""
        names = operation._size_variables
        key = () if names is None else tuple([as_size(variables.get(name)) for name in names])
        cost = operation._costs.get(key) if names is not None else None
        if cost is None:
            sizes = {**_default_sizes(operation.node), **variables}
            walk = CostWalk(self._schema, document.fragments, sizes)
            cost = walk.of_operation(operation.node)
            operation._size_variables = tuple(sorted(walk.size_variables))
            operation._costs[tuple([as_size(variables.get(name)) for name in operation._size_variables])] = cost
            if len(operation._costs) > _MAX_COSTS:
                operation._costs.popitem(last=False)
        require_cost(cost, self._limits)

    def _build(self, text: str) -> Document | DocumentError:
        try:
            node = parse(text, max_tokens=self._limits.tokens)
            return self._validated(node)
        except GraphQLSyntaxError as error:
            if error.description.startswith("Document contains more than"):
                complaint = f"the document has more than {self._limits.tokens} tokens (TIMELOOM_MAX_QUERY_TOKENS)"
                return DocumentError(ErrorCode.QUERY_TOO_COMPLEX, [GraphQLError(complaint)])
            if error.description.startswith("Document is nested too deeply"):
                return _too_deep()
            return DocumentError(ErrorCode.PARSE_FAILED, [_without_surrogates(error)])
        except QueryTooComplexError as error:
            return DocumentError(error.code, [error])
        except RecursionError:
            return _too_deep()

    def _validated(self, node: DocumentNode) -> Document | DocumentError:
        fragments = {each.name.value: each for each in node.definitions if isinstance(each, FragmentDefinitionNode)}
        operations = [each for each in node.definitions if isinstance(each, OperationDefinitionNode)]
        # Limits come first: some validation rules take time that grows with the square of what is limited here.
        for operation in operations:
            require_shape(operation, fragments=fragments, limits=self._limits)
        errors = validate(self._schema, node, hide_suggestions=self._hide_suggestions)
        if not operations and not errors:
            errors = [GraphQLError("the document has no operation")]
        for operation in operations:
            if not errors and self._schema.get_root_type(operation.operation) is None:
                errors = [GraphQLError(f"this server has no {operation.operation.value}s", operation)]
        if errors:
            return DocumentError(ErrorCode.VALIDATION_FAILED, [_without_surrogates(error) for error in errors])
        named = {
            each.name.value if each.name else None: Operation(each, find_batch_variable(each)) for each in operations
        }
        return Document(node, named, fragments)


def _too_deep() -> DocumentError:
    complaint = "the document is nested too deep (TIMELOOM_MAX_QUERY_DEPTH)"
    return DocumentError(ErrorCode.QUERY_TOO_COMPLEX, [GraphQLError(complaint)])


def find_batch_variable(operation: OperationDefinitionNode) -> BatchVariable | None:
    """Give the variable that is the whole batch of a mutation with `ingestEvents`, if it is used for nothing else.

    That is `$x` in `ingestEvents(input: $x)` with `$x: IngestEventsInput!`, or in `ingestEvents(input: {events: $x})`
    with `$x: [EventInput!]!`; both without a default.
    """
    if operation.operation is not OperationType.MUTATION:
        return None
    found = [
        argument.value
        for selection in operation.selection_set.selections
        if isinstance(selection, FieldNode) and selection.name.value == INGEST_FIELD
        for argument in selection.arguments or ()
        if argument.name.value == "input"
    ]
    if len(found) != 1:
        return None
    variable, is_list = _whole_variable(found[0])
    if variable is None or _count_uses(operation, variable) != 1:
        return None
    wanted = "[EventInput!]!" if is_list else "IngestEventsInput!"
    declared = [each for each in operation.variable_definitions or () if each.variable.name.value == variable]
    return BatchVariable(variable, is_list) if [_type_text(each) for each in declared] == [wanted] else None


def _whole_variable(value: ValueNode) -> tuple[str | None, bool]:
    if isinstance(value, VariableNode):
        return value.name.value, False
    if isinstance(value, ObjectValueNode) and len(value.fields) == 1 and value.fields[0].name.value == "events":
        inner = value.fields[0].value
        if isinstance(inner, VariableNode):
            return inner.name.value, True
    return None, False


def _type_text(definition: VariableDefinitionNode) -> str | None:
    if definition.default_value is not None or not isinstance(definition.type, NonNullTypeNode):
        return None
    return print_ast(definition.type)


def _count_uses(operation: OperationDefinitionNode, variable: str) -> int:
    """Count where a variable is used in the operation itself; a mutation with fragments at its root is not asked."""
    pending: list[Node] = [operation.selection_set, *(operation.directives or ())]
    uses = 0
    while pending:
        node = pending.pop()
        if isinstance(node, VariableNode):
            uses += node.name.value == variable
            continue
        for key in node.keys:
            child = getattr(node, key, None)
            if isinstance(child, Node):
                pending.append(child)
            elif isinstance(child, list | tuple):
                pending.extend(each for each in child if isinstance(each, Node))
    return uses


def _default_sizes(operation: OperationDefinitionNode) -> dict[str, int]:
    # Whole numbers are also defaults of other types, of any length; a size has 10 digits at most.
    return {
        each.variable.name.value: int(each.default_value.value)
        for each in operation.variable_definitions or ()
        if isinstance(each.default_value, IntValueNode) and len(each.default_value.value) <= 11
    }


def _without_surrogates(error: GraphQLError) -> GraphQLError:
    """Texts with `\\ud800` in a document come back in messages, where JSON could not hold them."""
    error.message = error.message.encode("utf-8", "backslashreplace").decode()
    return error
