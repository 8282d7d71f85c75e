/**
 * The tables of docs/policy.md and docs/presets.md, made from `schemas/policy.schema.json` and the presets that come
 * with the package.
 *
 * The prose of a page is written by hand; what stands between `<!-- made: name -->` and `<!-- end -->` is made here,
 * so that the page cannot say other than what is checked. test/unit/config/policy-page.test.ts compares the two, and
 * writes the pages anew when it runs with WRITE_DOCS=1.
 */
import { readFileSync } from 'node:fs'
import { code, presetSections, presetTable, table } from './generate-presets.ts'

/** As much of a JSON Schema as the tables show. */
interface Schema {
  readonly $ref?: string
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly $defs?: Readonly<Record<string, Schema>>
}

/** The page with its tables made anew; everything else as it was. */
export function refreshed(page: string): string {
  const tables: Readonly<Record<string, () => string>> = {
    document: () => propertyTable(SCHEMA),
    rule: () => propertyTable(SCHEMA.$defs?.['rule'] ?? {}),
    presets: presetTable,
    details: presetSections,
  }
  return page.replace(/(<!-- made: ([a-z]+) -->\n)[^]*?(<!-- end -->)/g, (_, open: string, name: string, close: string) => {
    const make = Object.hasOwn(tables, name) ? tables[name] : undefined
    if (make === undefined) throw new Error(`there is no table "${name}"`)
    return `${open}${make()}\n${close}`
  })
}

const SCHEMA = JSON.parse(readFileSync(new URL('../schemas/policy.schema.json', import.meta.url), 'utf8')) as Schema

function propertyTable({ properties = {}, required = [] }: Schema): string {
  return table(['property', 'takes', 'meaning'], Object.entries(properties).map(([name, property]) => {
    const { title = '', description = '', default: preset, examples = [] } = resolved(property)
    const extra = required.includes(name) ? ' **Required.**' : preset === undefined ? '' : ` Default: ${code(preset)}.`
    return [`\`${name}\``, `${title}; ${examples.map(code).join(' · ')}`, `${description.replace(/ Required\.$/, '')}${extra}`]
  }))
}

function resolved(property: Schema): Schema {
  const name = property.$ref?.replace('#/$defs/', '')
  return name === undefined ? property : SCHEMA.$defs?.[name] ?? {}
}
