/**
 * The calls that a sandboxed command may not make, as a seccomp filter (classic BPF, seccomp(2)) for bwrap.
 *
 * Namespaces close the network; this closes what no namespace does: sockets that are not the network's
 * (vsock reaches the hypervisor), the terminal's input queue (TIOCSTI types into the operator's shell),
 * namespaces within, keys of the kernel, io_uring, which opens sockets that no filter sees, and setuid files, which
 * would be left in a folder of the host for its other users to run.
 * What is refused fails with an error that programs know; everything else is allowed.
 */

/** Numbers of system calls, from the kernel's `syscall_64.tbl` and `asm-generic/unistd.h`. */
interface Calls {
  /** AUDIT_ARCH_*: of the ABI that these numbers are for. */
  readonly arch: number
  readonly clone: number
  readonly ioctl: number
  readonly socket: number
  readonly ptrace: number
  /** What gives a file its mode, and which argument that is. */
  readonly modes: readonly (readonly [number: number, mode: number])[]
  /** What does so where its flags say that it creates one. */
  readonly opens: readonly (readonly [number: number, flags: number, mode: number])[]
  /** Refused whatever their arguments: namespaces, keys, BPF, perf, userfaultfd. */
  readonly refused: readonly number[]
}

/** clone3 and openat2 take what they are told in memory, where no filter can look, and io_uring is another way to make any call. All are "not there": callers know what to do then. */
const ABSENT = [435 /* clone3 */, 437 /* openat2 */, 425, 426, 427 /* io_uring_setup, _enter, _register */]

const CALLS: Readonly<Record<string, Calls>> = {
  x64: {
    arch: 0xc000003e, clone: 56, ioctl: 16, socket: 41, ptrace: 101,
    modes: [[90, 1] /* chmod */, [91, 1] /* fchmod */, [268, 2] /* fchmodat */, [452, 2] /* fchmodat2 */, [85, 1] /* creat */, [133, 1] /* mknod */, [259, 2] /* mknodat */],
    opens: [[2, 1, 2] /* open */, [257, 2, 3] /* openat */],
    refused: [272 /* unshare */, 308 /* setns */, 248 /* add_key */, 249 /* request_key */, 250 /* keyctl */, 321 /* bpf */, 298 /* perf_event_open */, 323 /* userfaultfd */],
  },
  arm64: {
    arch: 0xc00000b7, clone: 220, ioctl: 29, socket: 198, ptrace: 117,
    modes: [[52, 1] /* fchmod */, [53, 2] /* fchmodat */, [452, 2] /* fchmodat2 */, [33, 2] /* mknodat */],
    opens: [[56, 2, 3] /* openat */],
    refused: [97 /* unshare */, 268 /* setns */, 217 /* add_key */, 218 /* request_key */, 219 /* keyctl */, 280 /* bpf */, 241 /* perf_event_open */, 282 /* userfaultfd */],
  },
}

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET; clone(2) has no NEWTIME. */
const NEW_NAMESPACE = 0x7e020000
/** TIOCSTI and TIOCLINUX: both put characters into a terminal's input. */
const TYPING = [0x5412, 0x541c]
/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. */
const FAMILIES = [1, 2, 10, 16]

/** S_ISUID. */
const SETUID = 0o4000
/** O_CREAT and O_TMPFILE; without them the mode is whatever was in the register. */
const CREATE = 0x400040

const EPERM = 1
const ENOSYS = 38
const EAFNOSUPPORT = 97
const ALLOW = 0x7fff0000
const KILL_PROCESS = 0x80000000
const errno = (code: number): number => 0x00050000 | code

/** Offsets in `struct seccomp_data`, both processors being little-endian. */
const NUMBER = 0
const ARCH = 4
const argument = (index: number): number => 16 + 8 * index

/** BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, …JSET…, …JGE…, BPF_RET|BPF_K. */
const LOAD = 0x20
const IF_EQUAL = 0x15
const IF_ANY_BIT = 0x45
const IF_AT_LEAST = 0x35
const RETURN = 0x06
/** Of a number that belongs to the x32 ABI. */
const X32 = 0x40000000

type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, value: number]

/**
 * @param arch as `process.arch` has it
 * @returns the program for `bwrap --seccomp`; null for a processor whose numbers we do not know
 */
export function seccompFilter(arch: string): Buffer | null {
  const calls = CALLS[arch]
  if (calls === undefined) return null
  const program: Instruction[] = [
    load(ARCH), ...unless(calls.arch, KILL_PROCESS),
    load(NUMBER), ...when(IF_AT_LEAST, X32, errno(ENOSYS)),
    ...calls.refused.flatMap(number => when(IF_EQUAL, number, errno(EPERM))),
    ...ABSENT.flatMap(number => when(IF_EQUAL, number, errno(ENOSYS))),
    ...onCall(calls.clone, [load(argument(0)), ...when(IF_ANY_BIT, NEW_NAMESPACE, errno(EPERM))]),
    ...onCall(calls.ioctl, [load(argument(1)), ...TYPING.flatMap(request => when(IF_EQUAL, request, errno(EPERM)))]),
    ...onCall(calls.socket, [load(argument(0)), ...FAMILIES.flatMap(family => when(IF_EQUAL, family, ALLOW)), end(errno(EAFNOSUPPORT))]),
    // bwrap's own first process, which would stop and take no signal any more.
    ...onCall(calls.ptrace, [load(argument(1)), ...when(IF_EQUAL, 1, errno(EPERM))]),
    ...calls.modes.flatMap(([number, mode]) => onCall(number, withoutSetuid(mode))),
    ...calls.opens.flatMap(([number, flags, mode]) => onCall(number, [load(argument(flags)), [IF_ANY_BIT, 0, withoutSetuid(mode).length, CREATE], ...withoutSetuid(mode)])),
    end(ALLOW),
  ]
  const bytes = Buffer.alloc(program.length * 8)
  program.forEach(([code, whenTrue, whenFalse, value], index) => {
    bytes.writeUInt16LE(code, index * 8)
    bytes.writeUInt8(whenTrue, index * 8 + 2)
    bytes.writeUInt8(whenFalse, index * 8 + 3)
    bytes.writeUInt32LE(value >>> 0, index * 8 + 4)
  })
  return bytes
}

const load = (offset: number): Instruction => [LOAD, 0, 0, offset]
const end = (verdict: number): Instruction => [RETURN, 0, 0, verdict]
const when = (test: number, value: number, verdict: number): Instruction[] => [[test, 0, 1, value], end(verdict)]
const unless = (value: number, verdict: number): Instruction[] => [[IF_EQUAL, 1, 0, value], end(verdict)]
const withoutSetuid = (mode: number): Instruction[] => [load(argument(mode)), ...when(IF_ANY_BIT, SETUID, errno(EPERM))]
/** The body replaces the number that was loaded, so what passes it is allowed. */
const onCall = (number: number, body: readonly Instruction[]): Instruction[] => [[IF_EQUAL, 0, body.length + 1, number], ...body, end(ALLOW)]
