// Prints what a linter found, one finding a line: the linter, the rule, and the
// place as a JSON Pointer, or for vacuum a JSONPath. Usage: node findings.mjs LINTER REPORT.json
import {readFileSync} from 'node:fs'

const pointer = path => '#' + path.map(p => '/' + String(p).replaceAll('~', '~0').replaceAll('/', '~1')).join('')

const readers = {
  spectral: report => report.map(f => [f.code, pointer(f.path)]),
  redocly: report => {
    // It reports no more than it is allowed to.
    if (report.totals.errors + report.totals.warnings !== report.problems.length) throw new Error('the report is not complete')
    return report.problems.map(f => [f.ruleId, f.location[0].pointer])
  },
  vacuum: report => report.resultSet.results.map(f => [f.ruleId, f.path]),
}

const [linter, file] = process.argv.slice(2)
const found = readers[linter](JSON.parse(readFileSync(file, 'utf8')))
for (const line of new Set(found.map(f => [linter, ...f].join(' ')))) console.log(line)
