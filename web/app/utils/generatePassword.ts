// Without characters that are mistaken for each other when read out or copied by hand.
const ALPHABET = 'abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const GROUPS = 4
const GROUP = 5

/** A random password of some 115 bits, in groups that a person can read out. */
export function generatePassword(): string {
  return Array.from({ length: GROUPS }, () => Array.from({ length: GROUP }, letter).join('')).join('-')
}

function letter(): string {
  const limit = 256 - (256 % ALPHABET.length)
  for (;;) {
    const [byte = 0] = crypto.getRandomValues(new Uint8Array(1))
    // The rest of the range would make some letters likelier.
    if (byte < limit) return ALPHABET.charAt(byte % ALPHABET.length)
  }
}
