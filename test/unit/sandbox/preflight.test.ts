/** Why a machine makes no sandbox. */
import t from 'tap'
import { TOOLS, explainRefusal, findClosedSwitch, findTools, toolPath } from '../../../lib/sandbox/preflight.ts'
import { isOperatorError } from '../../../lib/model/errors.ts'

const reading = (files: Record<string, string>) => (path: string): string | null => files[path] ?? null
const SAYS = 'unshare: unshare failed: Operation not permitted\n'

t.test('the switch that refuses is named, with what to do', async t => {
  for (const [files, problem, fix] of [
    [{ '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1' }, /apparmor_restrict_unprivileged_userns/, /AppArmor profile/],
    [{ '/proc/sys/kernel/unprivileged_userns_clone': '0' }, /unprivileged_userns_clone/, /sysctl -w kernel\.unprivileged_userns_clone=1/],
    [{ '/proc/sys/user/max_user_namespaces': '0' }, /max_user_namespaces/, /sysctl -w user\.max_user_namespaces/],
    [{ '/proc/sys/user/max_net_namespaces': '0' }, /max_net_namespaces/, /sysctl -w user\.max_net_namespaces/],
    [{ '/proc/self/status': 'Name:\tnode\nSeccomp:\t2\n' }, /seccomp filter.*Operation not permitted/, /--security-opt/],
  ] as [Record<string, string>, RegExp, RegExp][]) {
    const refusal = explainRefusal(SAYS, reading(files), false)
    t.match(refusal.problem, problem)
    t.match(refusal.fix, fix)
  }
})

t.test('root is not stopped by a switch for everybody else', async t => {
  const read = reading({ '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1', '/proc/sys/user/max_user_namespaces': '0' })
  t.match(findClosedSwitch(read, false), { problem: /apparmor/ })
  t.match(findClosedSwitch(read, true), { problem: /max_user/ }, 'but by one for all')
})

t.test('a switch that is open is not blamed', async t => {
  const refusal = explainRefusal(SAYS, reading({
    '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '0', '/proc/sys/kernel/unprivileged_userns_clone': '1',
    '/proc/sys/user/max_user_namespaces': '96365', '/proc/self/status': 'Seccomp:\t0\n',
  }))
  t.equal(refusal.problem, 'unshare: unshare failed: Operation not permitted', 'then the tool has the word')
  t.match(explainRefusal('', reading({})).problem, /no reason/)
})

t.test('a tool is found in an administrator\'s folders, which a user\'s PATH leaves out', async t => {
  const tools = findTools({ PATH: '/nowhere' }, TOOLS)
  for (const path of Object.values(tools)) t.match(path, /^\//)
  t.match(toolPath({ PATH: '/mine' }), /^\/usr\/sbin:.*:\/mine$/, 'the user\'s own come last')
})

t.test('a missing tool is one sentence with its package', async t => {
  t.throws(() => findTools({ PATH: '/nowhere' }, TOOLS, '/nowhere'), { code: 'E_SANDBOX_TOOL' })
  try {
    findTools({}, TOOLS, '/nowhere')
  } catch (error) {
    t.ok(isOperatorError(error) && /unshare/.test(error.message) && /util-linux/.test(error.fix))
  }
})
