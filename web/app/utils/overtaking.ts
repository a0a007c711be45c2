/** The header that lets the server refuse a change of what is no longer at this version. */
export const ifMatch = (version?: number) => (version ? { 'If-Match': `"${version}"` } : {})

/** Saves on top of what was read; when somebody was faster, again on top of that, if `rebased` says that it may. */
export async function saveUnlessOvertaken(save: () => Promise<unknown>, rebased: () => Promise<boolean>): Promise<boolean> {
  try {
    await save()
    return true
  } catch (error) {
    if (problemKey(error) !== 'version-mismatch') throw error
    if (!(await rebased())) return false
  }
  await save()
  return true
}
