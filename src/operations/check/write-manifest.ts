/**
 * The end of a repair: the manifest as it is now, and a commit.
 */
import { encodeManifest, type Manifest } from '../../archive/manifest.ts'
import { manifestId } from '../../base/ids.ts'
import { tamSaltSize } from '../../crypto/tam.ts'
import { putObject } from '../../objects/object-writer.ts'
import type { CheckContext } from './context.ts'

export async function writeManifest(check: CheckContext, manifest: Manifest): Promise<void> {
  check.inform('Writing Manifest.')
  const { packed } = encodeManifest(manifest, check.key, check.host.now(), check.host.randomBytes(tamSaltSize))
  await putObject(check, manifestId, packed)
  check.inform('Committing repo.')
  await check.repository.commit()
}
