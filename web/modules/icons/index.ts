import { globSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { addTemplate, addVitePlugin, createResolver, defineNuxtModule } from '@nuxt/kit'

type Collection = { width: number, height: number, icons: Record<string, { body: string }>, aliases: Record<string, { parent: string }> }

const NAME = /i-lucide-([a-z0-9-]+)/g
const SHAPE = `.iconify { display: inline-block; width: 1em; height: 1em; background-color: currentColor; mask: var(--icon) no-repeat center / 100% 100%; }`

/**
 * Icons as masks in the style sheet, for the names that the sources mention.
 *
 * The module that Nuxt UI brings for them carries 28 kB of compressed scripts and adds a style element for each icon;
 * its component takes long to make for the many that a screen has.
 */
export default defineNuxtModule({
  meta: { name: 'icons' },
  setup(_options, nuxt) {
    const { resolve } = createResolver(import.meta.url)
    const icon = resolve('./icon.ts')
    addVitePlugin({ name: 'icons', enforce: 'pre', resolveId: (source) => (source.endsWith('/Icon.vue') ? icon : null) })
    nuxt.hook('app:resolve', (app) => {
      app.plugins = app.plugins.filter((plugin) => !plugin.src.includes('@nuxt/icon'))
    })
    const sheet = addTemplate({
      filename: 'icons.css',
      write: true,
      getContents: () => {
        const sources = globSync('**/*.{vue,ts}', { cwd: nuxt.options.srcDir }).map((file) => readFileSync(`${nuxt.options.srcDir}/${file}`, 'utf8'))
        const mentioned = [...sources, JSON.stringify(nuxt.options.appConfig)].join().matchAll(NAME)
        const rules = [...new Set([...mentioned].map((match) => match[1]!))].sort().map(rule)
        // Below the utilities, whose sizes win.
        return `@layer base {\n${[SHAPE, ...rules].join('\n')}\n}\n`
      }
    })
    nuxt.options.css.push(sheet.dst)
  }
})

const lucide = createRequire(import.meta.url)('@iconify-json/lucide/icons.json') as Collection

function rule(name: string): string {
  const icon = lucide.icons[lucide.aliases[name]?.parent ?? name]
  if (!icon) throw new Error(`There is no icon i-lucide-${name}`)
  const { width = 24, height = 24 } = lucide
  const drawing = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 ${width} ${height}'>${icon.body.replaceAll('"', "'")}</svg>`
  return `.i-lucide-${name} { --icon: url("data:image/svg+xml,${drawing.replace(/[<>#%]/g, encodeURIComponent)}"); }`
}
