const BROWSERS: [RegExp, string][] = [
  [/Edg\//, 'Edge'], [/OPR\//, 'Opera'], [/SamsungBrowser\//, 'Samsung Internet'], [/Firefox\//, 'Firefox'],
  [/Chrome\//, 'Chrome'], [/Safari\//, 'Safari'], [/^curl\//, 'curl'], [/^(python|httpx|aiohttp)/i, 'Python']
]
const SYSTEMS: [RegExp, string, boolean][] = [
  [/iPhone/, 'iPhone', true], [/iPad/, 'iPad', true], [/Android/, 'Android', true], [/Windows/, 'Windows', false],
  [/Mac OS X/, 'macOS', false], [/CrOS/, 'ChromeOS', false], [/Linux/, 'Linux', false]
]

/** What a person calls a browser and its machine; unknown ones have no name. */
export function deviceOf(agent: string): { browser?: string, system?: string, mobile: boolean } {
  const system = SYSTEMS.find(([pattern]) => pattern.test(agent))
  return { browser: BROWSERS.find(([pattern]) => pattern.test(agent))?.[1], system: system?.[1], mobile: system?.[2] ?? false }
}
