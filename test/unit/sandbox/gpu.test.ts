/** Which GPUs are passed. */
import t from 'tap'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { findGpus } from '../../../lib/sandbox/gpu.ts'

function machine(t: { teardown(call: () => void): void }, ...paths: string[]): string {
  const root = mkdtempSync(join(tmpdir(), 'sallyport-gpu-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  for (const path of paths) {
    mkdirSync(join(root, dirname(path)), { recursive: true })
    writeFileSync(join(root, path), '')
  }
  return root
}

t.test('NVIDIA: every device, what controls them, and the driver\'s libraries', async t => {
  const { mounts, says } = findGpus(machine(t, '/dev/nvidia0', '/dev/nvidia1', '/dev/nvidiactl', '/dev/nvidia-uvm', '/dev/sda', '/dev/null', '/usr/lib64/libcuda.so.1', '/sys/class/drm/x'))
  t.strictSame(mounts.filter(({ kind }) => kind === 'device').map(({ path }) => path), ['/dev/nvidia-uvm', '/dev/nvidia0', '/dev/nvidia1', '/dev/nvidiactl'])
  t.ok(mounts.some(({ kind, path }) => kind === 'read-only' && path === '/sys/class/drm'))
  t.match(says, /nvidia0.*libcuda\.so\.1/)
})

t.test('others: /dev/dri and /dev/kfd', async t => {
  t.match(findGpus(machine(t, '/dev/dri/renderD128', '/dev/kfd')).says, /\/dev\/dri, \/dev\/kfd; no driver library/)
})

t.test('without a GPU it says so, also where a driver is loaded without one', async t => {
  t.throws(() => findGpus(machine(t, '/dev/null')), { code: 'E_SANDBOX_GPU', message: /no \/dev\/nvidia/ })
  t.throws(() => findGpus(machine(t, '/dev/nvidiactl')), { code: 'E_SANDBOX_GPU', message: /only \/dev\/nvidiactl/ })
})
