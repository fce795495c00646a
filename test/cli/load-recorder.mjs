/**
 * Preloaded (`node --import`): writes the URL of every module the program loads to the file TSBORG_TEST_LOADED names.
 * Works on every supported Node: the hook thread writes, with one synchronous append a module.
 */
import { register } from 'node:module'

const hooks = `
import { appendFileSync } from 'node:fs'
export async function load(url, context, next) {
  appendFileSync(${JSON.stringify(process.env['TSBORG_TEST_LOADED'])}, url + '\\n')
  return next(url, context)
}
`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
