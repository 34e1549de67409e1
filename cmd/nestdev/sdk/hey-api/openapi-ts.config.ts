import { env } from 'node:process'
import { defineConfig } from '@hey-api/openapi-ts'

// How a team that uses hey-api generates its client.
export default defineConfig({
  input: env['SPEC'] ?? 'openapi.yaml',
  output: { path: 'generated', importFileExtension: '.ts' },
  // user.register rather than userControllerRegister, and UserRegisterData.
  parser: {
    patch: {
      operations: (_method, _path, operation) => {
        operation.operationId = operation.operationId?.replace('Controller_', '.') ?? ''
      },
    },
  },
  plugins: [
    '@hey-api/client-fetch',
    { name: '@hey-api/sdk', operations: { strategy: 'single', containerName: 'NestPayments' } },
  ],
})
