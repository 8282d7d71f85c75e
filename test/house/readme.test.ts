/** What the pages show is so: code compiles, policies take effect, commands and flags are there, links lead somewhere. */
import t from 'tap'
import { Command } from 'commander'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { checkPolicy, formatProblem } from '../../lib/index.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = (page: string): string => readFileSync(join(ROOT, page), 'utf8')

/** The pages that users read, from the root. */
const PAGES = ['README.md', 'SECURITY.md', 'CHANGELOG.md', 'certs/README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.md')).map(file => join('docs', file))]

interface Block { readonly language: string, readonly text: string, readonly place: string }

/** Fenced blocks of a page. */
const blocksIn = (page: string): readonly Block[] => [...read(page).matchAll(/^```(\w*)\n([^]*?)^```$/gm)]
  .map(({ 1: language = '', 2: text = '', index }) => ({ language, text, place: `${page}:${read(page).slice(0, index).split('\n').length}` }))

t.test('TypeScript on a page compiles against the types that are published', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-readme-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  mkdirSync(join(dir, 'node_modules'))
  symlinkSync(ROOT, join(dir, 'node_modules/sallyport'))
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}')

  // A block that imports its neighbour on the page is run with it, by test/unit/approve/hooks-doc.test.ts.
  const blocks = PAGES.flatMap(blocksIn).filter(({ language, text }) => language === 'ts' && text.includes('from \'sallyport\'') && !text.includes('from \'./'))
  t.ok(blocks.some(({ place }) => place.startsWith('README.md')), 'there are some')
  t.strictSame(compiled(t, dir, [...blocks, { language: 'ts', place: 'a mistake', text: 'import { createFirewall } from \'sallyport\'\nawait createFirewall({ polcy: \'p.json\' })\nexport {}\n' }])
    .map(problem => problem.replace(/: .*/, '')), ['a mistake'], 'a mistake is seen, and there is no other')
})

t.test('a policy in the README takes effect', async t => {
  const blocks = blocksIn('README.md').filter(({ language }) => language === 'json')
  t.ok(blocks.length > 0)
  for (const { text, place } of blocks) {
    const loaded = checkPolicy(JSON.parse(text))
    t.strictSame(loaded.kind === 'policy' ? [] : loaded.problems.map(problem => formatProblem(problem, place)), [], place)
  }
})

t.test('a command on a page is a command of the program, with flags that it has', async t => {
  const program = await wholeProgram()
  t.equal(faultIn(program, 'serve --policy p.json --hold 4m'), null)
  t.equal(faultIn(program, 'log verify audit.jsonl'), null)
  t.equal(faultIn(program, 'run --ask -- curl --silent x'), null)
  t.match(faultIn(program, 'server --policy p.json'), /no command server/)
  t.match(faultIn(program, 'serve --polcy p.json'), /no flag --polcy/)
  t.match(faultIn(program, 'log wipe'), /no command log wipe/)
  let seen = 0
  for (const page of PAGES) {
    for (const command of commandsIn(page)) {
      seen++
      const fault = faultIn(program, command)
      if (fault !== null) t.fail(`${page}: sallyport ${command}: ${fault}`)
    }
  }
  t.ok(seen > 30, `${seen} were found`)
})

t.test('a link leads somewhere, and to a heading that is there', async t => {
  let seen = 0
  for (const page of PAGES) {
    for (const [, target = ''] of withoutBlocks(read(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      seen++
      const [path = '', heading] = target.split('#')
      const file = path === '' ? page : relative(ROOT, join(ROOT, dirname(page), path))
      if (!existsSync(join(ROOT, file))) t.fail(`${page}: there is no ${target}`)
      else if (heading !== undefined && !headingsIn(read(file)).has(heading)) t.fail(`${page}: there is no heading ${target}`)
    }
  }
  t.ok(seen > 15, `${seen} were found`)
})

/** @returns what is wrong, each with its place */
function compiled(t: { teardown(call: () => unknown): void }, dir: string, blocks: readonly Block[]): readonly string[] {
  const files = new Map(blocks.map(({ text, place }, at) => {
    const file = join(dir, `block-${at}.ts`)
    writeFileSync(file, text)
    return [file, place]
  }))
  const { options } = ts.parseJsonConfigFileContent({ compilerOptions: { ...ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile).config.compilerOptions, noEmit: true, rootDir: undefined, typeRoots: [join(ROOT, 'node_modules/@types')] } }, ts.sys, dir)
  return ts.getPreEmitDiagnostics(ts.createProgram([...files.keys()], options))
    .map(({ file, messageText }) => `${files.get(file?.fileName ?? '') ?? file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`)
}

/** As bin/sallyport.ts puts it together, but for reading this process's arguments. */
async function wholeProgram(): Promise<Command> {
  const program = new Command('sallyport').version('0')
  for (const file of readdirSync(join(ROOT, 'bin/commands'))) {
    const exported = await import(`../../bin/commands/${file}`) as Record<string, unknown>
    for (const [name, add] of Object.entries(exported)) if (/^add[A-Z]/.test(name)) (add as (program: Command) => void)(program)
  }
  return program
}

/** What stands after the program's name, in blocks and in code between backticks. */
function commandsIn(page: string): readonly string[] {
  const blocks = blocksIn(page).filter(({ language }) => language === '' || language === 'sh').map(({ text }) => text)
  const spans = [...withoutBlocks(read(page)).matchAll(/`([^`]+)`/g)].map(([, text = '']) => text.replaceAll('\n', ' '))
  return [...blocks, ...spans].flatMap(code => code.replaceAll('\\\n', '').split('\n'))
    .flatMap(line => line.replace(/\s#.*/, '').split(/(?<![\w'/.@-])sallyport (?=[a-z])/).slice(1))
    .map(command => command.replace(/[)|;].*|&&.*/, '').trim())
}

function faultIn(program: Command, text: string): string | null {
  let command = program
  const path: string[] = []
  for (const word of text.replaceAll(/'[^']*'|"[^"]*"/g, 'VALUE').split(/[\s[\]]+/)) {
    const name = word.replace(/=.*/, '')
    // What follows is the words of another program.
    if (name === '--') return null
    if (name.startsWith('-')) {
      if (!['--help', '-h', '-'].includes(name) && !command.options.some(({ long, short }) => name === long || name === short)) return `no flag ${name}`
    } else if (command.commands.length > 0) {
      path.push(word)
      const next = command.commands.find(each => each.name() === word)
      if (next === undefined) return `no command ${path.join(' ')}`
      command = next
    }
  }
  return null
}

function withoutBlocks(page: string): string {
  return page.replace(/^```[^]*?^```$/gm, '')
}

/** As they are linked to: lower case, words joined by hyphens. */
function headingsIn(page: string): ReadonlySet<string> {
  return new Set([...withoutBlocks(page).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-')))
}

t.test('a test that a page names is there, and each invariant has one in the threat model', async t => {
  let named = 0
  for (const page of PAGES) {
    for (const [, path = ''] of read(page).matchAll(/`(test\/[\w./-]+)`/g)) {
      t.ok(existsSync(join(ROOT, path)), `${page}: ${path}`)
      named++
    }
  }
  t.ok(named > 20, `${named} are named`)
  const promises = /^## What is promised\n([^]*?)^## /m.exec(read('docs/threat-model.md'))?.[1] ?? ''
  const told = new Set(Array.from(promises.matchAll(/\bI\d+\b/g), ([name]) => name))
  t.strictSame([...told].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1))), Array.from({ length: 11 }, (_, n) => `I${n + 1}`))
})
