/**
 * What may be said about a connection of the embedded SSH client. Everything has a default but the host.
 */

/** Something only a person can answer. Never asked where `SshOptions.answer` is absent. */
export interface SshQuestion {
  readonly kind: 'password' | 'prompt'
  /** Of a 'prompt' the server's own words; not to be trusted. */
  readonly text: string
  /** Whether the answer may be seen while it is typed. */
  readonly echo: boolean
}

export interface SshOptions {
  /** A name, an alias of the OpenSSH settings, or an address; IPv6 without brackets. */
  readonly host: string
  /** Over the settings' `Port`. */
  readonly port?: number | undefined
  /** Over the settings' `User`; the person who runs the program by default. */
  readonly user?: string | undefined
  /**
   * Whose settings count: 'openssh' asks the OpenSSH client of this machine (`ssh -G`) and takes OpenSSH's defaults where
   * there is none; 'none' takes the defaults only.
   */
  readonly settings?: 'openssh' | 'none' | undefined
  /** Put before the host when OpenSSH is asked: `-F file`, `-i file`, `-o Name=value`, `-J host` ... */
  readonly arguments?: readonly string[] | undefined
  /** The OpenSSH client to ask, 'ssh' by default. It is never used to connect. */
  readonly program?: string | undefined
  /** Private keys, tried before those of the settings. */
  readonly identityFiles?: readonly string[] | undefined
  /** Instead of those of the settings, global ones too. A new host's key is added to the first. */
  readonly knownHostsFiles?: readonly string[] | undefined
  /** Over the settings' StrictHostKeyChecking. A key that changed is refused in any case. */
  readonly unknownHosts?: 'refuse' | 'accept-new' | undefined
  /** The agent's socket (SSH_AUTH_SOCK). Without it no agent is asked. */
  readonly agentSocket?: string | undefined
  /** Unlocks a private key. Undefined for "go on without this key". Asked again after a wrong one, at most three times. */
  readonly passphrase?: ((file: string) => Promise<string | undefined>) | undefined
  /** Passwords and whatever else a server asks for. Undefined for "I will not say". */
  readonly answer?: ((question: SshQuestion) => Promise<string | undefined>) | undefined
  /** From the first packet until the server lets us in, people's answers not counted; 30 unless the settings say more. */
  readonly connectTimeoutSeconds?: number | undefined
  /** Silence after which the server is asked whether it lives, three times; 30 unless the settings have another. 0: never. */
  readonly keepAliveSeconds?: number | undefined
}
