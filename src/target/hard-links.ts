/**
 * Names of one file: who gets the content when only some of them are extracted.
 *
 * An archive keeps content with the first name only; later ones say whose. If the first is not selected, the first
 * selected one takes its content and its place. Source: format/objects.md §6 "Hardlinks".
 */
import { classify, type Item, mayBeSource } from '../archive/item.ts'
import { stripComponents } from './safe-path.ts'

type Known =
  /** Not selected: its content waits for the first selected other name. */
  | { readonly state: 'waiting'; readonly item: Item }
  /** The archived path of the name that has the content. */
  | { readonly state: 'selected'; readonly path: string }

/** One per extraction; told of every item of the archive, in order. */
export class HardLinkPlan {
  readonly #known = new Map<string, Known>()
  readonly #placed = new Set<string>()
  readonly #stripComponents: number

  constructor(stripped = 0) {
    this.#stripComponents = stripped
  }

  /** For items that are not extracted. */
  passOver(item: Item): void {
    if (mayBeSource(item)) this.#known.set(item.path, { state: 'waiting', item })
  }

  /**
   * For items that are: the item to extract, which for a later name may now carry the content of the first.
   * May run ahead of extraction, so that content can be fetched early.
   */
  resolve(item: Item): Item {
    if (stripComponents(item.path, this.#stripComponents) === undefined) {
      this.passOver(item)
      return item
    }
    if (mayBeSource(item)) {
      this.#known.set(item.path, { state: 'selected', path: item.path })
      return item
    }
    const known = this.#known.get(item.source ?? '')
    if (classify(item).kind !== 'hardlink' || known?.state !== 'waiting') return item
    this.#known.set(known.item.path, { state: 'selected', path: item.path })
    return withContentOf(item, known.item)
  }

  /** After success: later names may link to it. */
  placed(item: Item): void {
    if (mayBeSource(item)) this.#placed.add(item.path)
  }

  /**
   * The archived path of the extracted name that `source` stands for. Undefined when no earlier item of the archive is
   * that file: then nobody may link to it, or an archive could give out names for any file that is there already.
   */
  find(source: string): { readonly path: string; readonly placed: boolean } | undefined {
    const known = this.#known.get(source)
    if (known?.state !== 'selected') return undefined
    return { path: known.path, placed: this.#placed.has(known.path) }
  }
}

function withContentOf(item: Item, first: Item): Item {
  const { source: _, ...own } = item
  return {
    ...own,
    hardlinkMaster: true,
    ...(first.chunks !== undefined && { chunks: first.chunks }),
    ...(first.chunksHealthy !== undefined && { chunksHealthy: first.chunksHealthy }),
    ...(first.size !== undefined && { size: first.size }),
    ...(first.rawDevice !== undefined && { rawDevice: first.rawDevice }),
  }
}
