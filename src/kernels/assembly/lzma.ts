/** The module behind lzma-wasm.ts. Memory: probabilities | what the host lays out. */
export { encode, modelSize } from './lzma-encode'
export { tablesSize } from './lzma-matches'
export { crc64, decodeLzma, decodeLzma2, inputEnd } from './lzma-decode'
