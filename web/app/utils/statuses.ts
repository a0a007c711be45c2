import type { StaffInquiry } from '~/api/types.gen'

type Status = StaffInquiry['status']

/** Where people may move an inquiry from each status. The server decides; this spares them what it would refuse. */
export const NEXT_STATUSES: Record<Status, Status[]> = {
  new: ['open', 'pending', 'resolved', 'closed', 'spam'],
  open: ['pending', 'resolved', 'closed', 'spam'],
  pending: ['open', 'resolved', 'closed', 'spam'],
  resolved: ['open', 'pending', 'closed', 'spam'],
  closed: ['open'],
  spam: ['open']
}
