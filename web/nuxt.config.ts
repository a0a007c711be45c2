import { writeFileSync } from 'node:fs'

let graph = ''

// Known to Nitro, but not to Nuxt's type of its options.
const STATIC = { prerender: { routes: ['/'], crawlLinks: false }, compressPublicAssets: { gzip: true, brotli: true } }

// Built to static files that the edge serves; no Node at run time, and no request to any other origin.
export default defineNuxtConfig({
  compatibilityDate: '2026-11-01',
  ssr: false,
  telemetry: false,
  devtools: { enabled: false },
  // Nothing random or dated in what is built, and no inline import map, which the Content-Security-Policy would refuse.
  buildId: process.env.POK_BUILD ?? 'dev',
  experimental: {
    appManifest: false,
    entryImportMap: false,
    // A part that cannot be loaded is offered again by `app/plugins/parts.client.ts`; Nuxt reloads the page, offline too.
    emitRouteChunkError: 'manual',
    // Pages are fetched ahead when a link is about to be used, not because it is in sight.
    defaults: { nuxtLink: { prefetchOn: { visibility: false, interaction: true } } }
  },
  modules: ['@nuxt/ui', '@nuxtjs/i18n', '@pinia/nuxt', '@pinia/colada-nuxt', '@vueuse/nuxt'],
  css: ['~/assets/css/main.css'],
  components: [{ path: '~/components', pathPrefix: false }],
  spaLoadingTemplate: true,
  app: {
    head: {
      title: 'POK',
      meta: [{ name: 'color-scheme', content: 'light dark' }, { name: 'robots', content: 'noindex' }],
      link: [{ rel: 'icon', type: 'image/svg+xml', href: '/favicon.svg' }]
    }
  },
  ui: { fonts: false, experimental: { componentDetection: true } },
  icon: { provider: 'none', fallbackToApi: false },
  i18n: {
    // Only what every screen says; the texts of an area come with the pages, layouts and parts that name them.
    strategy: 'no_prefix',
    defaultLocale: 'es',
    locales: [
      { code: 'es', language: 'es-ES', name: 'Español', file: 'es/common.json' },
      { code: 'en', language: 'en-GB', name: 'English', file: 'en/common.json' }
    ],
    detectBrowserLanguage: { useCookie: true, cookieKey: 'pok_language', fallbackLocale: 'es' },
    // All messages are compiled when the dashboard is built.
    bundle: { dropMessageCompiler: true }
  },
  colorMode: { preference: 'system', fallback: 'light', storageKey: 'pok-theme' },
  typescript: { strict: true },
  nitro: STATIC,
  hooks: {
    // Error pages and pages of other roles would be fetched by everybody.
    'build:manifest': (manifest) => {
      for (const entry of Object.values(manifest)) entry.prefetch = false
      graph = JSON.stringify(manifest)
    },
    // What imports what, for `benchmarks/first_load.py`; beside what is served, not in it.
    close: () => {
      if (graph) writeFileSync(new URL('.output/modules.json', import.meta.url), graph)
    }
  }
})
