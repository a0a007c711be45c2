import { h, type FunctionalComponent } from 'vue'

/** What will be there. Nuxt UI's own is an alert in English, every one of them; here `LoadingNote` says it once for a region. */
const SkeletonBar: FunctionalComponent<{ as?: string }> = ({ as = 'div' }) =>
  h(as, { class: 'animate-pulse rounded-md bg-elevated', 'aria-hidden': 'true' })
SkeletonBar.props = ['as']

export default SkeletonBar
