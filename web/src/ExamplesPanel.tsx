import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import type { ReactElement } from "react";

import { type Example, examples, operationFacts } from "./examples";

export const EXAMPLES_PLUGIN = { title: "Examples", icon: ExamplesIcon, content: ExamplesPanel };

function ExamplesIcon(): ReactElement {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" aria-hidden="true">
      <path d="M4 5h2M10 5h10M4 12h2M10 12h10M4 19h2M10 19h6" />
    </svg>
  );
}

function ExamplesPanel(): ReactElement {
  const { addTab, setOperationFacts, updateActiveTabValues, run } = useGraphiQLActions();
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const variableEditor = useGraphiQL((state) => state.variableEditor);
  // Before that a click would open a tab and run nothing.
  const isReady = useGraphiQL((state) => Boolean(state.queryEditor && state.variableEditor && state.responseEditor));

  function open(example: Example): void {
    addTab();
    queryEditor?.setValue(example.query);
    variableEditor?.setValue(example.variables);
    const facts = operationFacts(example);
    setOperationFacts(facts);
    updateActiveTabValues({
      query: example.query,
      variables: example.variables,
      operationName: facts.operationName ?? null,
    });
    if (!example.changesData) run();
  }

  return (
    <section className="examples" aria-label="Examples">
      <div className="graphiql-doc-explorer-title">Examples</div>
      <p>Each opens in a tab of its own. They are written for the demo history (timeloom demo).</p>
      <ul>
        {examples.map((example) => (
          <li key={example.name}>
            <button type="button" disabled={!isReady} onClick={() => open(example)}>
              <strong>{example.title}</strong>
              <span>{example.description}</span>
              {example.changesData && <em>Changes data: opens only, run it yourself.</em>}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
