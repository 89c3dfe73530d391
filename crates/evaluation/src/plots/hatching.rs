//! Hatched and dotted areas as plain lines, because printers and PDF writers turn SVG patterns into
//! large images.

use std::fmt::Write;

use super::{geometry::Area, palette::Fill};

/// Distance between two lines or dots.
const STEP: f64 = 5.0;

/// The marks of a fill inside an area, aligned over the whole plot so that neighbours match.
pub(super) fn marks(area: Area, fill: Fill) -> String {
    let (path, style) = match fill {
        Fill::Plain(_) => return String::new(),
        Fill::Hatched(_) => (diagonals(area), r#"stroke-width="1.7""#),
        Fill::Dotted(_) => (
            rows_of_dots(area),
            r#"stroke-width="2.7" stroke-linecap="round" stroke-dasharray="0 5""#,
        ),
    };
    format!(
        r#"<path d="{path}" fill="none" stroke="{}" {style}/>"#,
        fill.colour()
    )
}

/// The lines x + y = k · STEP, clipped at the area's edges.
fn diagonals(area: Area) -> String {
    let mut path = String::new();
    for sum in multiples(area.left + area.top, area.right() + area.bottom()) {
        let from = area.left.max(sum - area.bottom());
        let to = area.right().min(sum - area.top);
        // Writing to a string cannot fail.
        let _ = write!(path, "M{from:.1},{:.1}L{to:.1},{:.1}", sum - from, sum - to);
    }
    path
}

fn rows_of_dots(area: Area) -> String {
    let mut path = String::new();
    let margin = 1.4;
    for y in multiples(area.top + margin, area.bottom() - margin) {
        if let Some(x) = multiples(area.left + margin, area.right() - margin).next() {
            let _ = write!(path, "M{x:.1},{y:.1}H{:.1}", area.right() - margin);
        }
    }
    path
}

fn multiples(low: f64, high: f64) -> impl Iterator<Item = f64> {
    let (first, last) = ((low / STEP).ceil() as i64, (high / STEP).floor() as i64);
    (first..=last).map(|k| k as f64 * STEP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stay_in_their_area() {
        let area = Area {
            left: 3.0,
            top: 4.0,
            width: 9.0,
            height: 8.0,
        };
        assert_eq!(
            diagonals(area),
            "M3.0,7.0L6.0,4.0M3.0,12.0L11.0,4.0M8.0,12.0L12.0,8.0"
        );
        assert_eq!(rows_of_dots(area), "M5.0,10.0H10.6");
    }
}
