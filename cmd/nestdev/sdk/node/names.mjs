// Prints what the given TypeScript files export, one name a line: types and
// functions by their names, methods as Class.method, and the calls of
// openapi-fetch, which are typed by the interface "paths", as they are written.
import ts from 'typescript'

const program = ts.createProgram(process.argv.slice(2), {
  allowImportingTsExtensions: true,
  noEmit: true,
  noLib: true, // names need no types of the language
})
const checker = program.getTypeChecker()
const names = new Set()

for (const path of program.getRootFileNames()) {
  const module = checker.getSymbolAtLocation(program.getSourceFile(path))
  for (const exported of checker.getExportsOfModule(module)) {
    names.add(exported.name)
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
    if (symbol.flags & ts.SymbolFlags.Class) addMethods(symbol)
    if (symbol.name === 'paths') addCalls(symbol)
  }
}
console.log([...names].join('\n'))

function addMethods(symbol) {
  const type = checker.getDeclaredTypeOfSymbol(symbol)
  for (const p of checker.getPropertiesOfType(type)) {
    if (p.flags & ts.SymbolFlags.Method) names.add(`${symbol.name}.${p.name}`)
  }
}

function addCalls(paths) {
  for (const path of checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(paths))) {
    for (const method of checker.getPropertiesOfType(checker.getTypeOfSymbol(path))) {
      const isOperation = method.name !== 'parameters' && !(method.flags & ts.SymbolFlags.Optional)
      if (isOperation) names.add(`client.${method.name.toUpperCase()}("${path.name}")`)
    }
  }
}
