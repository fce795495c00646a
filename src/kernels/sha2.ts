/** SHA-256, HMAC, HKDF and PBKDF2 over SHA-2: ids, MACs and key derivation of borg's non-blake2 modes. */
import type { Hkdf, Hmac, Pbkdf2, Sha256 } from './kernel.ts'
import { hkdfSha512Node, hmacSha256Node, hmacSha512Node, pbkdf2Sha256Node, sha256Node } from './sha2-node.ts'

export const sha256: Sha256 = sha256Node
export const hmacSha256: Hmac = hmacSha256Node
export const hmacSha512: Hmac = hmacSha512Node
export const hkdfSha512: Hkdf = hkdfSha512Node
export const pbkdf2Sha256: Pbkdf2 = pbkdf2Sha256Node
