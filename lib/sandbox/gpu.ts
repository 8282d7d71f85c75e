/**
 * The GPUs of this machine: device files, what of /sys their drivers read, and the libraries that come with them.
 * Where there is none it says so; a command that asked for one is not started without.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { OperatorError } from '../model/errors.ts'
import type { Mount } from './mounts.ts'

export interface Gpus {
  readonly mounts: readonly Mount[]
  /** What was found, for the operator. */
  readonly says: string
}

/** Each is a device file or a folder of them. Of `nvidia-caps` the rights are the files' own. */
const DEVICES = /^(?:nvidia\d+|nvidiactl|nvidia-uvm|nvidia-uvm-tools|nvidia-modeset|nvidia-caps|dri|kfd|dxg)$/
/** A GPU by itself; the others only control one. */
const IS_GPU = /^(?:nvidia\d+|dri|kfd|dxg)$/
/** Topology and identity of devices, which drivers look up by number. */
const SYS = ['/sys/bus/pci', '/sys/class/drm', '/sys/class/kfd', '/sys/dev/char', '/sys/devices', '/sys/module/nvidia']
/** Where distributions put drivers outside of /usr. */
const DRIVERS = ['/run/opengl-driver', '/run/opengl-driver-32']
const LIBRARIES = ['libcuda.so.1', 'libnvidia-ml.so.1', 'libhsa-runtime64.so.1', 'libvulkan.so.1', 'libEGL.so.1']
const LIBRARY_FOLDERS = [
  '/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib', '/usr/lib/wsl/lib', '/usr/local/nvidia/lib64',
  '/usr/local/cuda/compat', '/opt/rocm/lib', '/run/opengl-driver/lib',
]

/**
 * @param root  for tests: what stands before every path that is looked at
 * @throws OperatorError E_SANDBOX_GPU where there is none
 */
export function findGpus(root = ''): Gpus {
  const found = namesIn(join(root, '/dev')).filter(name => DEVICES.test(name)).sort()
  if (!found.some(name => IS_GPU.test(name))) throw new OperatorError('E_SANDBOX_GPU', { problem: found.length === 0 ? 'no /dev/nvidia*, /dev/dri or /dev/kfd' : `only /dev/${found.join(', /dev/')}` })
  const libraries = LIBRARIES.filter(library => LIBRARY_FOLDERS.some(folder => existsSync(join(root, folder, library))))
  return {
    mounts: [
      ...found.map((name): Mount => ({ kind: 'device', path: `/dev/${name}`, source: `/dev/${name}` })),
      ...[...SYS, ...DRIVERS].filter(path => existsSync(join(root, path))).map((path): Mount => ({ kind: 'read-only', path, source: path })),
    ],
    says: `${found.map(name => `/dev/${name}`).join(', ')}; ${libraries.length === 0 ? 'no driver library in the usual places' : libraries.join(', ')}`,
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
