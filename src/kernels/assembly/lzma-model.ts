/**
 * What LZMA's coder and decoder agree on: where each adaptive probability lives, and the state machine.
 * Facts: LZMA specification (lzma-specification.txt of the LZMA SDK); the names are its names.
 */

/** Probabilities are u16 of 11 bits; these are byte offsets from the start of memory. */
export const IS_MATCH: usize = 0
export const IS_REP: usize = IS_MATCH + 12 * 16 * 2
export const IS_REP_G0: usize = IS_REP + 12 * 2
export const IS_REP_G1: usize = IS_REP_G0 + 12 * 2
export const IS_REP_G2: usize = IS_REP_G1 + 12 * 2
export const IS_REP0_LONG: usize = IS_REP_G2 + 12 * 2
export const POS_SLOT: usize = IS_REP0_LONG + 12 * 16 * 2
export const POS_SPECIAL: usize = POS_SLOT + 4 * 64 * 2
export const POS_ALIGN: usize = POS_SPECIAL + 128 * 2
export const LENGTH: usize = POS_ALIGN + 16 * 2
export const REP_LENGTH: usize = LENGTH + 514 * 2
export const LITERAL: usize = REP_LENGTH + 514 * 2

/** Inside LENGTH and REP_LENGTH. */
export const LEN_LOW: usize = 2 * 2
export const LEN_MID: usize = LEN_LOW + 16 * 8 * 2
export const LEN_HIGH: usize = LEN_MID + 16 * 8 * 2

/** lc + lp <= 4 in everything liblzma reads, so this holds all probabilities. */
export const MODEL_SIZE: usize = LITERAL + ((0x300 * 2) << 4)

export function resetModel(literalBits: u32): void {
  const end = LITERAL + ((0x300 * 2) << literalBits)
  for (let at: usize = 0; at < end; at += 2) store<u16>(at, 1024)
}

// @ts-ignore: decorator
@inline
export function afterLiteral(state: u32): u32 {
  return state < 4 ? 0 : state < 10 ? state - 3 : state - 6
}

// @ts-ignore: decorator
@inline
export function literalProbs(position: usize, before: u32, lc: u32, lpMask: u32): usize {
  return LITERAL + 0x600 * ((((<u32>position & lpMask) << lc) + (before >> (8 - lc))) as usize)
}
