export default defineAppConfig({
  ui: {
    colors: { primary: 'teal', neutral: 'slate' },
    dashboardPanel: { slots: { body: 'gap-0 sm:gap-0 p-0 sm:p-0' } }
  }
})
