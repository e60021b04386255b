"""The GraphQL API: queries are parsed, checked and priced, and errors are worded, as at GitHub."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from graphql import (
    ASTValidationRule,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    IntValueNode,
    Node,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    parse,
    specified_rules,
    validate,
)
from graphql.language.ast import DocumentNode, VariableNode
from graphql.validation import (
    KnownDirectivesRule,
    NoFragmentCyclesRule,
    NoUndefinedVariablesRule,
    NoUnusedFragmentsRule,
    NoUnusedVariablesRule,
    UniqueDirectivesPerLocationRule,
    UniqueFragmentNamesRule,
    UniqueVariableNamesRule,
    VariablesAreInputTypesRule,
    VariablesInAllowedPositionRule,
)

from github_stand_in.graphql.resolvers import Context, attach
from github_stand_in.graphql.schema import SCHEMA
from github_stand_in.world import Fields

# Rules about things that a query can only have if it holds this text. Leaving them out halves the time for a query with
# a hundred aliases, which is the usual one here.
RULES_BY_TEXT: dict[str, Collection[type[ASTValidationRule]]] = {
    "$": (
        NoUndefinedVariablesRule,
        NoUnusedVariablesRule,
        UniqueVariableNamesRule,
        VariablesAreInputTypesRule,
        VariablesInAllowedPositionRule,
    ),
    "fragment": (NoFragmentCyclesRule, NoUnusedFragmentsRule, UniqueFragmentNamesRule),
    "@": (KnownDirectivesRule, UniqueDirectivesPerLocationRule),
}


def _fields(node: Node, fragments: Mapping[str, FragmentDefinitionNode], depth: int = 0) -> Iterator[FieldNode]:
    """All fields below a node, those of fragments as often as they are used."""
    selections = getattr(node, "selection_set", None)
    for selection in selections.selections if selections and depth < 50 else ():
        if isinstance(selection, FieldNode):
            yield selection
        target = fragments.get(selection.name.value) if selection.kind == "fragment_spread" else selection
        if target:
            yield from _fields(target, fragments, depth + 1)


def cost_of(document: DocumentNode, variables: Mapping[str, Any]) -> tuple[int, int]:
    """Points and nodes of a query: a hundredth of its connections, at least one."""
    fragments = {item.name.value: item for item in document.definitions if isinstance(item, FragmentDefinitionNode)}
    connections = nodes = 0
    for operation in document.definitions:
        if not isinstance(operation, OperationDefinitionNode):
            continue
        for item in _fields(operation, fragments):
            first = next((argument.value for argument in item.arguments if argument.name.value == "first"), None)
            if first is not None:
                connections += 1
                asked = variables.get(first.name.value) if isinstance(first, VariableNode) else None
                nodes += int(first.value) if isinstance(first, IntValueNode) else int(asked or 0)
    return max(round(connections / 100), 1), nodes


def formatted(error: GraphQLError, operation: bool) -> Fields:
    """An error as GitHub writes it."""
    reply: Fields = {}
    kind = (error.extensions or {}).get("type")
    if kind:
        reply["type"] = kind
    if error.path:
        reply["path"] = error.path
    elif operation and error.locations:
        reply["extensions"] = {"code": "invalidQuery"}
    if error.locations:
        reply["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    reply["message"] = error.message
    return reply


class GraphQLEngine:
    """Runs queries against a schema."""

    def __init__(self, schema: GraphQLSchema | None = None) -> None:
        self.schema = attach(schema or build_schema(SCHEMA))

    def prepare(self, query: str) -> DocumentNode | Fields:
        """A checked query, or the reply that says what is wrong with it."""
        try:
            document = parse(query)
        except GraphQLError as error:
            return {"errors": [formatted(error, operation=False)]}
        needless = {rule for text, rules in RULES_BY_TEXT.items() if text not in query for rule in rules}
        errors = validate(self.schema, document, [rule for rule in specified_rules if rule not in needless])
        return {"errors": [formatted(error, operation=True) for error in errors]} if errors else document

    def run(
        self, document: DocumentNode, context: Context, variables: Mapping[str, Any], operation: str | None = None
    ) -> Fields:
        """The reply to a checked query."""
        result = execute_sync(
            self.schema,
            document,
            context_value=context,
            variable_values=dict(variables),
            operation_name=operation,
        )
        reply: Fields = {"data": result.data}
        if result.errors:
            reply["errors"] = [formatted(error, operation=False) for error in result.errors]
        return reply


def partial(reply: Fields) -> Fields:
    """The reply without half of its fields, as if resources had run out."""
    data: Fields = dict(reply.get("data") or {})
    repositories = [name for name, value in data.items() if isinstance(value, dict) and name != "rateLimit"]
    errors = list(reply.get("errors", []))
    for name in repositories:
        inner = dict(data[name])
        for lost in list(inner)[len(inner) // 2 :]:
            inner[lost] = None
            errors.append(
                {
                    "type": "RESOURCE_LIMITS_EXCEEDED",
                    "path": [name, lost],
                    "message": "Resource limits for this query exceeded.",
                }
            )
        data[name] = inner
    return {"data": data, "errors": errors}
