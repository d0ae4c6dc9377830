/** The page's style sheet: one column on a phone, two where there is room, light and dark by the reader's choice. */
export const style = `
:root{color-scheme:light dark;--paper:#f6f7f9;--card:#fff;--ink:#16202c;--soft:#5c6b7c;--line:#dfe4ea;
--before:#9aa8b8;--after:#0f7b8a;--pass:#12805c;--warn:#b26a00;--fail:#c0392b;--nodata:#6b7785}
@media (prefers-color-scheme:dark){:root{--paper:#0e141b;--card:#161f29;--ink:#e7edf3;--soft:#97a6b5;--line:#2a3642;
--before:#66778a;--after:#3fb6c6;--pass:#43c08d;--warn:#e0a23c;--fail:#f0776b;--nodata:#8c9aa8}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;-webkit-text-size-adjust:100%}
main{max-width:1120px;margin:0 auto;padding:28px 16px 64px}
header p{color:var(--soft);margin:.2em 0 0}h1{font-size:1.6rem;line-height:1.2;overflow-wrap:anywhere;margin:0;letter-spacing:-.01em}
h2{font-size:1.05rem;margin:0 0 .2em}section>p,.card>p{color:var(--soft);margin:.1em 0 1em;font-size:.92rem;max-width:70ch}
.mono{font-family:ui-monospace,SFMono-Regular,Menlo,monospace;font-size:.82em;overflow-wrap:anywhere}
.verdict{display:flex;gap:14px;align-items:center;border-left:5px solid var(--tone);background:var(--card);
padding:16px 20px;border-radius:10px;margin:22px 0}.verdict strong{font-size:1.15rem;color:var(--tone);display:block}
.verdict span{color:var(--soft);font-size:.95rem}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:0 0 18px}
.fact{background:var(--card);border-radius:10px;padding:14px 16px}.fact b{display:block;font-size:1.55rem;line-height:1.2;font-variant-numeric:tabular-nums}
.fact small{color:var(--soft)}.fact em{font-style:normal;font-size:.85rem;color:var(--soft)}
.grid2{display:grid;grid-template-columns:1fr;gap:18px}@media(min-width:900px){.grid2{grid-template-columns:1fr 1fr}}
.card{background:var(--card);border-radius:12px;padding:18px 20px;margin:0 0 18px;min-width:0}
.chart{width:100%;height:auto;display:block}.chart text{font-size:13px;fill:var(--soft)}.chart .label{fill:var(--ink);font-size:14px}
.chart .value{fill:var(--ink);font-variant-numeric:tabular-nums}.chart .name{font-weight:600;font-size:14px}.chart .hint{font-size:12px}
.grid{stroke:var(--line)}.mark{stroke:var(--soft);stroke-dasharray:4 4}
.key{display:flex;gap:16px;font-size:.85rem;color:var(--soft);margin:0 0 8px}.key i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:6px}
table{border-collapse:collapse;width:100%;font-size:.92rem;font-variant-numeric:tabular-nums}
th{text-align:left;font-weight:500;color:var(--soft);font-size:.82rem;padding:4px 10px 6px 0}td{border-top:1px solid var(--line);padding:9px 10px 9px 0;vertical-align:top}
td small{display:block;color:var(--soft);line-height:1.35}.num{text-align:right;white-space:nowrap}
.chip{display:inline-block;border-radius:99px;padding:1px 10px;font-size:.8rem;font-weight:600;color:var(--tone);
background:color-mix(in srgb,var(--tone) 14%,transparent);white-space:nowrap}
.Pass{--tone:var(--pass)}.Warn{--tone:var(--warn)}.Fail,.Suspect{--tone:var(--fail)}.NoData{--tone:var(--nodata)}
@media(max-width:700px){h1{font-size:1.25rem}main{padding:20px 12px 48px}.card{padding:16px 14px}.pair{grid-template-columns:60px 1fr}.query img{width:56px;height:56px}.row>span{width:100%}.row figure img{width:36px;height:36px}.gates td:nth-child(5){text-align:right}.gates thead{display:none}.gates tr{display:grid;grid-template-columns:1fr auto;border-top:1px solid var(--line);padding:10px 0;column-gap:10px}
.gates td{border:0;padding:2px 0}.gates td.wide{grid-column:1/3}.gates td.num{text-align:left}.gates td[data-k]:before{content:attr(data-k) " ";color:var(--soft);font-size:.82rem}}
.pair{display:grid;grid-template-columns:auto 1fr;gap:4px 14px;align-items:center;padding:12px 0;border-top:1px solid var(--line)}
.pair .query{grid-row:1/3}.row{display:flex;gap:6px;align-items:center;flex-wrap:wrap}.row>span{width:74px;font-size:.82rem;color:var(--soft)}
figure{margin:0;text-align:center;font-size:.75rem;color:var(--soft);line-height:1.3}figure img{width:40px;height:40px;border-radius:5px;image-rendering:pixelated;display:block;background:#000}
.query img,.triple img{width:68px;height:68px;border-radius:8px}.right{color:var(--pass)!important}.wrong{color:var(--fail)!important}
.triples{display:flex;flex-wrap:wrap;gap:18px}.triple{display:flex;gap:6px;align-items:flex-start}
footer{color:var(--soft);font-size:.85rem;margin-top:8px}
`;
