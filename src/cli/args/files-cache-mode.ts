/**
 * --files-cache MODE.
 */
import { type FilesCacheMode, parseFilesCacheMode } from '../../parsing.ts'
import type { ValueType } from './value-type.ts'
import { refusal } from './value-types.ts'

export const filesCacheMode: ValueType<FilesCacheMode> = {
  name: 'FilesCacheMode',
  parse(text) {
    try {
      return parseFilesCacheMode(text)
    } catch (error) {
      if (error instanceof RangeError) throw refusal(error.message)
      throw error
    }
  },
}
