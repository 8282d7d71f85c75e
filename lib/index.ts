/** The front door: everything that a user of the library may rely on, and nothing else. */
export { createFirewall } from './later.ts'
export type { Firewall, Listening, ProxyAddress, Ruled } from './contract.ts'
export type { Shared, SharedAddresses } from './transparent.ts'
export type { ApproveFunction, AuditTarget, ConsoleAddress, FirewallOptions } from './options.ts'
export { LIMITS } from './limits.ts'
export type { LimitRow, LimitUnit, Limits } from './limits.ts'
export { VERSION } from './version.ts'

// Approval: what a hook is handed, what it may answer, and the ready-made hooks.
export type { Answer, Approve, AskedRule, Door, GrantRequest, Held, HeldTask, Pass, Pending, Refuse, RiskNote, Suggestion, TaskGrant } from './model/hold.ts'
export type { BudgetTold, Meter } from './model/budget.ts'
export type { AnswerResult, BudgetLine, Desk, DeskEvent, FlowQuery, RecentFlows, Status } from './model/desk.ts'
export type { Decided, DecisionScope, Granted, RuleInForce, RulesInForce, ShownQuestion, TogetherResult, Undone } from './model/grants.ts'
export { allMustAgree, escalateAfter, firstAnswer, officeHours, quorum } from './approve/combine.ts'
export type { OfficeHours } from './approve/combine.ts'
export { commandDoor } from './approve/command.ts'
export { openCallbacks } from './approve/callback.ts'
export type { CallbackOptions, Callbacks } from './approve/callback.ts'
export { webhookDoor } from './approve/webhook.ts'
export type { WebhookOptions } from './approve/webhook.ts'
export { terminalDoor } from './approve/terminal.ts'

// The policy, offline.
export type { PolicyDocument, RuleDocument, RuleShape } from './model/policy.ts'
export type { RequestLike } from './normalize/offline.ts'
export { checkPolicy, loadPolicy } from './config/load.ts'
export type { Loaded } from './config/load.ts'
export { formatProblem } from './config/problems.ts'
export type { Problem } from './config/problems.ts'
export { starterPolicy } from './config/starter.ts'
export { shippedPresets } from './config/presets.ts'
export type { Parameter as PresetParameter, Preset, PresetSource } from './config/presets.ts'
export { describePreset, takenSettings } from './config/describe.ts'
export type { DescribedPreset, Taken } from './config/describe.ts'
export { addSuggested, withSuggested } from './add-suggested.ts'
export { suggestPolicy } from './later.ts'
export type { LeftOutOfPolicy, SuggestOptions, SuggestedPolicy, SuggestedRule } from './from-log.ts'
export { explainPolicy } from './later.ts'
export type { Explained } from './offline.ts'

// The operator's side of a running firewall.
export { connectControl } from './control/client.ts'
export type { ControlClient } from './control/client.ts'
export { findControl } from './control/paths.ts'
export { openTerm } from './later.ts'
export type { TermOptions } from './term/open.ts'

// A command with one way out.
export { attach, createSandbox, examine, probe } from './later.ts'
export type { AttachOptions, Attached, Place } from './sandbox/attach.ts'
export type { Exit } from './sandbox/link.ts'
export type { Sandbox, SandboxOptions } from './sandbox/sandbox.ts'
export { applyRedirect, redirectRules } from './sandbox/redirect.ts'
export type { Redirect } from './sandbox/redirect.ts'
export { isExposed } from './sandbox/plan.ts'
export type { Finding } from './sandbox/doctor.ts'

// The CA and what clients need of it.
export { describeEnvironment, openCa } from './identity.ts'
export type { CaFiles } from './identity.ts'

// The audit log.
export type { AuditRecord } from './model/audit.ts'
export { formatRecord, readLog } from './audit/show.ts'
export { verifyLog } from './audit/chain.ts'

// For programs around it.
export { OperatorError, isOperatorError } from './model/errors.ts'
export { systemClock } from './model/clock.ts'
export type { Clock } from './model/clock.ts'
export { parseDuration } from './config/durations.ts'
export { parseSize } from './config/sizes.ts'
export { describeSetup, runConformance, runDemo, serveMcp } from './later.ts'
export type { CaseResult, ConformanceOptions } from './conformance/run.ts'
export type { Setup as ConformanceSetup } from './conformance/setup.ts'
