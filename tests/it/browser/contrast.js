// Contrast of every visible text against what lies behind it, by computed style (WCAG 2.1, 1.4.3).
(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = "rgba(0,0,0,0)";
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3])).concat(1);
  const light = (c) => {
    const [r, g, b] = c.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const backdrop = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      // In the graph a node's box, not an ancestor, lies behind its text.
      const box = at.matches("svg.node") && at.querySelector(".box");
      const frame = at.matches("g.phase") && at.querySelector("rect");
      if (box) layers.push(rgba(getComputedStyle(box).fill));
      if (frame) {
        const colour = rgba(getComputedStyle(frame).fill);
        colour[3] *= Number(getComputedStyle(frame).opacity);
        layers.push(colour);
      }
      layers.push(rgba(getComputedStyle(at).backgroundColor));
    }
    const page = document.documentElement.dataset.scheme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    return layers.reverse().reduce((under, top) => over(top, under), page === "dark" ? [18, 18, 18, 1] : [255, 255, 255, 1]);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const result = { samples: 0, worst: 99, bad: [] };
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || ["SCRIPT", "STYLE", "title", "OPTION"].includes(element.tagName)) continue;
    if (!element.checkVisibility({ visibilityProperty: true }) || element.closest(".sr, .skip")) continue;
    const style = getComputedStyle(element);
    const behind = backdrop(element);
    const colour = rgba(element instanceof SVGElement ? style.fill : style.color);
    let opacity = 1;
    for (let at = element; at; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
    colour[3] *= opacity;
    const found = ratio(over(colour, behind), behind);
    result.samples += 1;
    result.worst = Math.min(result.worst, found);
    if (found < 4.5) result.bad.push(`${found.toFixed(2)} "${node.data.trim().slice(0, 40)}" in ${element.tagName}.${element.getAttribute("class")}`);
  }
  return result;
})()
