/** The filter of system calls, run as the kernel would run it. */
import t from 'tap'
import { seccompFilter } from '../../../lib/sandbox/seccomp.ts'

const ALLOW = 0x7fff0000
const KILL = 0x80000000
const EPERM = 0x00050001
const ENOSYS = 0x00050026
const EAFNOSUPPORT = 0x00050061
const X64 = 0xc000003e
const ARM64 = 0xc00000b7

/** A reader of classic BPF, for the instructions that a filter may have. */
function verdict(program: Buffer, call: { arch: number, number: number, args?: readonly number[] }): number {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(call.number >>> 0, 0)
  data.writeUInt32LE(call.arch >>> 0, 4)
  call.args?.forEach((value, index) => data.writeUInt32LE(value >>> 0, 16 + index * 8))
  let loaded = 0
  for (let at = 0; at < program.length / 8; at++) {
    const code = program.readUInt16LE(at * 8)
    const [yes, no, value] = [program.readUInt8(at * 8 + 2), program.readUInt8(at * 8 + 3), program.readUInt32LE(at * 8 + 4)]
    if (code === 0x06) return value
    if (code === 0x20) loaded = data.readUInt32LE(value)
    else if (code === 0x15) at += loaded === value ? yes : no
    else if (code === 0x45) at += (loaded & value) !== 0 ? yes : no
    else if (code === 0x35) at += loaded >= value ? yes : no
    else throw new Error(`instruction ${code}`)
  }
  throw new Error('ran past the end')
}

const x64 = seccompFilter('x64')!
const arm64 = seccompFilter('arm64')!

// [what it shows, number, arguments, verdict]
const cases: [string, number, number[], number][] = [
  ['read', 0, [0], ALLOW],
  ['fork', 56, [0x01200011], ALLOW],
  ['a thread', 56, [0x003d0f00], ALLOW],
  ['clone into a user namespace', 56, [0x10000011], EPERM],
  ['clone into a network namespace', 56, [0x40000011], EPERM],
  ['clone into a mount namespace', 56, [0x00020011], EPERM],
  ['clone3, whose flags cannot be seen', 435, [0], ENOSYS],
  ['unshare', 272, [0x10000000], EPERM],
  ['setns', 308, [3, 0], EPERM],
  ['io_uring', 425, [1], ENOSYS],
  ['keyctl', 250, [0], EPERM],
  ['bpf', 321, [0], EPERM],
  ['a terminal\'s window size', 16, [0, 0x5413], ALLOW],
  ['typing into the terminal', 16, [0, 0x5412], EPERM],
  ['pasting into the console', 16, [0, 0x541c], EPERM],
  ['a TCP socket', 41, [2, 1], ALLOW],
  ['an IPv6 socket', 41, [10, 1], ALLOW],
  ['a unix socket', 41, [1, 1], ALLOW],
  ['a netlink socket', 41, [16, 3], ALLOW],
  ['a packet socket', 41, [17, 3], EAFNOSUPPORT],
  ['a socket to the hypervisor', 41, [40, 1], EAFNOSUPPORT],
  ['a family that the kernel does not have yet', 41, [200, 1], EAFNOSUPPORT],
  ['a debugger at a program', 101, [16, 2], ALLOW],
  ['a debugger at the first process', 101, [16, 1], EPERM],
  ['chmod', 90, [0, 0o755], ALLOW],
  ['chmod of a folder for a group', 90, [0, 0o2775], ALLOW],
  ['a setuid file', 90, [0, 0o4755], EPERM],
  ['a setuid file by descriptor', 91, [3, 0o4755], EPERM],
  ['a setuid file by folder', 268, [3, 0, 0o4755], EPERM],
  ['a setuid file that is made so', 257, [3, 0, 0x41, 0o4755], EPERM],
  ['a setuid file that has no name yet', 257, [3, 0, 0x410002, 0o4755], EPERM],
  ['a file that is made', 257, [3, 0, 0x41, 0o644], ALLOW],
  ['a file that is opened, with anything for a mode', 257, [3, 0, 0, 0o4755], ALLOW],
  ['open, with anything for a mode', 2, [0, 0, 0o7777], ALLOW],
  ['openat2, whose mode cannot be seen', 437, [0], ENOSYS],
  ['a call with a number of the x32 ABI', 0x40000000 + 41, [40], ENOSYS],
]
t.test('what is refused is refused, and programs go on working', async t => {
  for (const [shows, number, args, expected] of cases) t.equal(verdict(x64, { arch: X64, number, args }), expected, shows)
})

t.test('on arm64 the numbers are others', async t => {
  for (const [shows, number, args, expected] of [
    ['a packet socket', 198, [17], EAFNOSUPPORT], ['a TCP socket', 198, [2], ALLOW], ['unshare', 97, [0], EPERM],
    ['clone into a user namespace', 220, [0x10000011], EPERM], ['fork', 220, [0x11], ALLOW], ['typing', 29, [0, 0x5412], EPERM], ['what is a socket on x64', 41, [40], ALLOW], ['a setuid file', 53, [3, 0, 0o4755], EPERM], ['one that is made so', 56, [3, 0, 0x41, 0o4755], EPERM],
  ] as [string, number, number[], number][]) t.equal(verdict(arm64, { arch: ARM64, number, args }), expected, shows)
})

t.test('a program for another processor makes no call at all', async t => {
  t.equal(verdict(x64, { arch: 0x40000003, number: 102 }), KILL, 'i386, where all socket calls are one')
  t.equal(verdict(arm64, { arch: 0x40000028, number: 0 }), KILL)
})

t.test('there is none for a processor whose numbers we do not know', async t => {
  t.equal(seccompFilter('s390x'), null)
})
