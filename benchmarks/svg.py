"""Just enough SVG: shapes with escaped text, on a white page, in colours that print."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, floor, log10
from xml.sax.saxutils import escape, quoteattr

__all__ = ["COLOURS", "Drawing", "decades", "time_label"]

COLOURS = (
    "#0b6e4f",
    "#6b7280",
    "#c2410c",
    "#1d4ed8",
    "#93c5fd",
    "#a16207",
    "#7e22ce",
    "#be123c",
    "#0891b2",
)


class Drawing:
    """A picture that is put together shape by shape."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" font-family="sans-serif" role="img">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        ]

    def line(
        self, x1: float, y1: float, x2: float, y2: float, colour: str = "#e5e7eb", width: float = 1
    ) -> None:
        """Draw a straight line."""
        self._parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{colour}" stroke-width="{width:g}"/>'
        )

    def path(self, points: Iterable[tuple[float, float]], colour: str, width: float = 2) -> None:
        """Draw a line through points."""
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._parts.append(
            f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="{width:g}"/>'
        )

    def dot(self, x: float, y: float, colour: str, label: str = "", radius: float = 4) -> None:
        """Draw a filled circle; `label` shows when it is pointed at."""
        inner = f"<title>{escape(label)}</title>" if label else ""
        self._parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{colour}">{inner}</circle>'
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: int = 12,
        anchor: str = "start",
        colour: str = "#111827",
    ) -> None:
        """Write text; `anchor` is start, middle or end."""
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor={quoteattr(anchor)} '
            f'fill="{colour}">{escape(text)}</text>'
        )

    def __str__(self) -> str:
        return "\n".join([*self._parts, "</svg>", ""])


def decades(low: float, high: float) -> range:
    """Return the powers of ten that enclose two positive figures.

    >>> list(decades(0.02, 30))
    [-2, -1, 0, 1, 2]
    """
    first, last = floor(log10(low)), ceil(log10(high))
    return range(first, max(last, first + 1) + 1)


def time_label(power: int) -> str:
    """Return a power of ten of milliseconds as people say it.

    >>> time_label(-3), time_label(1), time_label(4)
    ('1 µs', '10 ms', '10 s')
    """
    if power < 0:
        return f"{10 ** (power + 3):g} µs"
    return f"{10**power:g} ms" if power < 3 else f"{10 ** (power - 3):g} s"
