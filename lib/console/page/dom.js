/**
 * Elements, made from code. Every text goes in as text: what an agent wrote is never read as markup.
 */

/** @typedef {Node | string | number | null | undefined | false} Leaf */
/** @typedef {Leaf | readonly (Leaf | readonly Leaf[])[]} Child */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [properties]  attributes; `class`, `on` with listeners, `data` with data attributes; null leaves one out, true sets it empty
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children)
}

/**
 * The same for drawings.
 *
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), properties, children)
}

/**
 * An element of index.html.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`index.html has no #${id}`)
  return found
}

/**
 * Puts new children in. Where the focus was on one with a `data-focus`, it is put on the new one of the same name.
 *
 * @param {Element} parent
 * @param {...Child} children
 */
export function replace(parent, ...children) {
  const focused = document.activeElement
  const name = focused instanceof HTMLElement && parent.contains(focused) ? focused.dataset['focus'] : undefined
  parent.replaceChildren(...nodes(children))
  if (name === undefined) return
  for (const each of parent.querySelectorAll('[data-focus]')) {
    if (each instanceof HTMLElement && each.dataset['focus'] === name) return each.focus({ preventScroll: true })
  }
}

/**
 * @template {Element} E
 * @param {E} element
 * @param {Record<string, unknown>} properties
 * @param {readonly Child[]} children
 * @returns {E}
 */
function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue
    if (name === 'on') for (const [event, call] of Object.entries(/** @type {Record<string, EventListener>} */ (value))) element.addEventListener(event, call)
    else if (name === 'data') for (const [key, text] of Object.entries(/** @type {Record<string, unknown>} */ (value))) element.setAttribute(`data-${key}`, String(text))
    else element.setAttribute(name, value === true ? '' : String(value))
  }
  element.append(...nodes(children))
  return element
}

/**
 * @param {readonly Child[]} children
 * @returns {(Node | string)[]}
 */
function nodes(children) {
  return children.flat(2).filter(child => child !== null && child !== undefined && child !== false).map(child => typeof child === 'number' ? String(child) : /** @type {Node | string} */ (child))
}
