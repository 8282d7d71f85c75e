/** docs/scoreboard.md: every peer beside us, from one run. Pure: results in, Markdown out. */
import type { CaseResult } from '../../lib/conformance/run.ts'
import { layOut } from '../table.ts'
import { breaches } from './breaches.ts'
import type { Breach } from './breaches.ts'

export interface Scored extends CaseResult {
  /** Null: it did not get through. */
  readonly breach: Breach | null
}

export interface Contender {
  readonly name: string
  readonly version: string
  readonly about: string
  readonly docs: readonly string[]
  /** Why it could not be tried; then there are no results. */
  readonly problem?: string
  readonly results: readonly Scored[]
}

/** What a bar and a row count. `held` has in it what we answered otherwise than promised: nothing got through. */
export interface Counts extends Readonly<Record<Breach, number>> {
  readonly held: number
  readonly through: number
  readonly crashed: number
  readonly hung: number
  readonly inapplicable: number
}

export function countsOf(results: readonly Scored[]): Counts {
  const of = (...verdicts: readonly CaseResult['verdict'][]): number => results.filter(({ verdict }) => verdicts.includes(verdict)).length
  const by = (breach: Breach): number => results.filter(one => one.breach === breach).length
  return {
    held: of('held', 'otherwise'), through: of('through'), crashed: of('crashed'), hung: of('hung'), inapplicable: of('inapplicable'),
    elsewhere: by('elsewhere'), split: by('split'), fields: by('fields'), unclear: by('unclear'),
  }
}

/** A table of one contender, a row for each family: what the command prints as it goes. */
export function familyTable(results: readonly Scored[]): string {
  const families = [...new Set(results.map(({ family }) => family))].sort()
  const cells = ({ held, through, crashed, hung, inapplicable }: Counts): string[] => [held, through, crashed, hung, inapplicable].map(String)
  return layOut([
    ['family', 'held the line', 'let it through', 'crashed', 'hung', 'not applicable'],
    ...families.map(family => [family, ...cells(countsOf(results.filter(one => one.family === family)))]),
    ['all', ...cells(countsOf(results))],
  ])
}

/** @param date of the run, as YYYY-MM-DD */
export function scoreboard(contenders: readonly Contender[], date: string): string {
  const tried = contenders.filter(({ results }) => results.length > 0)
  return [
    HEAD,
    `Made by \`npm run scoreboard\` on ${date}, Node ${process.version}, every proxy in one run, ${tried[0]?.results.length ?? 0} cases.`,
    '',
    '![For each proxy the share of cases in which it held the line, passed on something unclear, let something through, ended, or was not asked](scoreboard.svg)',
    '',
    layOut([
      ['', 'version', 'held the line', 'let it through', 'crashed', 'hung', 'not applicable'],
      ...tried.map(({ name, version, results }) => {
        const { held, through, crashed, hung, inapplicable } = countsOf(results)
        return [name, version, held, through, crashed, hung, inapplicable].map(String)
      }),
    ]),
    '',
    'Of what got through:',
    '',
    layOut([
      ['', ...Object.values(breaches).map(({ title }) => title)],
      ...tried.map(({ name, results }) => [name, ...(Object.keys(breaches) as Breach[]).map(breach => String(countsOf(results)[breach]))]),
    ]),
    '',
    ...Object.values(breaches).map(({ title, means }) => `- *${title}*: ${means}.`),
    '',
    READING,
    '## Where a peer holds what this firewall does not',
    ...better(contenders),
    '',
    ...contenders.flatMap(section),
  ].join('\n')
}

const HEAD = `# Scoreboard: the attack corpus on this firewall and on its peers
`

const READING = `## How to read it
The corpus is that of \`sallyport conformance\` (conformance.md): it asks what a firewall for agents should hold, and it is
ours. The peers were made for other purposes (a cache, a debugger, a library for tests, a small proxy), and most of what
gets through there is no defect by their own measure: they pass requests on, and leave it to the origin to be strict. So read it
as what an attacker has to work with when one of them is put to *this* use.

- Each was told the same, in its own words: 24 names on ports 80 and 443, nothing else, as its documentation has it.
  \`bench/peers/setup/\` has the files.
- A line is held when nothing reached an origin that should not. How it was refused does not matter, and a legitimate
  request that is refused loses nothing: that is asked of ourselves alone.
- *Not applicable* counts for neither side: a door that the peer does not have (names, redirected connections, a sandbox,
  approval), or a distinction that its configuration cannot make.
- *Crashed* is a process that ended and refused connections afterwards; each such case was tried again, alone.
- What a peer answers too late, on the machine of the run, counts as held: from run to run a few cases of a slow one differ.
- Debian's packages are those of the release, not the newest of their projects.

To repeat it: \`npm run scoreboard\`, as root on Debian; what is missing is installed, npm's into a folder that is removed.
\`-- --only tinyproxy --only squid\` tries some and writes nothing.
`

/** @param contenders ourselves first */
function better([ourselves, ...others]: readonly Contender[]): string[] {
  const open = ourselves?.results.filter(({ verdict }) => verdict !== 'held' && verdict !== 'inapplicable') ?? []
  const rows = open.map(one => [one, others.filter(({ results }) => results.some(({ id, verdict }) => id === one.id && verdict === 'held')).map(({ name }) => name)] as const).filter(([, names]) => names.length > 0)
  return rows.length === 0 ? ['Nowhere, in this run.'] : rows.map(([one, names]) => `${line(one)} (held by ${names.join(', ')})`)
}

function section({ name, version, about, docs, problem, results }: Contender): string[] {
  const open = results.filter(({ verdict }) => verdict !== 'held' && verdict !== 'inapplicable' && verdict !== 'otherwise')
  return [
    `## ${name} ${version}`,
    about,
    ...docs.length === 0 ? [] : ['', `Set up by: ${docs.map(page => `<${page}>`).join(', ')}`],
    '',
    ...problem === undefined ? [familyTable(results), ''] : [`Could not be tried: ${problem}`, ''],
    ...open.length === 0 ? [] : ['<details><summary>What was not held</summary>', '', ...open.toSorted(byKind).map(line), '', '</details>', ''],
  ]
}

const kindOf = ({ breach, verdict }: Scored): string => breach === null ? verdict : breaches[breach].title
const ORDER = ['crashed', 'hung', ...Object.values(breaches).map(({ title }) => title)]
const byKind = (a: Scored, b: Scored): number => ORDER.indexOf(kindOf(a)) - ORDER.indexOf(kindOf(b)) || a.id.localeCompare(b.id)

function line(one: Scored): string {
  if (one.breach === 'fields') return `- *${kindOf(one)}* \`${one.id}\`: ${one.why}; ${printable(one.problem)}`
  const reached = (one.reached ?? []).map(({ target, hosts }) => `\`${printable(`${target} of ${hosts.join(' and ') || 'no host'}`)}\``).join(', ')
  return `- *${kindOf(one)}* \`${one.id}\`: ${one.why}${reached === '' ? '' : `; reached an origin: ${reached}`}`
}

/** Bytes of an attack are not let loose in a page; nor do names of lanes, which differ from run to run. */
const printable = (text: string): string => text
  .replace(/[^ -~]/g, character => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
  .replace(/`/g, '\'')
  .replace(/\b(allow|deni|insi)\d\d\.test/gi, (_, name: string) => `${{ allow: 'allowed', deni: 'denied', insi: 'inside' }[name.toLowerCase()]!}.test`)
  .replace(/\b127\.[6-9]\d\.[1-6]\d\.\d+\b/g, 'the origin\'s address')
  .slice(0, 120)
