/** 128 random bits as text; also where the page was not loaded over TLS, which `crypto.randomUUID` asks for. */
export function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
