//! The legend: names with samples of lines and fills, in rows under a plot.

use super::{
    axes::TEXT,
    canvas::{Anchor, Canvas},
    geometry::Point,
    palette::{Fill, LineStyle},
};

/// The sample beside a name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum LegendKey {
    Line(LineStyle),
    Area(Fill),
}

const KEY_WIDTH: f64 = 26.0;
const ROW_HEIGHT: f64 = 16.0;
/// A generous mean width of a character relative to the text size, because no font is measured.
const CHARACTER: f64 = 0.54;

/// Distributes entries over rows of at most `width`; returns each entry's place.
fn places(entries: &[(String, LegendKey)], width: f64) -> Vec<(f64, usize)> {
    let (mut x, mut row) = (0.0, 0);
    let mut places = Vec::new();
    for (name, _) in entries {
        let needed = KEY_WIDTH + 16.0 + name.chars().count() as f64 * TEXT * CHARACTER;
        if x > 0.0 && x + needed > width {
            (x, row) = (0.0, row + 1);
        }
        places.push((x, row));
        x += needed;
    }
    places
}

/// The height that the entries need.
pub(super) fn height(entries: &[(String, LegendKey)], width: f64) -> f64 {
    let rows = places(entries, width).last().map_or(0, |(_, row)| row + 1);
    rows as f64 * ROW_HEIGHT
}

/// Draws the entries from the upper left corner (`left`, `top`) on.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    entries: &[(String, LegendKey)],
    (left, top): Point,
    width: f64,
) {
    for ((name, key), (dx, row)) in entries.iter().zip(places(entries, width)) {
        let (x, y) = (left + dx, top + row as f64 * ROW_HEIGHT + 8.0);
        match key {
            LegendKey::Line(style) => {
                canvas.line((x, y), (x + KEY_WIDTH, y), *style);
                if let Some(marker) = style.marker {
                    canvas.marker((x + 0.5 * KEY_WIDTH, y), marker, 3.0, style.colour);
                }
            }
            LegendKey::Area(fill) => {
                canvas.bar((x, KEY_WIDTH), (y - 5.0, y + 5.0), *fill);
            }
        }
        canvas.text((x + KEY_WIDTH + 5.0, y + 4.0), Anchor::Start, TEXT, name);
    }
}
