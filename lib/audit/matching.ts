/** Which records somebody looks for. Pure. */
import type { AuditRecord } from '../model/audit.ts'
import type { FlowQuery } from '../model/desk.ts'

export function matcher({ host, action, text }: FlowQuery): (record: AuditRecord) => boolean {
  const name = host?.toLowerCase()
  const wanted = text?.toLowerCase()
  return record => (name === undefined || record.host === name || record.host?.endsWith(`.${name}`) === true)
    && (action === undefined || record.action === action)
    && (wanted === undefined || textsOf(record).some(each => each.toLowerCase().includes(wanted)))
}

/** What a person may look for. */
function textsOf({ flow, client, scheme, host, method, path, action, rule, reason, code, address, error, held, details }: AuditRecord): readonly string[] {
  const texts = [flow, client, scheme, host, method, path, action, rule, reason, code, address, error, held?.question, held?.by, held?.door, held?.grant, ...Object.values(details ?? {})]
  return texts.filter(text => typeof text === 'string')
}
