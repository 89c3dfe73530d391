//! A row per policy: the share of accepted cells, and the risk beside the promise.

use super::{
    axes::{Axes, AxisSpec, TEXT},
    canvas::{Anchor, Canvas, Plot, PlotFrame, thin},
    geometry::Area,
    mirrored_histogram::PlotShare,
    palette::{BLACK, BLUE, LIGHT_GREY, LineStyle, Marker, VERMILLION},
};

/// The result of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct IntervalRow {
    /// Name of the policy (and the method).
    pub name: String,
    /// Share of accepted cells.
    pub coverage: Option<PlotShare>,
    /// The risk that its promise bounds; `None` if nothing is accepted.
    pub risk: Option<PlotShare>,
    /// The bound.
    pub promised: f64,
}

/// Coverage and risk, side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct IntervalRows {
    /// Name, heading and description.
    pub frame: PlotFrame,
    /// The rows.
    pub rows: Vec<IntervalRow>,
}

const TOP: f64 = 44.0;
const ROW: f64 = 24.0;
/// Widths of the panels, of the space between them and of the right margin.
const COVERAGE: f64 = 210.0;
const GAP: f64 = 44.0;
const RISK: f64 = 226.0;
const RIGHT: f64 = 20.0;
/// Space for names: the minimum, and per letter of the longest one.
const NAMES: f64 = 220.0;
const LETTER: f64 = 6.6;

impl IntervalRows {
    /// Draws the plot.
    pub fn draw(&self) -> Plot {
        let rows_height = ROW * self.rows.len() as f64;
        let left = self.space_for_names();
        let (risk_left, right) = (left + COVERAGE + GAP, left + COVERAGE + GAP + RISK);
        let size = (right + RIGHT, TOP + rows_height + 42.0);
        let mut canvas = self.frame.canvas(size, 12.0);
        let panel = |left, width| Area::at((left, TOP), (width, rows_height));
        let coverage = AxisSpec::share("coverage: share of cells accepted");
        let risk = AxisSpec::new("risk (│ = promised bound)", 0.0, self.largest_risk());
        let coverage = Axes::of_rows(&mut canvas, panel(left, COVERAGE), &coverage);
        let risk = Axes::of_rows(&mut canvas, panel(risk_left, RISK), &risk);
        let bound = LineStyle {
            width: 2.6,
            ..thin(VERMILLION)
        };
        for (index, row) in self.rows.iter().enumerate() {
            let y = TOP + ROW * (index as f64 + 0.5);
            let below = y + 0.5 * ROW;
            canvas.line((12.0, below), (right, below), thin(LIGHT_GREY));
            canvas.text((left - 10.0, y + 4.0), Anchor::End, TEXT, &row.name);
            let accepted = (row.coverage, Marker::Square);
            draw_share(&mut canvas, (&coverage, y), accepted, left);
            let promised = risk.x(row.promised);
            canvas.line((promised, y - 8.0), (promised, y + 8.0), bound);
            let risked = (row.risk, Marker::Circle);
            draw_share(&mut canvas, (&risk, y), risked, promised);
        }
        canvas.finish()
    }

    fn space_for_names(&self) -> f64 {
        let letters = self.rows.iter().map(|row| row.name.chars().count());
        let longest = letters.max().unwrap_or(0);
        NAMES.max(LETTER * longest as f64 + 22.0)
    }

    fn largest_risk(&self) -> f64 {
        let end = |risk: PlotShare| risk.interval.map_or(risk.value, |(_, high)| high);
        let rows = self.rows.iter();
        let ends = rows.map(|row| row.promised.max(row.risk.map_or(0.0, end)));
        1.08 * ends.fold(0.01, f64::max)
    }
}

/// Draws a share, or "undefined" to the right of `otherwise`.
fn draw_share(
    canvas: &mut Canvas<'_>,
    (axes, y): (&Axes, f64),
    (share, marker): (Option<PlotShare>, Marker),
    otherwise: f64,
) {
    let Some(share) = share else {
        return canvas.text((otherwise + 8.0, y + 4.0), Anchor::Start, TEXT, "undefined");
    };
    if let Some((low, high)) = share.interval {
        let (low, high) = (axes.x(low), axes.x(high));
        canvas.line((low, y), (high, y), thin(BLACK));
        for end in [low, high] {
            canvas.line((end, y - 3.0), (end, y + 3.0), thin(BLACK));
        }
    }
    canvas.marker((axes.x(share.value), y), marker, 3.6, BLUE);
}
