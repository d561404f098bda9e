// Prints, as JSON, what graphql-eslint finds in a schema beyond the exceptions in rules.js: `node lint.js SCHEMA`.
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import plugin from '@graphql-eslint/eslint-plugin'
import { ESLint } from 'eslint'
import { parse, visit } from 'graphql'
import { EXCEPTIONS, RULES } from './rules.js'

const path = resolve(process.argv[2])

// Where names stand in the file: "44:3" -> "Event.eventType".
function coordinates(text) {
  const found = new Map()
  const owners = []
  const note = (name, coordinate) => found.set(`${name.loc.startToken.line}:${name.loc.startToken.column}`, coordinate)
  visit(parse(text), {
    enter(node) {
      if (!node.name || !/Definition$/.test(node.kind)) return
      const name = node.kind === 'DirectiveDefinition' ? `@${node.name.value}` : node.name.value
      owners.push(name)
      note(node.name, owners.join('.'))
    },
    leave(node) {
      if (node.name && /Definition$/.test(node.kind)) owners.pop()
    },
  })
  return found
}

const eslint = new ESLint({
  cwd: dirname(path),
  overrideConfigFile: true,
  overrideConfig: [
    {
      files: ['**/*.graphql'],
      languageOptions: { parser: plugin.parser, parserOptions: { graphQLConfig: { schema: path } } },
      plugins: { '@graphql-eslint': plugin },
      rules: RULES,
    },
  ],
})
const [{ messages }] = await eslint.lintFiles([path])
const places = coordinates(readFileSync(path, 'utf8'))
const findings = messages.map(({ ruleId, line, column, message }) => ({
  rule: ruleId,
  at: places.get(`${line}:${column}`) ?? `line ${line}, column ${column}`,
  message,
}))
const excuses = (exception) => (finding) => finding.rule === exception.rule && finding.at === exception.at
const unexcused = findings.filter((finding) => !EXCEPTIONS.some((exception) => excuses(exception)(finding)))
const unneeded = EXCEPTIONS.filter((exception) => !findings.some(excuses(exception)))
console.log(JSON.stringify({ unexcused, unneeded }))
