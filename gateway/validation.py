"""Validation: the rules of the GraphQL specification, as graphql-core has them, without what they repeat.

For each document each rule looks for its methods by name, for every kind of node there is: a third of the time that a
document takes. Which rule has which does not change, so that is kept.
"""

from graphql import ASTValidationRule, DocumentNode, GraphQLError, GraphQLSchema, specified_rules
from graphql import validate as validate_by
from graphql.language.visitor import EnterLeaveVisitor


def validate(schema: GraphQLSchema, document: DocumentNode, *, hide_suggestions: bool = False) -> list[GraphQLError]:
    """Give what is wrong with a document, as `graphql.validate` does; an empty list: nothing."""
    return validate_by(schema, document, RULES, hide_suggestions=hide_suggestions)


def _knowing_its_methods(rule: type[ASTValidationRule]) -> type[ASTValidationRule]:
    methods: dict[str, tuple[str | None, str | None]] = {}

    def find(*names: str) -> str | None:
        return next((name for name in names if hasattr(rule, name)), None)

    def get_enter_leave_for_kind(self: ASTValidationRule, kind: str) -> EnterLeaveVisitor:
        found = methods.get(kind)
        if found is None:
            found = methods[kind] = find(f"enter_{kind}", "enter"), find(f"leave_{kind}", "leave")
        enter, leave = found
        return EnterLeaveVisitor(getattr(self, enter) if enter else None, getattr(self, leave) if leave else None)

    return type(rule.__name__, (rule,), {"get_enter_leave_for_kind": get_enter_leave_for_kind})


RULES = tuple(map(_knowing_its_methods, specified_rules))
"""All rules of the specification."""
