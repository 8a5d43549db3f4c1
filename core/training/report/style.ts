/** The report's CSS: from telephones to paper, in light and dark. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fdfdfb; --ink: #1d2733; --quiet: #56626e; --rule: #dfe3e6; --track: #eceff1;
  --right: #00695e; --wrong: #a63200; --plain: #7a8794; --mark: #1d2733; --card: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #12171c; --ink: #e6eaed; --quiet: #a3afba; --rule: #2c353d; --track: #232b32;
    --right: #58c4b4; --wrong: #ff9a6c; --plain: #7f8d9a; --mark: #e6eaed; --card: #191f25;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 17px/1.6 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif;
  overflow-wrap: anywhere;
}
main, footer { max-width: 62rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding: 4rem 0 1rem; }
.eyebrow { margin: 0; color: var(--quiet); font-size: .8rem; letter-spacing: .08em; text-transform: uppercase; }
h1 { margin: .2rem 0 .6rem; font-size: 2.6rem; line-height: 1.15; font-weight: 650; letter-spacing: -.02em; }
.version { color: var(--quiet); font-weight: 400; white-space: nowrap; }
.lead { margin: 0; color: var(--quiet); }
section { padding: 2.2rem 0 1rem; border-top: 1px solid var(--rule); }
header + section { margin-top: 1.6rem; }
h2 { margin: 0 0 .6rem; font-size: 1.35rem; line-height: 1.3; font-weight: 620; letter-spacing: -.01em; }
h3 { margin: 1.6rem 0 .2rem; font-size: 1.05rem; font-weight: 620; }
p { max-width: 44rem; margin: .5rem 0 1rem; }
.verdict { font-size: 1.3rem; line-height: 1.45; }
.figure { font-size: 2.6rem; font-weight: 650; letter-spacing: -.02em; color: var(--right); white-space: nowrap; }
.note, small { color: var(--quiet); font-size: .86rem; }
code { font: .88em ui-monospace, SFMono-Regular, Menlo, 'DejaVu Sans Mono', monospace; }
.scroll { overflow-x: auto; margin: .8rem 0; }
.scroll:focus-visible { outline: 2px solid var(--right); outline-offset: 4px; }
.paper { background: #ffffff; color: #1d2733; border: 1px solid var(--rule); border-radius: 6px; }
.paper svg { display: block; max-width: none; }

.line { display: grid; grid-template-columns: 12rem 1fr 13rem; gap: 1rem; align-items: center; margin: .5rem 0; }
.bar { position: relative; display: block; height: .9rem; background: var(--track); border-radius: 3px; }
.fill { position: absolute; inset: 0 auto 0 0; background: var(--right); border-radius: 3px; }
.plain .fill { background: var(--plain); }
.whisker { position: absolute; top: 50%; height: 3px; margin-top: -1.5px; background: var(--mark); box-shadow: 0 0 0 1px var(--paper); }
.value { font-variant-numeric: tabular-nums; white-space: nowrap; }

table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; }
th, td { padding: .42rem 1.4rem .42rem 0; text-align: left; border-bottom: 1px solid var(--rule); vertical-align: middle; overflow-wrap: normal; }
thead th { color: var(--quiet); font-weight: 500; font-size: .82rem; vertical-align: bottom; }
tbody th { font-weight: 560; overflow-wrap: anywhere; min-width: 7rem; max-width: 18rem; }
.numbers td { white-space: nowrap; }
.numbers td.text { white-space: normal; }
.classes { width: 100%; }
.classes td { white-space: nowrap; }
.classes td.text { white-space: normal; overflow-wrap: anywhere; min-width: 7rem; }
td.share { width: 46%; }
td.share .bar { display: inline-block; width: calc(100% - 13.5rem); min-width: 6rem; margin-right: 1rem; vertical-align: middle; }

.examples { list-style: none; margin: 1.2rem 0 0; padding: 0; }
.example { display: grid; grid-template-columns: 17rem 1fr; gap: 1.2rem; padding: 1rem 0; border-top: 1px solid var(--rule); break-inside: avoid; }
.example:first-child { border-top: 0; }
figure { margin: 0; }
figcaption { font-size: .9rem; line-height: 1.4; }
figcaption small, .file { display: block; font-size: .8rem; }
.query { display: grid; grid-template-columns: 7rem 1fr; gap: .9rem; align-items: start; }
.relatives { list-style: none; display: flex; flex-wrap: wrap; gap: .9rem; margin: 0; padding: 0; }
.relatives li { width: 7rem; }
.relatives .apart { margin-left: .6rem; padding-left: 1.5rem; width: 9.1rem; border-left: 1px solid var(--rule); }
.picture { display: block; width: 7rem; height: 7rem; border-radius: 5px; overflow: hidden; background: var(--track); }
.picture img { display: block; width: 100%; height: 100%; object-fit: contain; }
.relatives .picture { border-bottom: 4px solid var(--wrong); }
.relatives .own .picture { border-bottom-color: var(--right); }
.right { color: var(--right); }
.wrong { color: var(--wrong); }

.charts { display: flex; flex-wrap: wrap; gap: 1rem; }
.charts figure { flex: 1 1 26rem; min-width: 0; }
.chart { display: block; max-width: none; font: 12px system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif; fill: var(--quiet); }
.chart .grid { stroke: var(--rule); fill: none; }
.chart .line { display: inline; stroke: var(--quiet); fill: none; }
.chart .mark { stroke: var(--mark); stroke-dasharray: 3 3; fill: none; }
.chart .curve { fill: none; stroke-width: 2; }
.chart .first .curve { stroke: var(--right); }
.chart .second .curve { stroke: var(--wrong); }
.chart .first { fill: var(--right); }
.chart .second { fill: var(--wrong); }
.chart .bars { opacity: .62; }
.key { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; margin: 0 0 0 3.5rem; padding: 0; }
.key li::before { content: ''; display: inline-block; width: .8em; height: .8em; margin-right: .45em; border-radius: 2px; background: var(--right); }
.key .second::before { background: var(--wrong); }

.findings { list-style: none; margin: 0; padding: 0; }
.findings li { padding: .5rem 0; }
.row { display: flex; flex-wrap: wrap; gap: .5rem; margin-bottom: .3rem; }
.row .picture { width: 5rem; height: 5rem; }
.tag { color: var(--quiet); font-weight: 400; font-size: .9rem; }
.tag.repair { color: var(--wrong); }

dl { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.6rem; margin: .8rem 0 1.2rem; }
dt { color: var(--quiet); }
dd { margin: 0; }
summary { cursor: pointer; color: var(--quiet); }
footer { padding-top: 1.5rem; padding-bottom: 4rem; color: var(--quiet); font-size: .86rem; border-top: 1px solid var(--rule); }

@media (max-width: 46rem) {
  body { font-size: 16px; }
  header { padding-top: 2rem; }
  h1 { font-size: 2rem; }
  .line { grid-template-columns: 1fr auto; gap: .2rem .8rem; }
  .line .bar { grid-column: 1 / -1; grid-row: 2; }
  .example { grid-template-columns: 1fr; }
  .relatives { gap: .6rem; }
  .relatives li, .relatives .picture { width: 4.5rem; }
  .relatives .picture { height: 4.5rem; }
  .relatives .apart { width: 4.5rem; margin: 0; padding: 0; border: 0; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .6rem; }
}
@media print {
  :root {
    color-scheme: light;
    --paper: #ffffff; --ink: #000000; --quiet: #454f58; --rule: #cfd5d9; --track: #e6eaec;
    --right: #00695e; --wrong: #a63200; --plain: #7a8794; --mark: #000000;
  }
  body { font-size: 10.5pt; }
  main, footer { max-width: none; padding: 0; }
  header { padding-top: 0; }
  section { padding: 1.2rem 0 .4rem; }
  h2, h3 { break-after: avoid; }
  tr, figure { break-inside: avoid; }
  .scroll { overflow: visible; }
  .chart, .paper svg { max-width: 100%; height: auto; }
  details:not([open])::details-content { content-visibility: visible; block-size: auto; }
}
`;
