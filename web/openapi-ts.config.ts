import { defineConfig } from '@hey-api/openapi-ts'

// The client is what the committed description says; streams are read by composables/useLiveFeed.ts.
export default defineConfig({
  input: '../edge_api/openapi.json',
  output: { path: 'app/api', clean: true },
  plugins: ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk', '@pinia/colada']
})
