"""Pieces of an SVG picture."""

from xml.sax.saxutils import escape

Place = tuple[float, float]
"""x to the right and y down, in units of the picture."""


def text(
    x: float,
    y: float,
    words: str,
    *,
    weight: str = "normal",
    anchor: str = "start",
    colour: str = "#000000",
) -> str:
    """Return a line of text that stays legible on what it covers."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}" text-anchor="{anchor}" '
        f'fill="{colour}" '
        'stroke="#ffffff" stroke-width="3" paint-order="stroke">'
        f"{escape(words)}</text>"
    )


def line(start: Place, end: Place, colour: str, width: float) -> str:
    """Return a straight line."""
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" '
        f'y2="{end[1]:.1f}" stroke="{colour}" stroke-width="{width:g}" '
        'stroke-linecap="round"/>'
    )


def circle(centre: Place, radius: float, style: str, caption: str = "") -> str:
    """Return a circle.

    Args:
        centre: Where.
        radius: In units of the picture.
        style: Attributes, for example ``fill="#000000"``.
        caption: What a pointer that rests on it is told.
    """
    title = f"<title>{escape(caption)}</title>" if caption else ""
    return (
        f'<circle cx="{centre[0]:.1f}" cy="{centre[1]:.1f}" r="{radius:.1f}" {style}>'
        f"{title}</circle>"
    )
