// Prints the licences of the packages that a bundle was made from, as its source
// map names them: who holds the rights, and each licence once. Fails for a
// package that says nothing, or whose licence is not a permissive one.
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const permissive = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT'];

const { sources } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const names = new Set();
for (const source of sources) {
  const installed = [...source.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)/g)].map((m) => m[1]).filter((n) => n !== '.pnpm');
  const own = source.match(/^(?:\.\.\/)+([a-z-]+)\/dist\//);
  names.add(installed.at(-1) ?? '@scalar/' + (own ? own[1] : 'api-reference'));
}

const texts = new Map();
for (const name of [...names].sort()) {
  const folder = find(name);
  const { version, license, author } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
  if (!permissive.includes(license)) throw new Error(`${name}: licence ${license}`);
  const file = readdirSync(folder).find((f) => /^licen[sc]e/i.test(f));
  const text = file ? readFileSync(`${folder}/${file}`, 'utf8') : '';
  const holders = text.match(/^\s*(\(c\)|copyright) .*\d{4}.*$/gim) ?? [`Copyright ${author?.name ?? author ?? 'the authors of ' + name}`];
  console.log(`${name} ${version}: ${license}. ${holders.map((h) => h.trim()).join(' ')}`);
  if (text.length > (texts.get(license) ?? '').length) texts.set(license, text);
}
for (const [license, text] of texts) console.log(`\n${'-'.repeat(80)}\n${license}, for example\n\n${text.trim()}`);

// find looks for a package, which may be installed below another one.
function find(name, below = 'node_modules') {
  if (existsSync(`${below}/${name}/package.json`)) return `${below}/${name}`;
  for (const entry of readdirSync(below, { recursive: true })) {
    if (entry.endsWith(`node_modules/${name}/package.json`)) return `${below}/${entry.slice(0, -'/package.json'.length)}`;
  }
  throw new Error(`${name} is not installed`);
}
