/** Where reservations are written down before use. The repository and the security directory both keep one. */
export interface NonceLedger {
  free(): Promise<bigint | undefined>
  reserve(next: bigint, expected: bigint | undefined): Promise<void>
}
/** Hands out ranges of AES-CTR blocks that no crash, rollback or second client can hand out again. */
export declare class NonceAllocator {
  constructor(ledgers: readonly NonceLedger[], firstFree: bigint)
  take(blocks: number): Promise<bigint>
}
