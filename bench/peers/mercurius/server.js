// Mercurius with JIT on Fastify, mysql2: `node server.js URL PORT STATEMENTS`; see bench/README.md.
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import { GraphQLScalarType } from 'graphql'
import mercurius from 'mercurius'
import mysql from 'mysql2/promise'

const [url, port, statementsFile] = process.argv.slice(2)
const statements = JSON.parse(readFileSync(statementsFile, 'utf8'))
const SETUP = "SET NAMES utf8mb4 COLLATE utf8mb4_nopad_bin, SESSION tx_isolation = 'READ-COMMITTED'"
const SEVERITIES = ['DEBUG', 'INFO', 'NOTICE', 'WARNING', 'ERROR', 'CRITICAL']

const schema = `
  scalar DateTime
  enum Severity { DEBUG INFO NOTICE WARNING ERROR CRITICAL }
  type Event {
    id: ID!
    timestamp: DateTime!
    eventType: String!
    severity: Severity!
    source: String!
    message: String!
    requestId: String
    durationMs: Float
  }
  type EventConnection { nodes: [Event!]! }
  type EventObject {
    objectType: String!
    objectId: String!
    timeline(first: Int = 50, after: String): EventConnection
  }
  type Query { object(objectType: String!, objectId: String!): EventObject }
`

const address = new URL(url.replace(/^mariadb\+\w+:/, 'mysql:'))
const pool = mysql.createPool({
  host: address.hostname,
  port: Number(address.port),
  user: address.username,
  password: address.password,
  database: address.pathname.slice(1),
  connectionLimit: 10,
  rowsAsArray: true,
})
pool.pool.on('connection', (connection) => connection.query(SETUP))

// `execute` (prepared, binary rows) was tried against `query`: a quarter more requests per second with sixteen clients.
const places = prepare(statements.places, ['object_key', 'audience_key'])
const page = prepare(statements.timeline, [
  'id', 'occurred_at', 'event_type', 'severity', 'source', 'message', 'request_id', 'duration_ms',
])
const remembered = new Map()

function prepare ({ sql, columns }, names) {
  const positions = names.map((name) => columns.indexOf(name))
  if (positions.includes(-1)) throw new Error(`not all of ${names} are in: ${sql}`)
  // A page of a remembered place has it twice among its parameters: the statement confirms it.
  return { sql: sql.replaceAll('%s', '?').replaceAll('%%', '%'), positions, confirms: sql.split('%s').length > 4 }
}

async function find (type, id) {
  const name = JSON.stringify([type, id])
  if (remembered.has(name)) return remembered.get(name)
  const [[row]] = await pool.execute(places.sql, [type, id, 'default'])
  const place = places.positions.map((position) => row[position])
  if (statements.places_are_remembered) remembered.set(name, place)
  return place
}

const resolvers = {
  DateTime: new GraphQLScalarType({ name: 'DateTime', serialize: toRfc3339 }),
  Query: { object: (_, { objectType, objectId }) => ({ objectType, objectId }) },
  EventObject: {
    async timeline ({ objectType, objectId }, { first }) {
      const place = await find(objectType, objectId)
      const [rows] = await pool.execute(page.sql, [...place, ...(page.confirms ? place : []), first + 1])
      return { nodes: rows.slice(0, first).map(toEvent) }
    },
  },
}

const [ID, AT, TYPE, SEVERITY, SOURCE, MESSAGE, REQUEST, DURATION] = page.positions

function toEvent (row) {
  return {
    id: row[ID],
    timestamp: row[AT],
    eventType: row[TYPE],
    severity: SEVERITIES[row[SEVERITY]],
    source: row[SOURCE],
    message: row[MESSAGE],
    requestId: row[REQUEST],
    durationMs: row[DURATION],
  }
}

// Microseconds, as many as a double holds exactly, to 27 characters.
function toRfc3339 (micros) {
  const text = new Date(Math.floor(micros / 1000)).toISOString()
  return `${text.slice(0, 23)}${String(micros % 1000).padStart(3, '0')}Z`
}

const app = Fastify({ logger: false })
app.register(mercurius, { schema, resolvers, jit: 1 })
process.on('SIGTERM', () => process.exit(0))
await app.listen({ host: '127.0.0.1', port: Number(port) })
