// Content comes from other users: it is unchecked HTML.

import DOMPurify from "dompurify";

const purify = DOMPurify(window);

purify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName !== "A") return;
  node.setAttribute("rel", "noopener noreferrer");
  node.setAttribute("target", "_blank");
});

/** The content as nodes that are safe to show. */
export function safeContent(content: string): Node {
  const clean = purify.sanitize(content, {
    ALLOWED_TAGS: ["b", "i", "em", "strong", "code", "pre", "br", "p", "a", "ul", "ol", "li", "blockquote"],
    ALLOWED_ATTR: ["href"],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
    ALLOW_ARIA_ATTR: false,
    ALLOW_DATA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
  // Nothing left, as of "<T>": its author meant text, and nothing anyone sent should be invisible.
  return clean.textContent?.trim() || content.trim() === "" ? clean : document.createTextNode(content);
}

/** The content as one line of text, for quotes and titles. */
export function plainText(content: string): string {
  return (safeContent(content).textContent ?? "").replace(/\s+/g, " ").trim();
}
