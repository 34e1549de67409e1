// Checks that every pattern of the spec is one in ECMAScript too, as clients will
// use it, and matches its own example there. The server's tests do the same with
// Go's engine. Usage: node patterns.mjs openapi.json
import {readFileSync} from 'node:fs'

let patterns = 0
let faults = 0

const check = (schema, example, place) => {
  patterns++
  try {
    // With the flag u nothing is let pass that only looks like ECMAScript.
    const regexp = new RegExp(schema.pattern, 'u')
    if (example === undefined) throw new Error('has no example')
    if (!regexp.test(example)) throw new Error(`does not match its example ${example}`)
  } catch (e) {
    faults++
    console.error(`${place}: pattern ${schema.pattern}: ${e.message}`)
  }
}

const walk = (node, place) => {
  if (node === null || typeof node !== 'object') return
  if (typeof node.pattern === 'string') check(node, node.example, place)
  else if (typeof node.schema?.pattern === 'string') check(node.schema, node.example, place)
  for (const [key, value] of Object.entries(node)) {
    if (!(key === 'schema' && typeof value?.pattern === 'string')) walk(value, `${place}/${key}`)
  }
}

walk(JSON.parse(readFileSync(process.argv[2], 'utf8')), '')
console.log(`${patterns} patterns`)
process.exit(faults > 0 || patterns === 0 ? 1 : 0)
