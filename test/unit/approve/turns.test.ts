import t from 'tap'
import { createTurns } from '../../../lib/approve/turns.ts'

const never = new AbortController().signal
const tick = (): Promise<void> => new Promise(done => { setImmediate(done) })

t.test('so many at once, the others in the order in which they came', async t => {
  const turns = createTurns(2)
  const began: number[] = []
  const ends: (() => void)[] = []
  for (let caller = 0; caller < 5; caller++) {
    void turns.take(never).then(end => {
      began.push(caller)
      ends[caller] = end
    })
  }
  await tick()
  t.strictSame(began, [0, 1])
  ends[1]!()
  ends[1]!()
  await tick()
  t.strictSame(began, [0, 1, 2], 'a turn that is ended twice makes one place')
  ends[0]!()
  ends[2]!()
  await tick()
  t.strictSame(began, [0, 1, 2, 3, 4])
  ends[3]!()
  ends[4]!()
  const again = await Promise.all([turns.take(never), turns.take(never)])
  t.equal(again.length, 2, 'all places are free again')
})

t.test('who gives up loses the place in line, and takes none', async t => {
  const turns = createTurns(1)
  const end = await turns.take(never)
  const patient = new AbortController()
  const leaving = new AbortController()
  const left = turns.take(leaving.signal)
  const stays = turns.take(patient.signal)
  leaving.abort(new Error('gone'))
  await t.rejects(left, /gone/)
  end()
  const endStays = await stays
  patient.abort()
  endStays()
  await t.resolves(turns.take(never))
  await t.rejects(turns.take(AbortSignal.abort(new Error('before'))), /before/)
})
