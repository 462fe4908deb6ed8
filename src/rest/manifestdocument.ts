// A manifest as the REST row of GET /data shows it (marketplace reference §8).

import type { Manifest } from '../protocol/manifest.ts'

export interface ManifestDocument {
  readonly treeCid: string
  readonly datasetSize: number
  readonly blockSize: number
  readonly protected: boolean
  readonly filename: string | null
  readonly mimetype: string | null
}

export function manifestDocument(manifest: Manifest): ManifestDocument {
  return {
    treeCid: String(manifest.treeCid),
    datasetSize: manifest.datasetSize,
    blockSize: manifest.blockSize,
    protected: manifest.kind !== 'plain',
    filename: manifest.filename ?? null,
    mimetype: manifest.mimetype ?? null,
  }
}
