import t from 'tap'
import { createHostTree } from '../../../lib/config/host-tree.ts'
import { hostPatternCovers, hostPatternsOverlap } from '../../../lib/decide/patterns.ts'

const labels = ['a', 'b', '*', 'a*']
const patterns = labels.flatMap(x => [x, ...labels.flatMap(y => [`${x}.${y}`, ...labels.map(z => `${x}.${y}.${z}`)])])
const all = [...patterns, '**', ...patterns.map(pattern => `**.${pattern}`)]

t.test('no pattern that overlaps or covers another is left out', async t => {
  const tree = createHostTree<string>()
  for (const pattern of all) tree.add(pattern, pattern)
  for (const pattern of all) {
    const near = new Set(tree.overlapping(pattern))
    const above = new Set(tree.covering(pattern))
    t.strictSame(all.filter(other => hostPatternsOverlap(other, pattern) && !near.has(other)), [], `what overlaps ${pattern}`)
    t.strictSame(all.filter(other => hostPatternCovers(other, pattern) && !above.has(other)), [], `what covers ${pattern}`)
  }
})

t.test('it finds few where few have to do with it', async t => {
  const tree = createHostTree<number>()
  for (let at = 0; at < 10_000; at++) tree.add(`h${at}.example.com`, at)
  tree.add('*.example.com', -1)
  t.strictSame([...tree.overlapping('h7.example.com')], [7, -1])
  t.strictSame([...tree.covering('**.example.com')], [], 'what is narrower covers nothing wider')
})
