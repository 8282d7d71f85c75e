/** Reads the values of flags. What cannot be read is told in one sentence. */
import { InvalidArgumentError } from 'commander'
import { parseDuration, parseSize } from '../lib/index.ts'

export function duration(text: string): number {
  const ms = parseDuration(text)
  if (ms === null) throw new InvalidArgumentError('Write a number with a unit: 500ms, 30s, 10m, 1h or 2d.')
  return ms
}

export function size(text: string): number {
  const bytes = parseSize(text)
  if (bytes === null) throw new InvalidArgumentError('Write a number of bytes, or one with a unit: 64K, 100M or 1G.')
  return bytes
}

export function count(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('Write a whole number of at least 1.')
  return Number(text)
}

/** For flags that may be given several times. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}

export function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new InvalidArgumentError('Write JSON, for example \'{"host":"api.example.com","access":"read-only"}\'.')
  }
}

/** `127.0.0.1:8080`, `[::1]:8080`, `:8080` or `8080`. */
export function address(text: string): { readonly host: string, readonly port: number } {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$|^(\d{1,5})$/.exec(text)
  const port = Number(parts?.[3] ?? parts?.[4])
  if (parts === null || port > 65_535) throw new InvalidArgumentError('Write an address and a port: 127.0.0.1:8080 (port 0 takes a free one).')
  return { host: parts[1] ?? (parts[2] || '127.0.0.1'), port }
}
