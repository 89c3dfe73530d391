//! A confusion matrix: counts, and shares of each true class.

use super::{
    axes::TEXT,
    canvas::{Anchor, Canvas, Plot, PlotFrame},
    geometry::Area,
    mirrored_histogram::PlotShare,
    palette::{BLACK, BLUE, Fill, LIGHT_GREY},
};

/// Counts `[true][answered]` with the share of each row.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixPlot<'a> {
    /// Name, heading and description.
    pub frame: PlotFrame,
    /// Names of the classes.
    pub classes: &'a [String],
    /// Counts, one row per true class.
    pub counts: &'a [Vec<usize>],
    /// Share of the row's cells; `None` for a row without cells.
    pub shares: Vec<Vec<Option<PlotShare>>>,
}

const CELL: (f64, f64) = (78.0, 54.0);
const LEFT: f64 = 104.0;
const TOP: f64 = 62.0;
/// Above this share the background is too dark for black text.
const DARK: f64 = 0.85;
const NAME_LENGTH: usize = 13;

impl MatrixPlot<'_> {
    /// Draws the plot.
    pub fn draw(&self) -> Plot {
        let classes = self.classes.len() as f64;
        let (width, height) = (CELL.0 * classes, CELL.1 * classes);
        let size = ((LEFT + width + 12.0).max(300.0), TOP + height + 12.0);
        let mut canvas = self.frame.canvas(size, 12.0);
        let above = (LEFT + 0.5 * CELL.0 * classes, 36.0);
        canvas.text(above, Anchor::Middle, TEXT, "answered");
        canvas.upward_text((14.0, TOP + 0.5 * CELL.1 * classes), TEXT, "true class");
        for (index, name) in self.classes.iter().enumerate() {
            let (name, middle) = (shortened(name), index as f64 + 0.5);
            let (above, beside) = (LEFT + CELL.0 * middle, TOP + CELL.1 * middle);
            canvas.text((above, TOP - 8.0), Anchor::Middle, TEXT, &name);
            canvas.text((LEFT - 8.0, beside + 4.0), Anchor::End, TEXT, &name);
        }
        for (truth, (counts, shares)) in self.counts.iter().zip(&self.shares).enumerate() {
            for (answer, (count, share)) in counts.iter().zip(shares).enumerate() {
                draw_cell(&mut canvas, (truth, answer), *count, *share);
            }
        }
        canvas.finish()
    }
}

fn draw_cell(
    canvas: &mut Canvas<'_>,
    (truth, answer): (usize, usize),
    count: usize,
    share: Option<PlotShare>,
) {
    let (column, row) = (CELL.0 * answer as f64, CELL.1 * truth as f64);
    let area = Area::at((LEFT + column, TOP + row), CELL);
    let value = share.map_or(0.0, |share| share.value);
    canvas.rectangle(area, Fill::Plain(BLUE), value);
    canvas.outline(area, LIGHT_GREY);
    if truth == answer {
        // A frame marks right answers for readers who cannot tell shades apart.
        let corner = (area.left + 1.5, area.top + 1.5);
        let inner = Area::at(corner, (area.width - 3.0, area.height - 3.0));
        canvas.outline(inner, BLACK);
    }
    let mut write = |dy: f64, size: f64, text: &str| {
        let at = (area.middle(), area.top + dy);
        if value > DARK {
            canvas.light_text(at, Anchor::Middle, size, text);
        } else {
            canvas.text(at, Anchor::Middle, size, text);
        }
    };
    write(18.0, 13.0, &count.to_string());
    let Some(share) = share else { return };
    write(32.0, 11.0, &format!("{:.0}%", 100.0 * share.value));
    if let Some((low, high)) = share.interval {
        let interval = format!("[{:.0}, {:.0}]", 100.0 * low, 100.0 * high);
        write(45.0, 9.5, &interval);
    }
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME_LENGTH {
        return name.to_owned();
    }
    name.chars().take(NAME_LENGTH - 1).chain(['…']).collect()
}
