import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { type ReactElement, useEffect, useRef, useState } from "react";

import { EXAMPLES_PLUGIN } from "./ExamplesPanel";
import { type Example, exampleNamed, examples, operationFacts } from "./examples";
import { fetcher } from "./fetcher";

const PLUGINS = [EXAMPLES_PLUGIN, HISTORY_PLUGIN];

interface Operation {
  readonly query: string;
  readonly variables: string;
}

/**
 * GraphiQL on this gateway. An address may carry `?example=<name>`, which is run at once when it only reads, or
 * `?query=...&variables=...`, which waits for a person.
 */
export function GraphiQLPage({ address }: { address: string }): ReactElement {
  const parameters = new URLSearchParams(address);
  const example = exampleNamed(parameters.get("example"));
  const [firstVisit] = useState(isFirstVisit);
  const shown = example ?? askedFor(parameters) ?? (firstVisit ? examples[0] : undefined);
  return (
    <GraphiQL
      fetcher={fetcher}
      plugins={PLUGINS}
      defaultQuery=""
      defaultEditorToolsVisibility="variables"
      shouldPersistHeaders={false}
      showPersistHeadersSettings={false}
      {...(shown === undefined ? {} : { initialQuery: shown.query, initialVariables: shown.variables })}
      {...(firstVisit ? { visiblePlugin: EXAMPLES_PLUGIN } : {})}
    >
      <GraphiQL.Logo>
        <span className="wordmark">
          <img src={`${import.meta.env.BASE_URL}favicon.svg`} alt="" width="20" height="20" />
          Timeloom
        </span>
      </GraphiQL.Logo>
      {example !== undefined && !example.changesData && <RunOnce example={example} />}
    </GraphiQL>
  );
}

function askedFor(parameters: URLSearchParams): Operation | undefined {
  const query = parameters.get("query");
  return query === null ? undefined : { query, variables: parameters.get("variables") ?? "" };
}

/** Later visits find the tabs and the panel as they were left. */
function isFirstVisit(): boolean {
  return window.localStorage.getItem("graphiql:tabState") === null;
}

/** Runs the example that stands in the editor, as soon as the editors are there. */
function RunOnce({ example }: { example: Example }): null {
  const isReady = useGraphiQL((state) => Boolean(state.queryEditor && state.variableEditor && state.responseEditor));
  const { run, setOperationFacts } = useGraphiQLActions();
  const hasRun = useRef(false);
  useEffect(() => {
    if (!isReady || hasRun.current) return;
    hasRun.current = true;
    setOperationFacts(operationFacts(example));
    run();
  }, [example, isReady, run, setOperationFacts]);
  return null;
}
