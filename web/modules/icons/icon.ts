import { h, type FunctionalComponent } from 'vue'

/** Stands in for Nuxt UI's icon component; the style sheet of this module has the drawing. */
const Icon: FunctionalComponent<{ name: string }> = ({ name }) => h('span', { class: ['iconify', name] })
Icon.props = ['name']

export default Icon
