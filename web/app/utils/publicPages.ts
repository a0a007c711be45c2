const PUBLIC = new Set(['login', 'register', 'contact', 'contact-sent', 'track-reference'])

/** Whether a page, named as its route is, is there for people without an account too. */
export const isPublicPage = (name: unknown) => PUBLIC.has(String(name ?? ''))
