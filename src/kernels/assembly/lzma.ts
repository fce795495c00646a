/** The module behind lzma-wasm.ts. Memory: probabilities | what the host lays out. */
export { encode, modelSize, tablesSize } from './lzma-encode'
export { crc64, decodeLzma, decodeLzma2, inputEnd } from './lzma-decode'
