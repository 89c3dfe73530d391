//! Names beside samples of lines and fills, in rows under a plot.

use super::{
    axes::TEXT,
    canvas::{Anchor, Area, Canvas},
    palette::{Fill, LineStyle},
};

/// What stands beside a name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Key {
    Line(LineStyle),
    Area(Fill),
}

const KEY_WIDTH: f64 = 26.0;
const ROW_HEIGHT: f64 = 16.0;
/// A generous mean width of a character in units of the text's size: no font is measured.
const CHARACTER: f64 = 0.54;

/// Distributes entries over rows of at most `width`; answers each entry's place.
fn places(entries: &[(String, Key)], width: f64) -> Vec<(f64, usize)> {
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
pub(super) fn height(entries: &[(String, Key)], width: f64) -> f64 {
    let rows = places(entries, width).last().map_or(0, |(_, row)| row + 1);
    rows as f64 * ROW_HEIGHT
}

/// Draws the entries into `area`, from its upper left corner.
pub(super) fn draw(canvas: &mut Canvas, entries: &[(String, Key)], area: Area) {
    for ((name, key), (dx, row)) in entries.iter().zip(places(entries, area.width)) {
        let (x, y) = (area.left + dx, area.top + row as f64 * ROW_HEIGHT + 8.0);
        match key {
            Key::Line(style) => {
                canvas.line((x, y), (x + KEY_WIDTH, y), *style);
                if let Some(marker) = style.marker {
                    canvas.marker((x + 0.5 * KEY_WIDTH, y), marker, 3.0, style.colour);
                }
            }
            Key::Area(fill) => {
                let sample = Area {
                    left: x,
                    top: y - 5.0,
                    width: KEY_WIDTH,
                    height: 10.0,
                };
                canvas.rectangle(sample, *fill, 1.0);
            }
        }
        canvas.text((x + KEY_WIDTH + 5.0, y + 4.0), Anchor::Start, TEXT, name);
    }
}
