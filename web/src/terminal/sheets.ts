/**
 * A document for xterm.js that needs no inline style: our policy allows style from our own files alone.
 *
 * xterm.js writes its few rules (cell sizes, colours) into `<style>` elements of its own. Here these are elements that show
 * nothing, whose text goes into constructed style sheets, which no markup can reach.
 */

export function withoutInlineStyle(document: Document): Document {
  return new Proxy(document, {
    get(target, name) {
      if (name === 'createElement')
        return (tag: string) => (tag === 'style' ? sheet(target) : target.createElement(tag));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function sheet(document: Document): HTMLElement {
  const rules = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, rules];
  const element = document.createElement('span');
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
