//! A small SVG writer. Every text is escaped here.

use std::fmt::Write;

use super::{
    geometry::{Area, Point},
    hatching::marks,
    palette::{BLACK, Fill, LineStyle, Marker},
};

/// A white rim, so that lines under a text do not cut through its letters.
const RIM: &str =
    r#" stroke="white" stroke-width="2.5" paint-order="stroke" stroke-linejoin="round""#;

/// A finished plot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plot {
    /// Its file name without extension.
    pub name: String,
    /// The `<svg>` element.
    pub svg: String,
}

/// The anchor of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// The parts that every plot has.
#[derive(Clone, Debug, PartialEq)]
pub struct PlotFrame {
    /// File name without extension.
    pub name: String,
    /// Heading.
    pub title: String,
    /// Description for screen readers.
    pub description: String,
}

/// The content of an `<svg>` under construction.
#[derive(Debug)]
pub(super) struct Canvas<'a> {
    frame: &'a PlotFrame,
    width: f64,
    height: f64,
    body: String,
}

/// Escapes text for XML and HTML, between tags and in quoted attributes. Characters that XML
/// forbids are replaced.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ if character.is_control() => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}

impl PlotFrame {
    /// A canvas of a width and a height, with the heading at the top from `left` on.
    pub(super) fn canvas(&self, size: (f64, f64), left: f64) -> Canvas<'_> {
        let mut canvas = self.bare_canvas(size);
        canvas.bold_text((left, 16.0), Anchor::Start, 13.0, &self.title);
        canvas
    }

    /// A canvas whose heading is for screen readers only.
    pub(super) fn bare_canvas(&self, (width, height): (f64, f64)) -> Canvas<'_> {
        Canvas {
            frame: self,
            width,
            height,
            body: String::new(),
        }
    }
}

impl Canvas<'_> {
    pub(super) fn rectangle(&mut self, area: Area, fill: Fill, opacity: f64) {
        let (paint, outline) = match fill {
            Fill::Plain(colour) => (colour, String::new()),
            marked => {
                let outline = format!(r#" stroke="{}" stroke-width="0.7""#, marked.colour());
                ("white", outline)
            }
        };
        self.push(&format!(
            r#"<rect x="{:.2}" y="{:.2}" width="{:.2}" height="{:.2}" fill="{paint}" fill-opacity="{opacity}"{outline}/>{}"#,
            area.left, area.top, area.width.max(0.0), area.height.max(0.0), marks(area, fill),
        ));
    }

    pub(super) fn outline(&mut self, area: Area, colour: &str) {
        self.push(&format!(
            r#"<rect x="{:.2}" y="{:.2}" width="{:.2}" height="{:.2}" fill="none" stroke="{colour}"/>"#,
            area.left, area.top, area.width, area.height,
        ));
    }

    pub(super) fn line(&mut self, from: Point, to: Point, style: LineStyle) {
        self.polyline(&[from, to], style);
    }

    pub(super) fn polyline(&mut self, points: &[Point], style: LineStyle) {
        let dash = match style.dash {
            "" => String::new(),
            dash => format!(r#" stroke-dasharray="{dash}""#),
        };
        self.push(&format!(
            r#"<polyline points="{}" fill="none" stroke="{}" stroke-width="{}" stroke-linejoin="round"{dash}/>"#,
            coordinates(points), style.colour, style.width,
        ));
    }

    pub(super) fn polygon(&mut self, points: &[Point], colour: &str, opacity: f64) {
        self.push(&format!(
            r#"<polygon points="{}" fill="{colour}" fill-opacity="{opacity}"/>"#,
            coordinates(points),
        ));
    }

    pub(super) fn marker(&mut self, (x, y): Point, marker: Marker, size: f64, colour: &str) {
        let corners: &[Point] = match marker {
            Marker::Circle => {
                return self.push(&format!(
                    r#"<circle cx="{x:.2}" cy="{y:.2}" r="{size:.2}" fill="{colour}"/>"#
                ));
            }
            Marker::Square => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            Marker::Triangle => &[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)],
            Marker::Diamond => &[(0.0, -1.3), (1.0, 0.0), (0.0, 1.3), (-1.0, 0.0)],
            Marker::Cross => &[
                (-1.2, -0.4),
                (-0.4, -0.4),
                (-0.4, -1.2),
                (0.4, -1.2),
                (0.4, -0.4),
                (1.2, -0.4),
                (1.2, 0.4),
                (0.4, 0.4),
                (0.4, 1.2),
                (-0.4, 1.2),
                (-0.4, 0.4),
                (-1.2, 0.4),
            ],
        };
        let corners = corners.iter();
        let placed = corners.map(|(dx, dy)| (x + size * dx, y + size * dy));
        self.polygon(&placed.collect::<Vec<_>>(), colour, 1.0);
    }

    /// A vertical interval with short ends.
    pub(super) fn whisker(&mut self, x: f64, (y1, y2): Point, reach: f64, colour: &'static str) {
        let style = thin(colour);
        self.line((x, y1), (x, y2), style);
        for y in [y1, y2] {
            self.line((x - reach, y), (x + reach, y), style);
        }
    }

    /// A bar between two heights.
    pub(super) fn bar(&mut self, (left, width): (f64, f64), (y1, y2): (f64, f64), fill: Fill) {
        let area = Area::at((left, y1.min(y2)), (width, (y1 - y2).abs()));
        self.rectangle(area, fill, 1.0);
    }

    pub(super) fn text(&mut self, at: Point, anchor: Anchor, size: f64, text: &str) {
        self.styled_text(at, anchor, size, "", text);
    }

    pub(super) fn bold_text(&mut self, at: Point, anchor: Anchor, size: f64, text: &str) {
        self.styled_text(at, anchor, size, r#" font-weight="600""#, text);
    }

    /// Text with a rim, for lines and bars behind it.
    pub(super) fn rimmed_text(&mut self, at: Point, anchor: Anchor, size: f64, text: &str) {
        self.styled_text(at, anchor, size, RIM, text);
    }

    pub(super) fn light_text(&mut self, at: Point, anchor: Anchor, size: f64, text: &str) {
        self.styled_text(at, anchor, size, r#" fill="white""#, text);
    }

    /// Text that reads from below, centred at a point.
    pub(super) fn upward_text(&mut self, (x, y): Point, size: f64, text: &str) {
        let turn = format!(r#" transform="rotate(-90 {x:.2} {y:.2})""#);
        self.styled_text((x, y), Anchor::Middle, size, &turn, text);
    }

    fn styled_text(&mut self, (x, y): Point, anchor: Anchor, size: f64, style: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(text);
        self.push(&format!(
            r#"<text x="{x:.2}" y="{y:.2}" font-size="{size}" text-anchor="{anchor}"{style}>{text}</text>"#
        ));
    }

    pub(super) fn finish(self) -> Plot {
        let (title, description) = (escape(&self.frame.title), escape(&self.frame.description));
        let svg = format!(
            concat!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}" height="{height:.0}" "#,
                r#"role="img" aria-label="{title}. {description}" font-family="system-ui, 'Helvetica Neue', Arial, sans-serif" fill="{black}">"#,
                "\n<title>{title}</title><desc>{description}</desc>",
                r#"<rect width="100%" height="100%" fill="white"/>"#,
                "\n{body}</svg>"
            ),
            width = self.width,
            height = self.height,
            black = BLACK,
            body = self.body,
            title = title,
            description = description,
        );
        Plot {
            name: self.frame.name.clone(),
            svg,
        }
    }

    fn push(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }
}

/// A thin solid line.
pub(super) fn thin(colour: &'static str) -> LineStyle {
    LineStyle {
        colour,
        dash: "",
        width: 1.0,
        marker: None,
    }
}

fn coordinates(points: &[Point]) -> String {
    let mut text = String::new();
    for (x, y) in points {
        // Writing to a string cannot fail.
        let _ = write!(text, "{x:.2},{y:.2} ");
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_escaped() {
        let frame = PlotFrame {
            name: "plot".to_owned(),
            title: "<script>".to_owned(),
            description: "\"quoted\" & 'so'".to_owned(),
        };
        let mut canvas = frame.bare_canvas((10.0, 10.0));
        canvas.text((1.0, 1.0), Anchor::Start, 9.0, "</text><script>\u{0}");
        let svg = canvas.finish().svg;
        assert!(!svg.contains("<script"), "{svg}");
        assert!(
            svg.contains("&lt;/text&gt;&lt;script&gt;\u{fffd}<"),
            "{svg}"
        );
        assert!(
            svg.contains(r#"aria-label="&lt;script&gt;. &quot;quoted&quot; &amp; &#39;so&#39;""#),
            "{svg}"
        );
    }
}
