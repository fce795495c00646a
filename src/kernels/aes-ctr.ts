/** AES-256-CTR at a given block counter (NIST SP 800-38A): what encrypted modes and key blobs are enciphered with. */
import { aes256CtrNode } from './aes-ctr-node.ts'
import type { Aes256Ctr } from './kernel.ts'

export const aes256Ctr: Aes256Ctr = aes256CtrNode
