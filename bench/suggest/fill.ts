/**
 * Values for the parameters of an endpoint, as clients would send them: drawn from a seed, by the parameter's name.
 *
 * What a name does not tell is filled with a slug, the kind that is hardest to tell from a word of the API.
 */
export type Random = () => number

/** A linear congruential generator: the same numbers for the same seed, everywhere. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
  // The first numbers of neighbouring seeds are alike.
  for (let n = 0; n < 8; n++) next()
  return next
}

export function fill(template: string, random: Random): string {
  return template.replace(/\{([^}]+)\}/g, (_, name: string) => valueOf(name.replace(/[- ]/g, '_').replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase(), random))
}

/** The first that fits says what a parameter holds. */
const KINDS: readonly (readonly [RegExp, (random: Random) => string])[] = [
  [/gist_id/, random => hex(32, random)],
  [/sha$|^sha/, random => hex(40, random)],
  [/uuid|delivery_guid/, uuid],
  [/digest/, random => `sha256:${hex(64, random)}`],
  [/ghsa/, random => `GHSA-${letters(4, random)}-${letters(4, random)}-${letters(4, random)}`],
  [/client_id/, random => `Iv1.${hex(16, random)}`],
  [/package_type/, random => pick(['npm', 'maven', 'rubygems', 'docker', 'nuget', 'container'], random)],
  [/actor_type/, random => pick(['User', 'Team', 'Integration'], random)],
  [/archive_format/, random => pick(['tarball', 'zipball'], random)],
  [/diff_type/, random => pick(['diff', 'patch'], random)],
  [/security_product/, random => pick(['dependency_graph', 'dependabot_alerts', 'secret_scanning', 'code_scanning_default_setup'], random)],
  [/enablement/, random => pick(['enable_all', 'disable_all'], random)],
  [/license/, random => pick(['mit', 'apache-2.0', 'gpl-3.0', 'bsd-2-clause', 'mpl-2.0', 'unlicense', 'isc', 'agpl-3.0'], random)],
  [/language/, random => pick(['javascript-typescript', 'python', 'go', 'ruby', 'java-kotlin', 'swift', 'csharp', 'rust'], random)],
  [/secret_?name|variable_?name|custom_property/, random => `${pick(WORDS, random)}_${pick(WORDS, random)}`.toUpperCase()],
  [/^path$|^filepath$|^dir$/, file],
  [/^ref$|^branch$|^base$|^head$/, branch],
  [/basehead/, random => `${branch(random)}...${branch(random)}`],
  [/^tag$|^version$|^archive$/, random => `v${number(1, random)}.${number(1, random)}.${number(1, random)}`],
  [/workflow_id/, random => random() < 0.5 ? number(7, random) : `${pick(WORDS, random)}.yml`],
  [/environment/, random => random() < 0.4 ? pick(['production', 'staging'], random) : slug(random)],
  [/(?:^|_)id$|number|index|position|^task$|^event_id/, random => number(1 + Math.floor(random() * 8), random)],
  [/^repo|_repo$|repo_name|name$|slug|topic|team|key|project|namespace/, slug],
  [/owner|org|user|enterprise|account|assignee|collaborator|member/, login],
]

function valueOf(name: string, random: Random): string {
  return (KINDS.find(([names]) => names.test(name))?.[1] ?? slug)(random)
}

const WORDS = 'amber anchor apple aurora badger beacon birch blaze breeze brook canyon cedar cobalt comet copper coral crane dawn delta ember falcon fern flint forest garnet glacier harbor hazel heron indigo iris jasper juniper kestrel lagoon lantern lark linen lotus maple meadow mesa mint nimbus north oak onyx opal orbit otter pebble pine plover quartz raven reef ridge river robin saffron sage sierra slate sparrow spruce stone summit swift tango thistle tidal timber tundra umber valley velvet violet walnut willow wren yarrow zephyr'.split(' ')

function login(random: Random): string {
  const word = pick(WORDS, random)
  const other = pick(WORDS, random)
  return pick([word, `${word}${other}`, `${word}-${other}`, `${word}${number(2, random)}`, `${word[0]!.toUpperCase()}${word.slice(1)}${other[0]!.toUpperCase()}${other.slice(1)}`], random)
}

function slug(random: Random): string {
  const word = pick(WORDS, random)
  const other = pick(WORDS, random)
  return pick([word, `${word}-${other}`, `${word}_${other}`, `${word}.js`, `${word}-${other}-${pick(WORDS, random)}`, `${word}${number(1, random)}`], random)
}

function branch(random: Random): string {
  if (random() < 0.25) return 'main'
  return pick([pick(WORDS, random), `fix-${pick(WORDS, random)}-${pick(WORDS, random)}`, `release-${number(1, random)}.${number(1, random)}`, `feature%2F${pick(WORDS, random)}`], random)
}

function file(random: Random): string {
  const name = `${pick(WORDS, random)}.${pick(['ts', 'md', 'json', 'py', 'yml'], random)}`
  return pick([name, `src/${name}`, `docs/${name}`, `${pick(WORDS, random)}/${name}`, `src/${pick(WORDS, random)}/${name}`], random)
}

function pick<T>(list: readonly T[], random: Random): T {
  return list[Math.floor(random() * list.length)]!
}

function number(digits: number, random: Random): string {
  return String(1 + Math.floor(random() * (10 ** digits - 1)))
}

function hex(length: number, random: Random): string {
  return Array.from({ length }, () => pick([...'0123456789abcdef'], random)).join('')
}

function letters(length: number, random: Random): string {
  return Array.from({ length }, () => pick([...'23456789cfghjmpqrvwx'], random)).join('')
}

function uuid(random: Random): string {
  return [8, 4, 4, 4, 12].map(length => hex(length, random)).join('-')
}
