// What the page does when it is touched. Without scripts everything but the line of the comparison
// and the order of rows is there.

enum ReportScript {
    static let text = """
        "use strict";
        const one = (selector) => document.querySelector(selector);
        const all = (selector) => document.querySelectorAll(selector);

        const compare = one(".compare");
        if (compare) {
          const slider = one(".compare input");
          const image = one(".compare img");
          const move = () => compare.style.setProperty("--at", slider.value / 10 + "%");
          slider.addEventListener("input", move);
          move();
          one("#grid").addEventListener("change", (event) =>
            one(".windows").classList.toggle("all", event.target.checked));
          one("#zoom").addEventListener("click", (event) => {
            const actual = compare.classList.toggle("actual");
            compare.style.width = actual ? image.getAttribute("width") + "px" : "";
            compare.style.maxHeight = actual ? "none" : "";
            event.target.textContent = actual ? "fit the window" : "actual size";
          });
        }

        let picked = null;
        const pick = (row) => {
          picked = picked === row ? null : row;
          const fit = picked ? picked.dataset.fit : null;
          const tile = picked ? picked.dataset.tile : null;
          for (const other of all("#fits tbody tr")) other.classList.toggle("on", other === picked);
          for (const group of all(".chart .lines")) {
            group.classList.toggle("picking", fit !== null);
            for (const line of group.children) {
              const isOn = line.dataset.fit === fit && fit !== null;
              line.classList.toggle("on", isOn);
            }
            const on = group.querySelector(".on");
            if (on) group.append(on);
          }
          for (const rect of all(".windows rect")) {
            rect.classList.toggle("on", rect.dataset.tile === tile);
          }
          const words = one("#picked");
          if (words) words.textContent = picked ? "Lifted out: tile " + tile + "." : "";
        };
        for (const row of all("#fits tbody tr")) {
          row.addEventListener("click", () => pick(row));
          row.addEventListener("keydown", (event) => { if (event.key === "Enter") pick(row); });
        }
        for (const line of all(".chart polyline[data-fit]")) {
          line.addEventListener("click", () => {
            const row = one('#fits tr[data-fit="' + line.dataset.fit + '"]');
            if (row) { pick(row); row.scrollIntoView({ block: "nearest" }); }
          });
        }

        const number = (text) => {
          const value = parseFloat(text);
          return Number.isNaN(value) ? -Infinity : value;
        };
        all("#fits thead th").forEach((head, column) => {
          head.firstChild.addEventListener("click", () => {
            const isUp = head.getAttribute("aria-sort") !== "ascending";
            for (const other of all("#fits thead th")) other.removeAttribute("aria-sort");
            head.setAttribute("aria-sort", isUp ? "ascending" : "descending");
            const body = one("#fits tbody");
            const rows = Array.from(body.children);
            const isText = /state|worker/.test(head.textContent);
            rows.sort((a, b) => {
              const left = a.children[column].textContent;
              const right = b.children[column].textContent;
              const order = isText ? left.localeCompare(right) : number(left) - number(right) || 0;
              return isUp ? order : -order;
            });
            body.append(...rows);
          });
        });
        """
}
