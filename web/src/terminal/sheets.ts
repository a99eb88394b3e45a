/**
 * Lets xterm.js draw without inline style: our policy allows style from our own files alone.
 *
 * xterm.js writes its rules (cell sizes, colours) into `<style>` elements and true colours into `style` attributes. While a
 * terminal is there, such elements show nothing and their text goes into constructed style sheets, and the attribute goes to
 * the element's style object; no markup can reach either. Its option `documentOverride` would be the way to say so, but not
 * all of it asks that.
 *
 * Returns what ends it.
 */
export function withoutInlineStyle(): () => void {
  const make = document.createElement.bind(document);
  document.createElement = ((tag: string) =>
    tag === 'style' ? sheet(make) : tag === 'span' ? span(make) : make(tag)) as typeof make;
  // The method of the prototype is there again then.
  return () => void Reflect.deleteProperty(document, 'createElement');
}

type Make = (tag: string) => HTMLElement;

function sheet(make: Make): HTMLElement {
  const rules = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, rules];
  const element = make('span');
  element.hidden = true;
  Object.defineProperty(element, 'textContent', {
    get: () => '',
    set: (text: string) => rules.replaceSync(text),
  });
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== rules);
    HTMLElement.prototype.remove.call(element);
  };
  return element;
}

function span(make: Make): HTMLElement {
  const element = make('span');
  element.setAttribute = (name, value) => {
    if (name === 'style') element.style.cssText = value;
    else HTMLElement.prototype.setAttribute.call(element, name, value);
  };
  return element;
}
