//! The samples of one cell: a tick per pass at the probability of the answer, a row per method.

use super::{
    axes::{Axes, AxisSpec, TEXT},
    canvas::{Anchor, Canvas, Plot, PlotFrame, thin},
    geometry::Area,
    palette::{BLACK, BLUE, LineStyle, Marker, VERMILLION},
};

/// The samples of one method.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    /// Name of the method.
    pub method: String,
    /// The answer.
    pub answer: String,
    /// Whether it is right.
    pub right: bool,
    /// The probability of the answer in each pass.
    pub samples: Vec<f64>,
    /// Their mean.
    pub mean: f64,
}

/// Rows of strips over one axis of probability.
#[derive(Clone, Debug, PartialEq)]
pub struct StripPlot {
    /// Name, heading and description.
    pub frame: PlotFrame,
    /// The rows.
    pub strips: Vec<Strip>,
}

const WIDTH: f64 = 270.0;
const LEFT: f64 = 12.0;
const ROW: f64 = 34.0;

impl StripPlot {
    /// Draws the plot.
    pub fn draw(&self) -> Plot {
        let height = ROW * self.strips.len() as f64;
        let mut canvas = self.frame.bare_canvas((WIDTH, height + 40.0));
        let area = Area::at((LEFT, 4.0), (WIDTH - 2.0 * LEFT, height));
        let x = AxisSpec::share("probability of the answer, per pass");
        let axes = Axes::of_rows(&mut canvas, area, &x);
        for (index, strip) in self.strips.iter().enumerate() {
            strip.draw(&mut canvas, &axes, 4.0 + ROW * index as f64);
        }
        canvas.finish()
    }
}

impl Strip {
    fn draw(&self, canvas: &mut Canvas<'_>, axes: &Axes, top: f64) {
        let (colour, verdict) = match self.right {
            true => (BLUE, "✓"),
            false => (VERMILLION, "✗ wrong"),
        };
        canvas.bold_text((LEFT, top + 11.0), Anchor::Start, TEXT, &self.method);
        let answer = format!("{} {:.2} {verdict}", self.answer, self.mean);
        canvas.text((axes.area.right(), top + 11.0), Anchor::End, TEXT, &answer);
        let (upper, lower) = (top + 16.0, top + ROW - 4.0);
        let tick = LineStyle {
            width: 0.9,
            ..thin(colour)
        };
        for sample in &self.samples {
            let x = axes.x(*sample);
            canvas.line((x, upper), (x, lower), tick);
        }
        let mean = (axes.x(self.mean), 0.5 * (upper + lower));
        canvas.marker(mean, Marker::Diamond, 4.0, BLACK);
    }
}
