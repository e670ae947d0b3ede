// How the page looks: light and dark, from a phone's width on, and in print.

enum ReportStyle {
    static let text = """
        :root { --back: #fff; --card: #f3f4f6; --text: #1b1f24; --soft: #59636e; --rule: #d5d9de;
          --accent: #0b62c4; --bad: #b3261e; }
        @media (prefers-color-scheme: dark) {
          :root { --back: #14171a; --card: #20252a; --text: #e6e8ea; --soft: #9aa4ae;
            --rule: #363d44; --accent: #6cb0ff; --bad: #ff8a80; }
        }
        * { box-sizing: border-box; }
        body { margin: 0 auto; max-width: 1180px; padding: 1rem; background: var(--back);
          color: var(--text); font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
        h1 { font-size: 1.6rem; margin: .5rem 0 0; }
        h2 { font-size: 1.2rem; margin: 2rem 0 .6rem; padding-top: .6rem;
          border-top: 1px solid var(--rule); }
        h3 { font-size: 1rem; margin: 1.4rem 0 .5rem; }
        .lead, .note, figcaption { color: var(--soft); }
        .lead { margin: .2rem 0 1rem; }
        .note, figcaption { font-size: .88rem; }
        .cards { display: flex; flex-wrap: wrap; gap: .6rem; }
        .card { background: var(--card); border-radius: 8px; padding: .6rem .9rem;
          flex: 1 0 8.5rem; }
        .card b { display: block; font-size: 1.15rem; }
        .card span { color: var(--soft); font-size: .85rem; }
        .notices { padding-left: 1.2rem; }
        .warning::before { content: "Warning: "; color: var(--bad); font-weight: 600; }
        figure { margin: 0; }
        img { display: block; max-width: 100%; height: auto; }

        .compare { position: relative; --at: 50%; aspect-ratio: var(--shape); width: 100%;
          max-height: max(85vh, calc(10rem / (var(--shape)))); max-width: calc(85vh * var(--shape));
          min-width: max(10rem, calc(6rem * var(--shape))); overflow: hidden;
          background: var(--card); }
        .scroll { overflow-x: auto; padding-bottom: .8rem; }
        .compare figure { position: absolute; inset: 0; }
        .compare img { width: 100%; height: 100%; }
        .compare .after { clip-path: inset(0 0 0 var(--at)); }
        .compare figcaption { position: absolute; top: .4rem; padding: 0 .5rem; color: #fff;
          background: #000a; border-radius: 4px; }
        .compare .before figcaption { left: .4rem; }
        .compare .after figcaption { right: .4rem; }
        .compare::after { content: ""; position: absolute; inset: 0 auto 0 var(--at); width: 2px;
          margin-left: -1px; background: #fff; box-shadow: 0 0 3px #000; pointer-events: none; }
        .compare input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0;
          opacity: 0; cursor: ew-resize; touch-action: pan-y; }
        .compare:focus-within { outline: 2px solid var(--accent); }
        .compare.actual { width: auto; max-width: none; }
        .windows { position: absolute; inset: 0; width: 100%; height: 100%; }
        .windows rect { fill: none; stroke: none; vector-effect: non-scaling-stroke; }
        .windows.all rect { stroke: #fff9; stroke-width: 1; }
        .windows rect.on { stroke: #ffd400; stroke-width: 3; }
        .map img { width: 100%; max-width: min(720px, max(3rem, calc(85vh * var(--shape))));
          background: #000; image-rendering: pixelated; min-width: calc(3rem * var(--shape)); }
        .map figcaption { max-width: 720px; }
        .ramp { display: inline-block; width: 7rem; height: .8em; background: linear-gradient(90deg,
          #000004, #57106e, #bc3754, #f98e09, #fcffa4); border: 1px solid var(--rule); }

        .charts { display: grid; gap: 1rem;
          grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); }
        .chart svg { display: block; width: 100%; height: auto; }
        .chart text { fill: var(--soft); font-size: 12px; }
        .chart .grid { stroke: var(--rule); }
        .chart .mark { stroke: var(--bad); stroke-dasharray: 4 3; }
        .chart polyline { fill: none; stroke: var(--accent); stroke-width: 1.3; stroke-opacity: .45;
          stroke-linecap: round; vector-effect: non-scaling-stroke; }
        .chart .picking polyline { stroke-opacity: .12; }
        .chart .picking polyline.on { stroke: #e8820c; stroke-opacity: 1; stroke-width: 2.5; }

        .wide { overflow-x: auto; }
        .tall { max-height: 32rem; overflow-y: auto; }
        table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
        th, td { padding: .25rem .6rem; text-align: left; border-bottom: 1px solid var(--rule);
          vertical-align: top; }
        .wide td, .wide th { white-space: nowrap; }
        .wide td:last-child { white-space: normal; min-width: 12rem; }
        thead th { position: sticky; top: 0; background: var(--back); }
        th button { font: inherit; font-weight: 600; color: inherit; background: none; border: 0;
          padding: 0; cursor: pointer; }
        th[aria-sort="ascending"] button::after { content: " \\2191"; }
        th[aria-sort="descending"] button::after { content: " \\2193"; }
        #fits tbody tr { cursor: pointer; }
        #fits tbody tr:hover { background: var(--card); }
        #fits tbody tr.on { background: color-mix(in srgb, var(--accent) 22%, var(--back)); }
        .facts th { font-weight: 500; color: var(--soft); width: 14rem; }
        .facts { width: 100%; }
        summary { cursor: pointer; margin: .6rem 0; }
        .whole { white-space: nowrap; }
        code { font: .92em ui-monospace, monospace; }

        @media (max-width: 600px) {
          .facts th, .facts td { display: block; width: auto; border: 0; padding: 0 .2rem; }
          .facts td { border-bottom: 1px solid var(--rule); padding-bottom: .3rem; }
        }
        @media print {
          :root { --back: #fff; --card: #f3f4f6; --text: #000; --soft: #444; --rule: #bbb; }
          body { max-width: none; padding: 0; font-size: 11px; }
          .tall { max-height: none; overflow: visible; }
          .compare { display: flex; gap: 2%; max-width: none; max-height: none; aspect-ratio: auto;
            background: none; }
          .compare::after, .compare input, .compare .windows, button, label { display: none; }
          .compare figure { position: relative; inset: auto; width: 49%; clip-path: none; }
          th button { display: inline; }
          .card, figure, tr { break-inside: avoid; }
        }
        """
}
