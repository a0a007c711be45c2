import { defineConfig } from '@hey-api/openapi-ts'

// The client is what the committed description says, without the streams, which utils/eventStream.ts reads.
export default defineConfig({
  input: '../edge_api/openapi.json',
  parser: { filters: { operations: { exclude: ['POST /api/inquiries/{inquiry_id}/draft/stream/', 'GET /api/events/stream/'] } } },
  output: { path: 'app/api', clean: true },
  plugins: ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk', '@pinia/colada']
})
