/** How a passphrase is asked for. When and how often: session/unlock.ts. */

/**
 * A string is a passphrase somebody configured: wrong means wrong. A function is asked, with attempt 1, 2, 3 and where
 * the key lies (for the prompt); undefined gives up. The CLI asks a person; an embedder returns a secret.
 */
export type PassphraseSource = string | ((attempt: number, where: string) => Promise<string | undefined>)
