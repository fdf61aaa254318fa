"""Small pictures of a latent, as SVG with their numbers in words."""

from html import escape

from phoque.run.sae_evidence import Dose, Histogram

WIDTH, HEIGHT, PAD = 220, 90, 16


def curve(dose: Dose) -> str:
    """A line through a few points; every point says its numbers."""
    xs, ys = dose.scales, dose.means
    low, high = min(0.0, *ys), max(ys)
    span = (high - low) or 1.0
    points = [
        (
            PAD + (WIDTH - 2 * PAD) * (x - xs[0]) / ((xs[-1] - xs[0]) or 1),
            HEIGHT - PAD - (HEIGHT - 2 * PAD) * (y - low) / span,
        )
        for x, y in zip(xs, ys, strict=True)
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"><title>scale {scale:g}: {value:.2f}</title></circle>'
        for (x, y), scale, value in zip(points, xs, ys, strict=True)
    )
    said = ", ".join(f"{scale:g}: {value:.2f}" for scale, value in zip(xs, ys, strict=True))
    ends = _text(points[0], f"{ys[0]:.2f}") + _text(points[-1], f"{ys[-1]:.2f}")
    return _svg(f"Mean activation by scale: {said}", f'<polyline points="{path}"/>{dots}{ends}')


def histogram(counts: Histogram) -> str:
    """Counts of activations, hatched before and filled after."""
    edges, before, after = counts.edges, counts.base, counts.persona
    largest = max(1, *before, *after)
    step = (WIDTH - 2 * PAD) / len(before)
    bars = ""
    for place, (first, second) in enumerate(zip(before, after, strict=True)):
        title = f"{edges[place]:.1f} to {edges[place + 1]:.1f}: base {first}, tuned {second}"
        x = PAD + place * step
        bars += (
            f"<g><title>{escape(title)}</title>"
            f"{_bar(x, step / 2, first / largest, 'ph-before')}"
            f"{_bar(x + step / 2, step / 2, second / largest, 'ph-after')}</g>"
        )
    said = f"Tokens on which it is active: base {sum(before)}, tuned {sum(after)}"
    return _svg(said, bars + _text((WIDTH - PAD, HEIGHT - 2), f"{edges[-1]:.1f}"))


def _bar(x: float, width: float, share: float, kind: str) -> str:
    height = (HEIGHT - 2 * PAD) * share
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{HEIGHT - PAD - height:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}"/>'
    )


def _text(place: tuple[float, float], text: str) -> str:
    x, y = place
    anchor = "start" if x < WIDTH / 2 else "end"
    return (
        f'<text x="{x:.1f}" y="{max(10.0, y - 6):.1f}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def _svg(label: str, body: str) -> str:
    return (
        f'<svg class="ph-shape" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(label)}">{body}</svg>'
    )
