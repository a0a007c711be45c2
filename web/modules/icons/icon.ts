import { defineComponent, h } from 'vue'

/** Stands in for the icon component that Nuxt UI imports; the style sheet of this module has the drawing. */
export default defineComponent({
  props: { name: { type: String, required: true } },
  setup: (props) => () => h('span', { class: ['iconify', props.name] })
})
