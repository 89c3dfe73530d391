//! Lines with bands: ROC and risk–coverage curves.

use super::{
    axes::{Axes, AxisSpec, TEXT},
    canvas::{Anchor, Canvas, Plot, PlotFrame},
    geometry::{Area, Point},
    legend::{self, LegendKey},
    palette::LineStyle,
};

/// The role of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A main line, in the style of this number.
    Series(usize),
    /// A thin grey line behind the others.
    Background,
    /// A thin dashed line for comparison.
    Reference,
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct PlotLine {
    /// Its name in the legend; `None` leaves it out.
    pub name: Option<String>,
    /// How it is drawn.
    pub role: Role,
    /// Points in the units of the axes, x ascending.
    pub points: Vec<Point>,
    /// Intervals of y at some x: (x, low, high), x ascending; may be empty.
    pub band: Vec<(f64, f64, f64)>,
}

/// Lines on two axes.
#[derive(Clone, Debug, PartialEq)]
pub struct LinePlot {
    /// Name, heading and description.
    pub frame: PlotFrame,
    /// The x axis.
    pub x: AxisSpec,
    /// The y axis.
    pub y: AxisSpec,
    /// The lines, the first at the bottom.
    pub lines: Vec<PlotLine>,
    /// Short lines of text inside.
    pub notes: Vec<String>,
    /// Whether the notes are at the top (rising risk) or at the bottom (ROC).
    pub notes_at_top: bool,
}

const WIDTH: f64 = 320.0;
const PLOT: Area = Area::at((58.0, 26.0), (250.0, 226.0));

impl LinePlot {
    /// Draws the plot.
    pub fn draw(&self) -> Plot {
        let entries = self.legend_entries();
        let legend_height = legend::height(&entries, WIDTH - 24.0);
        let height = PLOT.bottom() + 40.0 + legend_height;
        let mut canvas = self.frame.canvas((WIDTH, height), PLOT.left);
        let axes = Axes::new(PLOT, &self.x, &self.y);
        axes.draw_x(&mut canvas, &self.x);
        axes.draw_y(&mut canvas, &self.y, 5);
        for line in &self.lines {
            line.draw(&mut canvas, &axes);
        }
        self.draw_notes(&mut canvas);
        let below = (12.0, PLOT.bottom() + 36.0);
        legend::draw(&mut canvas, &entries, below, WIDTH - 24.0);
        canvas.finish()
    }

    fn legend_entries(&self) -> Vec<(String, LegendKey)> {
        let entry =
            |line: &PlotLine| Some((line.name.clone()?, LegendKey::Line(line.role.style())));
        self.lines.iter().rev().filter_map(entry).collect()
    }

    fn draw_notes(&self, canvas: &mut Canvas<'_>) {
        let count = self.notes.len() as f64;
        let (x, first, anchor) = match self.notes_at_top {
            true => (PLOT.left + 8.0, PLOT.top + 14.0, Anchor::Start),
            false => {
                let first = PLOT.bottom() - 8.0 - 15.0 * (count - 1.0);
                (PLOT.right() - 6.0, first, Anchor::End)
            }
        };
        for (row, note) in self.notes.iter().enumerate() {
            canvas.rimmed_text((x, first + 15.0 * row as f64), anchor, TEXT, note);
        }
    }
}

impl Role {
    fn style(self) -> LineStyle {
        match self {
            Role::Series(index) => LineStyle::of_series(index),
            Role::Background => LineStyle::BACKGROUND,
            Role::Reference => LineStyle::REFERENCE,
        }
    }
}

impl PlotLine {
    fn draw(&self, canvas: &mut Canvas<'_>, axes: &Axes) {
        let style = self.role.style();
        let band = &self.band;
        let upper = band.iter().map(|&(x, _, high)| axes.at((x, high)));
        let lower = band.iter().rev().map(|&(x, low, _)| axes.at((x, low)));
        let outline: Vec<Point> = upper.chain(lower).collect();
        if !outline.is_empty() {
            canvas.polygon(&outline, style.colour, 0.2);
        }
        let placed: Vec<Point> = self.points.iter().map(|&point| axes.at(point)).collect();
        canvas.polyline(&placed, style);
        let Some(marker) = style.marker else { return };
        for point in spread(&placed) {
            canvas.marker(point, marker, 2.6, style.colour);
        }
    }
}

/// Up to six points of a line, evenly spaced by index and away from its ends.
fn spread(points: &[Point]) -> impl Iterator<Item = Point> + '_ {
    let step = (points.len() / 6).max(1);
    points.iter().skip(step / 2).step_by(step).copied()
}
