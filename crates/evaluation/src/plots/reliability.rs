//! Reliability diagrams: said against true, and how often it was said.

use super::{
    axes::{AxisSpec, Frame, TEXT},
    canvas::{Anchor, Area, Canvas, Plot},
    palette::{BLUE, Fill, LineStyle, Marker, SKY},
};

/// One bin with items in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReliabilityPoint {
    /// Lower edge of the bin.
    pub low: f64,
    /// Upper edge of the bin.
    pub high: f64,
    /// Mean confidence of its items.
    pub confidence: f64,
    /// Share of them that came true.
    pub share: f64,
    /// An interval of the share.
    pub interval: Option<(f64, f64)>,
    /// How many items.
    pub items: usize,
}

/// A reliability diagram with a histogram of the confidences under it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReliabilityPlot<'a> {
    /// Name of the file.
    pub name: &'a str,
    /// Heading.
    pub title: &'a str,
    /// For those who cannot see it.
    pub description: &'a str,
    /// The bins, ascending.
    pub points: Vec<ReliabilityPoint>,
    /// Short lines of text inside.
    pub notes: Vec<String>,
}

const SIZE: (f64, f64) = (320.0, 340.0);
const PLOT: Area = Area {
    left: 58.0,
    top: 26.0,
    width: 250.0,
    height: 196.0,
};
const COUNTS: Area = Area {
    left: 58.0,
    top: 234.0,
    width: 250.0,
    height: 62.0,
};

impl ReliabilityPlot<'_> {
    /// Draws the plot.
    pub fn draw(&self) -> Plot {
        let mut canvas = Canvas::new(self.name, SIZE, self.title, self.description);
        canvas.bold_text((PLOT.left, 16.0), Anchor::Start, 13.0, self.title);
        self.draw_shares(&mut canvas);
        self.draw_counts(&mut canvas);
        canvas.finish()
    }

    fn draw_shares(&self, canvas: &mut Canvas) {
        let (x, y) = (AxisSpec::share(""), AxisSpec::share("share that is right"));
        let frame = Frame::new(PLOT, &x, &y);
        frame.draw_y(canvas, &y, 5);
        canvas.line(
            frame.at((0.0, 0.0)),
            frame.at((1.0, 1.0)),
            LineStyle::reference(),
        );
        for point in &self.points {
            let x = frame.x(point.confidence);
            if let Some((low, high)) = point.interval {
                canvas.whisker(x, (frame.y(low), frame.y(high)), 2.5, BLUE);
            }
            canvas.marker((x, frame.y(point.share)), Marker::Circle, 3.2, BLUE);
        }
        for (row, note) in self.notes.iter().enumerate() {
            // Points seldom lie under the diagonal at the right.
            let y = PLOT.bottom() - 8.0 - 15.0 * row as f64;
            canvas.rimmed_text((PLOT.right() - 6.0, y), Anchor::End, TEXT, note);
        }
    }

    fn draw_counts(&self, canvas: &mut Canvas) {
        let most = self
            .points
            .iter()
            .map(|point| point.items)
            .max()
            .unwrap_or(1);
        let x = AxisSpec::share("confidence: probability of the answer given");
        let y = AxisSpec::new("cells", 0.0, most as f64);
        let frame = Frame::new(COUNTS, &x, &y);
        frame.draw_y(canvas, &y, 3);
        for point in &self.points {
            let (left, right) = (
                frame.x(point.low),
                frame.x(point.high).max(frame.x(point.low) + 2.0),
            );
            let top = frame.y(point.items as f64);
            let bar = Area {
                left: left + 0.5,
                top,
                width: right - left - 1.0,
                height: COUNTS.bottom() - top,
            };
            canvas.rectangle(bar, Fill::Plain(SKY), 1.0);
        }
        frame.draw_x(canvas, &x);
    }
}
