// The address of a Key Vault, as written in targets.json and in ROTATION_VAULT.

interface NoVault {
  readonly message: string
  readonly remedy: string
}

/** The address in normalized form, or what is wrong with it. `suffix`: the cloud's, without a leading dot. */
export function vaultAddress(text: string, suffix: string): string | NoVault {
  const name = /^https:\/\/([a-z][a-z0-9-]{1,22}[a-z0-9])\.([a-z.]+)\/?$/.exec(text.toLowerCase())
  const remedy = `Write https://<name>.${suffix}, the vault's URI as the portal shows it.`
  if (!name || name[1]!.includes('--')) return { message: 'is not the address of a Key Vault', remedy }
  if (name[2] === suffix) return `https://${name[1]}.${suffix}`
  return { message: 'is not a Key Vault of this cloud', remedy: `${remedy} The cloud is set by AZURE_CLOUD.` }
}
