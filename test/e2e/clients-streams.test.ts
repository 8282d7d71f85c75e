/**
 * Clients of protocols that we do not read, by name and with nothing set: ssh, psql, redis-cli against real servers. A
 * server that speaks first waits as well as any, and one that goes over to TLS stays opaque.
 */
import t from 'tap'
import { inside, openPlace } from '../helpers/gate.ts'
import { openHouse } from '../helpers/house.ts'
import { startPostgres, startRedis, startSshd } from '../helpers/stream-servers.ts'
import { join } from 'node:path'

t.test('allowed, denied, and held until somebody approves', async t => {
  const place = openPlace(t)
  const [ssh, postgres, redis] = await Promise.all([startSshd(t, join(place.work, 'key')), startPostgres(t), startRedis(t)])
  const house = await openHouse(t, { version: 1, unmatched: 'deny', rules: [ssh, postgres, redis].flatMap(port => [
    { id: `open-${port}`, host: 'open.test', scheme: 'tcp' as const, port, private: true },
    { id: `ask-${port}`, action: 'hold' as const, host: 'ask.test', scheme: 'tcp' as const, port, private: true },
  ]) }, { limits: { silenceMs: 500 } })
  const { out, err } = await Promise.all([inside(house.firewall, place, ['sh', '-c', `
    run() { host=$1; shift; name=$1; shift; "$@" > $name-$host 2> $name-$host.err; echo "status $?" >> $name-$host; }
    for host in open shut ask; do
      run $host ssh ssh -F none -i ./key -p ${ssh} -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "$(id -un)@$host.test" &
      run $host psql psql "host=$host.test port=${postgres} user=postgres dbname=postgres sslmode=require" -Atc "select 'hello', ssl from pg_stat_ssl where pid = pg_backend_pid()" &
      run $host redis redis-cli -h $host.test -p ${redis} ping &
    done
    wait
    for name in ssh psql redis; do for host in open shut ask; do echo "$name $host:" $(cat $name-$host); done; done`]), (async () => {
    const questions = await house.questions(3)
    t.strictSame(questions.map(({ host, port, scheme, method }) => ({ host, port, scheme, method })).sort((a, b) => a.port - b.port),
      [ssh, postgres, redis].sort((a, b) => a - b).map(port => ({ host: 'ask.test', port, scheme: 'tcp', method: null })), 'a question names host and port')
    t.notOk(house.lookups.includes('ask.test'), 'and nothing is resolved before its answer')
    for (const { id } of questions) await house.firewall.answer(id, { verdict: 'approve', grant: 'once' })
  })()]).then(([ran]) => ran)
  t.equal(err, '')
  const lines = new Map(out.trim().split('\n').map(line => line.split(/: (.*)/s) as [string, string]))
  for (const host of ['open', 'ask']) {
    t.equal(lines.get(`ssh ${host}`), 'hello from sshd status 0')
    t.equal(lines.get(`psql ${host}`), 'hello|t status 0', 'over a TLS that is not ours')
    t.equal(lines.get(`redis ${host}`), 'PONG status 0')
  }
  for (const name of ['ssh', 'psql', 'redis']) t.match(lines.get(`${name} shut`), /status (?!0)/)
  t.notOk(house.lookups.includes('shut.test'))
  const closings = await house.closings(9)
  t.strictSame(new Set(closings.map(({ scheme }) => scheme)), new Set(['tcp']), 'each is said to be a stream, TLS or not')
  t.strictSame(closings.filter(({ action }) => action === 'deny').map(({ host }) => host), ['shut.test', 'shut.test', 'shut.test'])
})
