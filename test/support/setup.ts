/**
 * Property tests draw the same examples every time, so that a run can be repeated; TSBORG_SEED draws others, and
 * `TSBORG_SEED=random` different ones each time.
 */
import fc from 'fast-check'

const wanted = process.env['TSBORG_SEED']
if (wanted !== 'random') fc.configureGlobal({ seed: Number(wanted ?? 20_261_125) })
