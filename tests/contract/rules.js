// Which rules the schema keeps: graphql-eslint's `schema-recommended` and `schema-relay`, and every exception to them.
import plugin from '@graphql-eslint/eslint-plugin'

// Types without an identity: they are told by where they stand, and are neither fetched again nor kept by clients.
const VALUES = [
  'Count', // a number, and how far it can be trusted
  'Coverage', // the period that an answer speaks for
  'PageInfo', // Relay's own; its specification gives it no id
  'EventObjectLink', // between an event and an object: both have ids
  'EventTree', // an answer, made anew each time
  'EventTreeNode', // a place in that answer; its event has an id
  'RequestTrail', // all that is known about a requestId; several namespaces may share it
  'Histogram',
  'HistogramSeries',
  'Facet',
  'FacetValue',
  'Statistics',
  'StatisticsSeries',
  'StatisticsPoint', // computed for one question, like the six above
  'IngestResult', // the outcome of one item of a batch; its `id` is the event's, null when what was sent is no id
  'RetentionStatus', // there is one
  'RetentionOutcome', // a line of a run
  'EventTypeDefinition', // named by `name`, which clients choose, and its namespace
  'OperationTypeDefinition', // likewise
  'TargetField', // a pair of values
  'NamespaceUsage', // named by `name`, which clients choose
  'ServerInfo', // there is one
  'Viewer', // there is one: the caller
  'Grant', // a pair of values
]

export const RULES = {
  ...plugin.configs['flat/schema-recommended'].rules,
  ...plugin.configs['flat/schema-relay'].rules,
  '@graphql-eslint/strict-id-in-types': [
    'error',
    {
      acceptedIdNames: ['id'],
      acceptedIdTypes: ['ID'],
      exceptions: {
        types: VALUES,
        // A page, a place on it, what a mutation did: parts of one answer.
        suffixes: ['Connection', 'Edge', 'Payload'],
      },
    },
  ],
  '@graphql-eslint/relay-edge-types': [
    'error',
    {
      withEdgeSuffix: true,
      shouldImplementNode: true,
      // The contract has `nodes` beside `edges`, and lists that are never paged because their length is bounded: objects
      // of an event (100), entries of a tree, series, facets, results of a batch.
      listTypeCanWrapOnlyEdgeType: false,
    },
  ],
}

// Single places, for rules that cannot be told so. One that nothing needs any more is reported too.
export const EXCEPTIONS = [
  {
    rule: '@graphql-eslint/no-typename-prefix',
    at: 'Event.eventType',
    reason: 'the contract\'s name; `type` alone would be one thing in GraphQL and another in filters and at ingest',
  },
  {
    rule: '@graphql-eslint/no-typename-prefix',
    at: 'Operation.operationType',
    reason: 'likewise',
  },
  {
    rule: '@graphql-eslint/require-description',
    at: '@oneOf',
    reason: 'a directive of the GraphQL specification, which describes it; printed for tools that do not know it yet',
  },
]
