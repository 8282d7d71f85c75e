/** Options and the machine's own settings, as values the rooms can use. */
import t from 'tap'
import { searchDomainsIn } from '../../lib/setup.ts'

t.test('search domains are read as the resolver reads them', async t => {
  t.strictSame(searchDomainsIn('nameserver 10.96.0.10\nsearch default.svc.cluster.local svc.cluster.local\tCluster.Local.\noptions ndots:5\n'), ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local'])
  t.strictSame(searchDomainsIn('domain old.test\nsearch new.test\n'), ['new.test'], 'the last line counts')
  for (const text of ['', 'nameserver 127.0.0.1\n', 'search\n', 'search .\n', '# search a.test\n', 'search 10.0.0.1 a_b..c\n']) t.strictSame(searchDomainsIn(text), [], JSON.stringify(text))
})
