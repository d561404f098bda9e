import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { type ReactElement, useEffect, useRef } from "react";

import { EXAMPLES_PLUGIN } from "./ExamplesPanel";
import { exampleNamed, examples } from "./examples";
import { fetcher } from "./fetcher";

const PLUGINS = [EXAMPLES_PLUGIN, HISTORY_PLUGIN];
const WELCOME = examples.slice(0, 1).map(({ query, variables }) => ({ query, variables }));

/**
 * GraphiQL on this gateway. An address may carry `?example=<name>`, which is run at once when it only reads, or
 * `?query=...&variables=...`, which waits for a person.
 */
export function GraphiQLPage({ address }: { address: string }): ReactElement {
  const parameters = new URLSearchParams(address);
  const example = exampleNamed(parameters.get("example"));
  const query = example?.query ?? parameters.get("query");
  const variables = example?.variables ?? parameters.get("variables");
  return (
    <GraphiQL
      fetcher={fetcher}
      plugins={PLUGINS}
      defaultTabs={WELCOME}
      defaultQuery=""
      shouldPersistHeaders={false}
      showPersistHeadersSettings={false}
      {...(query === null ? {} : { initialQuery: query, initialVariables: variables ?? "" })}
      {...(isFirstVisit() ? { visiblePlugin: EXAMPLES_PLUGIN } : {})}
    >
      <GraphiQL.Logo>
        <span className="wordmark">
          <img src={`${import.meta.env.BASE_URL}favicon.svg`} alt="" width="20" height="20" />
          Timeloom
        </span>
      </GraphiQL.Logo>
      {example !== undefined && !example.changesData && <RunOnce />}
    </GraphiQL>
  );
}

/** Later visits keep the panel as it was left. */
function isFirstVisit(): boolean {
  return window.localStorage.getItem("graphiql:visiblePlugin") === null;
}

/** Runs what stands in the editor as soon as the editors are there. */
function RunOnce(): null {
  const isReady = useGraphiQL((state) => Boolean(state.queryEditor && state.variableEditor && state.responseEditor));
  const { run } = useGraphiQLActions();
  const hasRun = useRef(false);
  useEffect(() => {
    if (!isReady || hasRun.current) return;
    hasRun.current = true;
    run();
  }, [isReady, run]);
  return null;
}
