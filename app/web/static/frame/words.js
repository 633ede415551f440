/** The sentences scripts show, from the page's JSON block, with {marks} filled in. */
const block = document.getElementById("words");
const words = block ? JSON.parse(block.textContent) : {};

export function say(key, marks = {}) {
  const sentence = words[key] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in marks ? String(marks[name]) : whole));
}
