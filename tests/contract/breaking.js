// Prints, as JSON, what graphql-inspector calls breaking from each schema to the next: `node breaking.js OLDEST ... NEWEST`.
import { readFileSync } from 'node:fs'
import { CriticalityLevel, diff } from '@graphql-inspector/core'
import { buildSchema } from 'graphql'

const schemas = process.argv.slice(2).map((path) => buildSchema(readFileSync(path, 'utf8')))
const steps = []
for (let number = 1; number < schemas.length; number++) {
  const changes = await diff(schemas[number - 1], schemas[number])
  const breaking = changes.filter((change) => change.criticality.level === CriticalityLevel.Breaking)
  steps.push(breaking.map(({ path, message }) => ({ at: path, message })))
}
console.log(JSON.stringify(steps))
