/**
 * How lock owners are written down: as the name of a file in the claim, and as JSON in `lock.roster`.
 *
 * Source: format sheet repository, section 15.
 */
export type LockKind = 'shared' | 'exclusive'

/** Who holds a lock, as the roster has it: host, process, thread (0 in every program known). */
export type Identity = readonly [hostId: string, processId: number, thread: number]
export type Roster = Record<LockKind, readonly Identity[]>

/** The file name in a claim. */
export function claimOwner([hostId, processId, thread]: Identity): string {
  return `${hostId}.${processId}-${thread.toString(16)}`
}

/** Read from the right: host ids contain dots and dashes. */
export function parseClaimOwner(text: string): Identity | undefined {
  const match = /^(.*)\.(\d+)-([0-9a-f]+)$/s.exec(text)
  if (match === null) return undefined
  const [, hostId = '', processId = '', thread = ''] = match
  return [hostId, Number.parseInt(processId, 10), Number.parseInt(thread, 16)]
}

/** As Python's json prints it. */
export function formatRoster(roster: Roster): string {
  const lists = (['shared', 'exclusive'] as const)
    .filter((kind) => roster[kind].length > 0)
    .map((kind) => `"${kind}": [${roster[kind].map(formatIdentity).join(', ')}]`)
  return `{${lists.join(', ')}}`
}

function formatIdentity([hostId, processId, thread]: Identity): string {
  const quoted = JSON.stringify(hostId).replace(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `[${quoted}, ${processId}, ${thread}]`
}

export function parseRoster(text: string): Roster {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    parsed = {}
  }
  const field = (kind: LockKind): readonly Identity[] => {
    if (typeof parsed !== 'object' || parsed === null || !(kind in parsed)) return []
    const list: unknown = (parsed as Partial<Record<LockKind, unknown>>)[kind]
    return Array.isArray(list) ? list.filter(isIdentity) : []
  }
  return { shared: field('shared'), exclusive: field('exclusive') }
}

function isIdentity(value: unknown): value is Identity {
  if (!Array.isArray(value) || value.length !== 3) return false
  const [hostId, processId, thread]: readonly unknown[] = value
  return typeof hostId === 'string' && Number.isSafeInteger(processId) && Number.isSafeInteger(thread)
}

function sameIdentity(a: Identity, b: Identity): boolean {
  return a[0] === b[0] && a[1] === b[1] && a[2] === b[2]
}

export function withIdentity(list: readonly Identity[], identity: Identity): readonly Identity[] {
  return list.some((other) => sameIdentity(other, identity)) ? list : [...list, identity]
}

export function withoutIdentity(list: readonly Identity[], identity: Identity): readonly Identity[] {
  return list.filter((other) => !sameIdentity(other, identity))
}
