import { getInquiry } from '~/api/sdk.gen'
import type { StaffInquiry } from '~/api/types.gen'

/** The inquiry as it is now; null when it is gone or the server cannot be reached. */
export async function readInquiry(id: string): Promise<StaffInquiry | null> {
  const { data } = await getInquiry({ path: { inquiry_id: id } })
  return (data as StaffInquiry | undefined) ?? null
}
