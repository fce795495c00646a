/**
 * For people who write a Store, or need one without a disk: `import { MemoryStore, storeContract } from 'tsborg/testing'`.
 */
export { type ContractCase, type ContractOptions, storeContract } from './store/contract.ts'
export { MemoryStore } from './store/memory-store.ts'
