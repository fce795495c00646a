/** Called with attempt 1, 2, 3; undefined gives up. The CLI asks a person; an embedder returns a secret. */
export type PassphraseSource = string | ((attempt: number) => Promise<string | undefined>)
