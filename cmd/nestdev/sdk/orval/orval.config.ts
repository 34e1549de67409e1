import { env } from 'node:process'
import { defineConfig } from 'orval'

// How a team that uses orval generates its client.
export default defineConfig({
  nestPayments: {
    input: env['SPEC'] ?? 'openapi.yaml',
    output: {
      client: 'fetch',
      // A file for each tag.
      mode: 'tags-split',
      target: 'generated/api.ts',
      schemas: 'generated/model',
      override: {
        // register rather than userControllerRegister.
        operationName: (operation) => operation.operationId?.replace(/^.*_/, '') ?? '',
        mutator: { path: 'fetch.ts', name: 'send', extension: '.ts' },
      },
    },
  },
})
