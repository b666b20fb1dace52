"""What ways cost, as a picture: a row for each way, four columns of bars; a dashed line where the goal is. One SVG that needs nothing
else and is readable on light and on dark pages."""
from dataclasses import dataclass
from html import escape

LEFT, WIDTH, GAP, ROW, TOP, BAR = 210, 980, 16, 30, 84, 16
STYLE = """text{font:13px system-ui,sans-serif;fill:#1a1f26}.dim,.dim text{fill:#5b6470;font-size:12px}.title{font-size:15px;font-weight:600}
.peer{fill:#7aa6d8}.ours{fill:#1a7f37}.goal{stroke:#c8372d;stroke-width:1.5;stroke-dasharray:4 3}.axis{stroke:#dde2e8}.bold{font-weight:600}
.cut{fill:none;stroke:#fff;stroke-width:3}
@media (prefers-color-scheme:dark){text{fill:#e3e8ee}.dim,.dim text{fill:#96a1ae}.peer{fill:#5686bd}.ours{fill:#4ac26b}.goal{stroke:#f0655b}
.axis{stroke:#2c343d}.cut{stroke:#12161b}}"""


@dataclass
class Bar:
    name: str
    seconds: float
    heap: float                    # growth, as a share of what was there; None = not known
    indexes: float
    wal: float                     # bytes a row
    ours: bool
    reckoned: bool


def time_text(s):
    return f"{s:.1f} s" if s < 120 else f"{s / 60:.1f} min"


def panels(bars):
    """(title, figure of each bar, its text, goal or None, end of the axis)."""
    one = next((b for b in bars if b.name == "one UPDATE"), None)
    longest = 3 * one.seconds if one else max(b.seconds for b in bars)       # what takes longer is broken off
    yield "Time", [b.seconds for b in bars], time_text, 1.15 * one.seconds if one else None, longest
    yield "Heap growth", [None if b.heap is None else 100 * b.heap for b in bars], lambda v: f"{v:+.0f}%", 20, None
    yield "Index growth", [None if b.indexes is None else 100 * b.indexes for b in bars], lambda v: f"{v:+.0f}%", 10 * one.indexes if one else None, None
    yield "WAL a row", [b.wal for b in bars], lambda v: f"{v:.0f} B", 0.65 * one.wal if one else None, None


def bar_of(b, v, text, x, y, room, end):
    """A bar that is longer than the axis is broken, and its figure says how long it is."""
    if v is None:
        return f'<text class="dim" x="{x + room + 8}" y="{y + 13}">-</text>'
    long = v > end
    w = room if long else max(1.5, room * max(v, 0) / end)
    cut = f'<path class="cut" d="M{x + w - 14:.1f} {y - 2}l6 {BAR + 4}"/>' if long else ""
    bold = ' class="bold"' if b.ours else ""
    return (f'<rect class="{"ours" if b.ours else "peer"}" x="{x}" y="{y}" width="{w:.1f}" height="{BAR}" rx="2"/>{cut}'
            f'<text{bold} x="{x + room + 8}" y="{y + 13}">{"~ " if b.reckoned else ""}{escape(text(v))}</text>')


def write(path, bars, title):
    width = (WIDTH - LEFT) / 4 - GAP
    bottom = TOP + ROW * len(bars)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 44}" role="img" aria-label="{escape(title)}"><style>{STYLE}</style>',
           f'<text class="title" x="8" y="24">{escape(title)}</text>']
    for i, b in enumerate(bars):
        out.append(f'<text{" class=" + chr(34) + "bold" + chr(34) if b.ours else ""} x="8" y="{TOP + ROW * i + 13}">{escape(b.name)}</text>')
    for p, (what, values, text, goal, end) in enumerate(panels(bars)):
        x, room = round(LEFT + p * (width + GAP)), round(width) - 74
        end = end or max([v for v in values if v is not None] + [1])
        out.append(f'<text class="bold" x="{x}" y="{TOP - 22}">{what}</text><line class="axis" x1="{x}" x2="{x}" y1="{TOP - 8}" y2="{bottom - 4}"/>')
        out += [bar_of(b, v, text, x, TOP + ROW * i, room, end) for i, (b, v) in enumerate(zip(bars, values))]
        if goal is not None:
            at = round(x + min(room, room * goal / end), 1)
            out.append(f'<line class="goal" x1="{at}" x2="{at}" y1="{TOP - 10}" y2="{bottom - 4}"/>')
    out.append(f'<text class="dim" x="8" y="{bottom + 28}">Green: pgrail, the time of its walk. Dashed: what it may take at most with one worker. ~ reckoned from a share; - not measured.</text></svg>')
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n")
