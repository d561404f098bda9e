import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { type ReactElement, useEffect, useRef, useState } from "react";

import { EXAMPLES_PLUGIN } from "./ExamplesPanel";
import { type Example, exampleNamed, examples, operationFacts } from "./examples";
import { fetcher } from "./fetcher";

const PLUGINS = [EXAMPLES_PLUGIN, HISTORY_PLUGIN];
const WELCOME: TabDefinition[] = examples.slice(0, 1).map(({ query, variables }) => ({ query, variables }));

interface TabDefinition {
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
  const asked = example ?? askedFor(parameters);
  const [showExamples] = useState(isFirstVisit);
  return (
    <GraphiQL
      fetcher={fetcher}
      plugins={PLUGINS}
      defaultTabs={asked === undefined ? WELCOME : [asked]}
      defaultQuery=""
      defaultEditorToolsVisibility="variables"
      shouldPersistHeaders={false}
      showPersistHeadersSettings={false}
      {...(asked === undefined ? {} : { initialQuery: asked.query, initialVariables: asked.variables })}
      {...(showExamples ? { visiblePlugin: EXAMPLES_PLUGIN } : {})}
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

function askedFor(parameters: URLSearchParams): TabDefinition | undefined {
  const query = parameters.get("query");
  return query === null ? undefined : { query, variables: parameters.get("variables") ?? "" };
}

/** Later visits keep the panel as it was left. */
function isFirstVisit(): boolean {
  return window.localStorage.getItem("graphiql:visiblePlugin") === null;
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
