// What is wrong with the page, a line each, for the test that puts this at its end.
window.addEventListener("load", () => {
  const wrong = [];
  const name = (node) => node.tagName + "." + (node.getAttribute("class") || "") + " " + node.textContent.slice(0, 40);
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) wrong.push(`the page is ${root.scrollWidth} wide in ${innerWidth}`);
  for (const node of document.querySelectorAll(".tile, .tile b, figcaption, .answer, h1, h2, .about, .missing, .keys"))
    if (node.scrollWidth > node.clientWidth + 1) wrong.push(`overflows: ${name(node)}`);
  for (const figure of document.querySelectorAll("figure")) {
    const caption = figure.querySelector("figcaption b");
    if (!caption || !caption.textContent.trim()) wrong.push(`no caption: ${name(figure)}`);
    if (!figure.querySelector("svg.plot")) wrong.push(`no picture: ${name(figure)}`);
  }
  for (const svg of document.querySelectorAll("svg.plot")) {
    if (!svg.closest("figure")) wrong.push(`in no figure: ${name(svg)}`);
    const area = svg.getBoundingClientRect();
    const scale = area.width / svg.viewBox.baseVal.width;
    if (scale < 0.7) wrong.push(`text at ${scale.toFixed(2)} of its size: ${svg.getAttribute("aria-label")}`);
    for (const text of svg.querySelectorAll("text")) {
      const box = text.getBoundingClientRect();
      if (box.left < area.left - 1 || box.right > area.right + 1 || box.top < area.top - 1 || box.bottom > area.bottom + 1)
        wrong.push(`outside ${svg.getAttribute("aria-label")}: ${name(text)}`);
    }
    for (const middle of ["middle", "end"]) {
      const ticks = [...svg.querySelectorAll(`text.tick[text-anchor=${middle}]`)].map((text) => text.getBoundingClientRect());
      for (let i = 1; i < ticks.length; i++) {
        const [a, b] = [ticks[i - 1], ticks[i]];
        if (a.left < b.right && b.left < a.right && a.top + 1 < b.bottom && b.top + 1 < a.bottom)
          wrong.push(`ticks meet: ${svg.getAttribute("aria-label")}`);
      }
    }
    if (svg.classList.contains("drawing")) continue;
    const title = svg.querySelector(".label.y")?.getBoundingClientRect();
    for (const text of svg.querySelectorAll("text.tick[text-anchor=end]"))
      if (text.getBoundingClientRect().left < title?.right)
        wrong.push(`a tick meets the label: ${svg.getAttribute("aria-label")}: ${name(text)}`);
    for (const axis of ["x", "y"]) {
      const label = svg.querySelector(`.label.${axis}`);
      if (!label || !label.textContent.trim()) wrong.push(`no label: ${svg.getAttribute("aria-label")}, ${axis}`);
    }
  }
  const seen = document.querySelectorAll("figure").length;
  const list = document.createElement("pre");
  list.id = "findings";
  list.textContent = [`${innerWidth} wide, ${seen} figures, dark ${matchMedia("(prefers-color-scheme: dark)").matches}`, ...wrong].join("\n");
  document.body.append(list);
});
