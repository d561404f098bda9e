import { type DocumentNode, Kind, type OperationDefinitionNode, parse } from "graphql";

import list from "./examples.json";

/** A query worth trying. The tests run each of them against the demo history; its lines stand in examples.json. */
export interface Example {
  /** Its name in an address: /graphiql?example=<name> */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly query: string;
  readonly variables: string;
  /** A query can be run at once; a mutation waits for a person. */
  readonly changesData: boolean;
}

export const examples: readonly Example[] = list.map(({ name, title, description, query, variables }) => ({
  name,
  title,
  description,
  query: `${query.join("\n")}\n`,
  variables: Object.keys(variables).length > 0 ? JSON.stringify(variables, withTimes, 2) : "",
  changesData: query.some((line) => line.startsWith("mutation")),
}));

/** Puts a time for `now` and `now-14d`: the demo history ends when it was made. */
function withTimes(_name: string, value: unknown): unknown {
  const match = typeof value === "string" ? /^now(?:-(\d+)d)?$/.exec(value) : null;
  return match ? new Date(Date.now() - Number(match[1] ?? 0) * 86_400_000).toISOString() : value;
}

export function exampleNamed(name: string | null): Example | undefined {
  return examples.find((example) => example.name === name);
}

/** What GraphiQL knows about the text in its editor; by itself it finds out some time after the text has changed. */
export function operationFacts(example: Example): {
  documentAST: DocumentNode;
  operations: OperationDefinitionNode[];
  operationName?: string;
} {
  const documentAST = parse(example.query);
  const operations = documentAST.definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION);
  const operationName = operations[0]?.name?.value;
  return { documentAST, operations, ...(operationName === undefined ? {} : { operationName }) };
}
