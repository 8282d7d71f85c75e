/**
 * What somebody would stumble over who does not see the page, or not well, or sees it on a small screen. Runs in the page,
 * so it is text: the names of a browser are none of ours.
 */
export const problemsOf = `(() => {
  const problems = []
  const isShown = element => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && !element.closest('[aria-hidden="true"], .hidden, .skip')
  const say = (element, what) => problems.push(what + ': ' + element.outerHTML.slice(0, 120))

  const nameOf = element => {
    const by = element.getAttribute('aria-labelledby')
    if (by !== null) return by.split(' ').map(id => document.getElementById(id)?.textContent ?? '').join(' ')
    return element.getAttribute('aria-label') ?? (element.labels?.length ? [...element.labels].map(label => label.textContent).join(' ') : null) ?? element.getAttribute('title') ?? element.textContent
  }
  for (const element of document.querySelectorAll('button, input, select, textarea, a[href], summary, [role="tab"], [role="tabpanel"], [role="listbox"], [role="option"], [role="img"], dialog[open]')) {
    if (isShown(element) && (nameOf(element) ?? '').trim() === '') say(element, 'no name')
  }
  for (const img of document.images) if (!img.hasAttribute('alt')) say(img, 'no alternative')
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id)
  for (const id of new Set(ids.filter((id, index) => ids.indexOf(id) !== index))) problems.push('two are called ' + id)
  for (const attribute of ['aria-controls', 'aria-labelledby', 'aria-activedescendant']) {
    for (const element of document.querySelectorAll('[' + attribute + ']')) for (const id of element.getAttribute(attribute).split(' ')) if (!ids.includes(id) && isShown(element)) say(element, attribute + ' names nothing')
  }
  if (document.querySelectorAll('[role="tab"][aria-selected="true"]').length !== 1) problems.push('not one tab is selected')
  if (document.querySelectorAll('h1').length !== 1 || document.querySelectorAll('main').length !== 1) problems.push('not one h1 and one main')
  if (document.querySelectorAll('[role="status"], [aria-live]').length === 0) problems.push('nothing is told aloud')
  for (const option of document.querySelectorAll('[role="option"]')) if (option.parentElement.getAttribute('role') !== 'listbox') say(option, 'an option outside a list')
  for (const table of document.querySelectorAll('table')) if (table.caption === null) say(table, 'a table without a caption')
  if (document.documentElement.lang === '') problems.push('no language')
  if (document.scrollingElement.scrollWidth > innerWidth) problems.push('it is wider than the screen: ' + document.scrollingElement.scrollWidth)

  const channels = text => text.match(/[\\d.]+/g).map(Number)
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0)
  const groundOf = element => {
    for (let at = element; at !== null; at = at.parentElement) {
      const ground = channels(getComputedStyle(at).backgroundColor)
      if (ground[3] === undefined || ground[3] === 1) return ground
    }
    return [255, 255, 255]
  }
  for (const element of document.body.querySelectorAll('*')) {
    if (!isShown(element) || element.closest('svg, option, dialog') || ![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim() !== '')) continue
    const style = getComputedStyle(element)
    const [a, b] = [light(channels(style.color)), light(groundOf(element))].sort((x, y) => y - x)
    const ratio = (a + 0.05) / (b + 0.05)
    if (ratio < 4.5) say(element, 'hard to read, ' + ratio.toFixed(2))
  }
  for (const button of document.querySelectorAll('button')) {
    const box = button.getBoundingClientRect()
    if (isShown(button) && !button.classList.contains('link') && box.height < 24) say(button, 'too small to hit')
  }
  return [...new Set(problems)]
})()`
