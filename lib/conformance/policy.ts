/** What ourselves are told: a policy for the lanes, and where names lead. Pure. */
import type { Case } from './cases.ts'
import { PORTS } from './net.ts'
import type { LaneNames } from './setup.ts'

export const policyFor = (lanes: readonly LaneNames[]): { readonly rules: readonly unknown[] } & Readonly<Record<string, unknown>> => ({
  version: 1,
  unmatched: 'deny',
  rules: [
    // That they are ours no rule opens.
    { id: 'our-own-doors', cidr: '127.0.0.1', port: '1024-65535', scheme: ['https', 'http'], access: 'full' },
    { id: 'shut-addresses', host: '*.shut.test', scheme: ['https', 'http'], access: 'full' },
    { id: 'opened-addresses', host: '*.opened.test', scheme: ['https', 'http'], access: 'full', private: true },
    { id: 'asked-addresses', action: 'hold', host: '*.asked-shut.test', scheme: ['https', 'http'] },
    ...lanes.flatMap(({ allowed, inside, asked }) => [
      { id: `lane-${allowed.slice(5, 7)}`, host: allowed, scheme: ['https', 'http'], access: 'full', private: true },
      { id: `inside-${allowed.slice(5, 7)}`, host: inside, scheme: ['https', 'http'], access: 'full' },
      { id: `asked-${allowed.slice(5, 7)}`, action: 'hold', host: asked, scheme: ['https', 'http'], port: [80, 443], private: true },
    ]),
  ],
})

/** @returns as curl's `--resolve` */
export function namesIn(lanes: readonly LaneNames[], cases: readonly Case[]): string[] {
  const ofLanes = lanes.flatMap(({ address, allowed, denied, inside, asked }) => [allowed, denied, inside, asked].map(name => [name, address] as const))
  const ofCases = new Map(cases.flatMap(({ names = {} }) => Object.entries(names)))
  return [...ofLanes, ...ofCases].flatMap(([name, address]) => PORTS.map(port => `${name}:${port}:${address.includes(':') ? `[${address}]` : address}`))
}
