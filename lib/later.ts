/** What the program starts without: rooms that are loaded when somebody asks for them, up to 60 ms less at every start. */
import type { createFirewall as CreateFirewall } from './firewall.ts'
import type { suggestPolicy as SuggestPolicy } from './from-log.ts'
import type { explainPolicy as ExplainPolicy } from './offline.ts'
import type { createSandbox as CreateSandbox } from './sandbox/sandbox.ts'
import type { attach as Attach } from './sandbox/attach.ts'
import type { McpOptions } from './agent/mcp.ts'
import type { examine as Examine } from './sandbox/doctor.ts'
import type { probe as Probe } from './sandbox/probes.ts'
import type { runDemo as RunDemo } from './demo/demo.ts'
import type { describeSetup as DescribeSetup, runConformance as RunConformance } from './conformance/run.ts'
import type { openHooks as OpenHooks, readSettings as ReadSettings } from './hooks.ts'
import type { modelReviewer as ModelReviewer } from './reviewer.ts'
import { VERSION } from './version.ts'
import type { openTerm as OpenTerm } from './term/open.ts'

/** @throws OperatorError for whatever of the options cannot stand: one sentence, and what to do */
export const createFirewall: typeof CreateFirewall = async options => (await import('./firewall.ts')).createFirewall(options)

export const createSandbox: typeof CreateSandbox = async options => {
  // It may fail while whoever hears of that is still being loaded.
  if (typeof options.firewall !== 'function') Promise.resolve(options.firewall).catch(() => {})
  return (await import('./sandbox/sandbox.ts')).createSandbox(options)
}

export const attach: typeof Attach = async options => (await import('./sandbox/attach.ts')).attach(options)

export const examine: typeof Examine = async examined => (await import('./sandbox/doctor.ts')).examine(examined)

export const probe: typeof Probe = async (...given) => (await import('./sandbox/probes.ts')).probe(...given)

/** The agent's side as tools, on standard input and output. Serves until the input ends. */
export const serveMcp = async (options: Omit<McpOptions, 'version'>): Promise<void> => (await import('./agent/mcp.ts')).serveMcp({ ...options, version: VERSION })

export const runDemo: typeof RunDemo = async options => (await import('./demo/demo.ts')).runDemo(options)

export const runConformance: typeof RunConformance = async options => (await import('./conformance/run.ts')).runConformance(options)

export const describeSetup: typeof DescribeSetup = async (...given) => (await import('./conformance/run.ts')).describeSetup(...given)

export const openTerm: typeof OpenTerm = async options => (await import('./term/open.ts')).openTerm(options)

export const suggestPolicy: typeof SuggestPolicy = async (...given) => (await import('./from-log.ts')).suggestPolicy(...given)

export const explainPolicy: typeof ExplainPolicy = async (...given) => (await import('./offline.ts')).explainPolicy(...given)

export const readSettings: typeof ReadSettings = async file => (await import('./hooks.ts')).readSettings(file)

export const openHooks: typeof OpenHooks = async (...given) => (await import('./hooks.ts')).openHooks(...given)

export const modelReviewer: typeof ModelReviewer = async options => (await import('./reviewer.ts')).modelReviewer(options)
